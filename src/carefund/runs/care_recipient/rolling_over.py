"""Rollover as a kind of work: an item for each budget, done once, and a sync of its client afterwards.

The request for that sync and the item's outcome are not one transaction, so a kill in between asks twice at most.
Source: rules SAH-19 and SYNC-02.
"""

from collections.abc import Sequence
from contextlib import suppress
from functools import partial

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_claim
from carefund.domain.care_recipient.quarter_close import add_up_rows
from carefund.domain.wording import many
from carefund.records.care_recipient.quarter_close import ClosingRow
from carefund.records.care_recipient.rollovers import find_rollover, store_rollovers
from carefund.records.models import Client
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_run, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind
from carefund.sync.care_recipient.rolling_over import NotRolledOver, RollingOver

_NAME = "rollover"


def request_rollovers(rows: Sequence[ClosingRow], requested_by: User | None = None) -> Run:
    """Ask for the rollover of those of these rows that are ready, each once. Raises NothingToDo, NotConfigured."""
    require_configured(SERVICES_AUSTRALIA)
    try:
        with transaction.atomic():
            asked = store_rollovers(rows, requested_by)
            items = [
                NewRunItem(f"rollover:{rollover.pk}", client_id=rollover.plan_budget.client_id) for rollover in asked
            ]
            return request_work(
                _NAME,
                items,
                trigger=Run.Trigger.BULK,
                scope=f"rollover of {many(len(items), 'budget')}",
                requested_by=requested_by,
            )
    except IntegrityError:  # somebody else confirmed the same at the same moment
        raise NothingToDo from None


def roll_over(rows: Sequence[ClosingRow], requested_by: User) -> Run:
    """Ask for the rollovers that somebody confirmed, with an entry in the audit log. Raises NothingToDo,
    NotConfigured."""
    totals = add_up_rows(rows)
    with one_act():
        run = request_rollovers(rows, requested_by)
        after = {"budgets": len(rows), "rollover": str(totals.rollover), "loss": str(totals.loss)}
        store_act(requested_by, "Rollover requested", f"run {run.pk}", after=after)
    return run


async def _work(session: Session, item: ClaimedItem) -> ItemResult:
    number = int(item.held_id)
    rolling = RollingOver(session.source, session.held(item), partial(session.keep, item))
    try:
        is_new = await rolling.roll_over(number)
    except NotRolledOver as refusal:
        raise ItemFailed(refusal.code, refusal.problem, refusal.advice, step="roll over") from None
    await session.write(item, _request_sync, number)
    if not is_new:
        return ItemResult(RunItem.Outcome.UNCHANGED, "The budget had already been rolled over.")
    return ItemResult(RunItem.Outcome.CHANGED, "Rollover requested. The client is being synchronised.")


def _request_sync(number: int) -> None:
    budget = find_rollover(number).plan_budget
    with suppress(NothingToDo):
        clients = Client.objects.filter(pk=budget.client_id)
        request_run(trigger=Run.Trigger.ROUTINE, clients=clients, scope="budget rolled over")


ROLLOVER = WorkKind(
    name=_NAME,
    label="Roll over budgets",
    items="budgets",
    funder=SERVICES_AUSTRALIA,
    work=_work,
    at_once=4,
    may_ask=may_claim,
)
