"""Whether a budget's details (entitlements and usage) were ever read, and how asking for them ended. No I/O.

Source: rule SYNC-18.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from carefund.funders.services_australia.payloads import BudgetPeriod
from carefund.sync.care_recipient.answers import BUDGET_DETAILS
from carefund.sync.care_recipient.last_applied import LastApplied


class Details(Enum):
    """What came of asking for a budget's details, ever."""

    READ = "read"
    NEVER_ASKED = "never asked"
    REFUSED = "refused"
    NOT_FOUND = "not found"
    UNREADABLE = "unreadable"


def details_of(budget_id: str, digests: Mapping[str, str], unanswered: Mapping[str, str]) -> Details:
    """What came of asking: by the digests of the answers last applied, and how asking ended where nothing was read."""
    if BUDGET_DETAILS.key(budget_id) in digests:
        return Details.READ
    return Details(unanswered.get(budget_id, Details.NEVER_ASKED))


@dataclass(frozen=True, slots=True)
class NeverAsked:
    """The rule for which budgets' details are read in the background: those never asked for."""

    known: LastApplied

    def __contains__(self, budget: BudgetPeriod) -> bool:
        return details_of(budget.budget_id, self.known.digests, self.known.unanswered) is Details.NEVER_ASKED
