"""Why a budget shows no entitlements or no usage, in words: not read yet, being read, refused, or simply none."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.conf import settings

from carefund.domain.care_recipient.budgets import is_open
from carefund.records.care_recipient.funding import BudgetFigures, Funding
from carefund.records.models import Client
from carefund.runs.queries import is_reading_unread
from carefund.sync.care_recipient.details_read import Details, details_of


@dataclass(frozen=True, slots=True)
class Missing:
    """Why details are missing: in two words for a table, and in a sentence."""

    short: str
    sentence: str


_NOT_RELEASED = Missing(
    "Not released", "Services Australia does not release the entitlements and usage of this budget."
)  # the page says why, once
_REFUSED = Missing("Not released", "Entitlements and usage are not released because the client has not given consent.")
_NEXT_SYNC = Missing("Not read yet", "The next sync gets the entitlements and usage of this budget.")
_IN_BACKGROUND = Missing(
    "Not read yet",
    "Entitlements and usage are not read yet. If a budget ended before the first sync, Carefund reads them once, "
    "overnight.",
)
_BEING_READ = Missing("Being read", "Entitlements and usage are being read and will appear shortly.")
_NOT_THEN = Missing("Not read then", "Entitlements and usage had not been read by that day.")
_LISTED_NO_MORE = Missing(
    "Never read",
    "Entitlements and usage were never read, and Services Australia no longer lists this budget.",
)
_NOT_FOUND = Missing("Not known", "Services Australia lists this budget but has no details for it.")
_UNREADABLE = Missing("Not readable", "Carefund could not read the details of this budget. Tell your administrator.")
_UNEXPLAINED = Missing("Not known", "Services Australia sent no lines that explain what was used.")


@dataclass(frozen=True, slots=True)
class DetailsState:
    """What is known of asking for budgets' details: `digests` of the answers by question, and by budget id how asking
    ended where nothing was read. `is_reading`: the rest is being read at this moment. `is_past`: as known on an earlier
    day."""

    digests: Mapping[str, str]
    unanswered: Mapping[str, str] = field(default_factory=dict)
    consent_missing: bool = False
    is_reading: bool = False
    is_past: bool = False

    def explain(self, figures: BudgetFigures, funding: Funding) -> Missing | None:
        """Why a budget's entitlements or usage are missing; None where both were read and there is nothing to say."""
        details = details_of(figures.budget.budget_id, self.digests, self.unanswered)
        if details is Details.NEVER_ASKED:
            return self._explain_unread(figures, funding)
        if details is Details.READ:
            if figures.entitlements or figures.usage:
                return None
            if self.consent_missing:
                return _NOT_RELEASED
            return _UNEXPLAINED if figures.used else None
        if details is Details.REFUSED:
            return _NOT_RELEASED if self.consent_missing else _REFUSED
        return {Details.NOT_FOUND: _NOT_FOUND, Details.UNREADABLE: _UNREADABLE}[details]

    def _explain_unread(self, figures: BudgetFigures, funding: Funding) -> Missing:
        budget = figures.budget
        if self.is_past:
            return _NOT_THEN
        if budget.no_longer_returned_date:
            return _LISTED_NO_MORE
        if is_open(budget.end_date, funding.today, settings.OPEN_BUDGET_DAYS):
            return _NOT_RELEASED if self.consent_missing else _NEXT_SYNC
        return _BEING_READ if self.is_reading else _IN_BACKGROUND


def find_details_state(client: Client) -> DetailsState:
    """What is known now of asking for the details of this client's budgets."""
    state = getattr(client, "sync_state", None)
    if state is None:
        return DetailsState({})
    is_reading = state.unread_budgets != 0 and is_reading_unread(client)
    return DetailsState(state.digests, state.unanswered, state.consent_missing, is_reading)
