"""Account summaries as a kind of work: an item is a branch's month, on demand and once a day.

A kind apart from the checks of claims, because few interfaces give them: while they cannot be read, claims are checked.
Source: rule CLAIM-13.
"""

from collections.abc import Iterable
from datetime import date, timedelta

from django.contrib.auth.models import User

from carefund.access.roles import may_claim
from carefund.domain.wording import many
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.people import NotFound
from carefund.records.claims.accounts import begin_of_month
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, has_open_run, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind
from carefund.sync.claims.accounts import AccountReader, NotOurAccount

_READING = "account-summary"
_MOST_MONTHS = 24


def list_months(today: date, number: int = _MOST_MONTHS) -> list[date]:
    """Return the first days of this month and those before, newest first."""
    months = [begin_of_month(today)]
    while len(months) < number:
        months.append(begin_of_month(months[-1] - timedelta(days=1)))
    return months


def request_accounts(
    months: Iterable[date],
    *,
    branch: str = "",
    requested_by: User | None = None,
    trigger: str = Run.Trigger.ON_DEMAND,
) -> Run:
    """Ask for the account of these months, of one own branch or of all. Raise NothingToDo, NotConfigured."""
    require_configured(SERVICES_AUSTRALIA)
    own = [own_id for own_id in list_own_service_provider_ids() if branch in ("", own_id)]
    asked = list(months)
    items = [NewRunItem(f"{_READING}:{own_id}:{month:%Y-%m}") for month in asked for own_id in own]
    scope = f"account summaries of {many(len(asked), 'month')}"
    return request_work(_READING, items, trigger=trigger, scope=scope, requested_by=requested_by)


def request_routine_accounts() -> Run:
    """Ask for this month and the one before, of every own branch. Raise NotConfigured; NothingToDo while the last ones
    are still to be read."""
    if has_open_run(_READING, Run.Trigger.ROUTINE):
        raise NothingToDo
    return request_accounts(list_months(business_today(), 2), trigger=Run.Trigger.ROUTINE)


async def _read(session: Session, item: ClaimedItem) -> ItemResult:
    """Read one month of a branch. One that the interface does not give is no failure: few are licensed for it."""
    branch, _, text = item.held_id.partition(":")
    month = date.fromisoformat(f"{text}-01")
    try:
        is_new = await AccountReader(session.source, session.held(item)).read(branch, month, business_today())
    except (NotFound, NotPermitted) as problem:
        words = "Services Australia gives no account summary for this branch and month."
        return ItemResult(RunItem.Outcome.UNCHANGED, words, [problem.message])
    except NotOurAccount:
        raise ItemFailed(
            "not-ours", "The account summary is about a different service provider.", "Nothing was changed."
        ) from None
    if not is_new:
        return ItemResult(RunItem.Outcome.UNCHANGED, "The account summary has not changed.")
    return ItemResult(RunItem.Outcome.CHANGED, "The account summary was saved.")


ACCOUNT_SUMMARY = WorkKind(
    name=_READING,
    label="Read account summaries",
    items="account summaries",
    funder=SERVICES_AUSTRALIA,
    work=_read,
    at_once=4,
    may_ask=may_claim,
)
