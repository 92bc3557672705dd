"""A write to Services Australia tried as a kind of work: shown first, confirmed once, sent once, and reported.

Only where nothing real can be reached. A confirmation holds for what was shown and for a few minutes, so that work that
was held up, or is asked for again, sends nothing that nobody looks at. A rollover is the one of Quarter close, with its
row and its mark. Source: rules CLAIM-06 and SAH-19.
"""

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from carefund.access.roles import may_administer
from carefund.funders.configuration import is_for_tests
from carefund.records.care_recipient.rollovers import store_rollovers
from carefund.records.models import Client
from carefund.records.trials import KeptAnswer, store_tried_answer
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.trials import WRITE_TRIAL_NAME
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind
from carefund.sync.shown_writes import PRODUCTION, CannotTry, ShownWrite, find_row_to_close, show_write
from carefund.sync.write_trials import ROLL_OVER, Recording, TrialSteps, WriteOutcome, try_rollover

_CONFIRMED_FOR = timedelta(minutes=10)


def request_write(client: Client, operation: str, digest: str, requested_by: User | None = None) -> Run:
    """Ask for a write that somebody confirmed as it was shown. Raises CannotTry, also where it would be another one by
    now; NotConfigured."""
    shown = show_write(client, operation, business_today())
    if shown.digest != digest:
        raise CannotTry("What would be sent has changed since it was shown. Nothing was sent.", "Look at it again.")
    require_configured(SERVICES_AUSTRALIA)
    try:
        with transaction.atomic():
            holds = f"write:{client.pk}"
            if shown.budget is not None:
                [rollover] = store_rollovers([find_row_to_close(client, business_today())], requested_by)
                holds = f"rollover:{rollover.pk}"
            return request_once(
                WRITE_TRIAL_NAME,
                NewRunItem(holds, client.pk, client.care_recipient_id or ""),
                trigger=Run.Trigger.ON_DEMAND,
                scope=f"{operation}, once",
                parameters={"write": operation, "digest": digest, "confirmed_at": timezone.now().isoformat()},
                requested_by=requested_by,
            )
    except IntegrityError:
        raise CannotTry("Someone else has just requested this rollover.", "See Quarter close.") from None


async def _try(session: Session, item: ClaimedItem) -> ItemResult:
    asked: dict[str, Any] = session.run.parameters
    operation, keep = asked["write"], partial(session.keep, item)
    if not is_for_tests(session.source.configuration):
        raise ItemFailed("not-for-tests", PRODUCTION, "Nothing was sent.", step="write")
    if timezone.now() - datetime.fromisoformat(asked["confirmed_at"]) > _CONFIRMED_FOR:
        raise ItemFailed("confirmed-long-ago", "The confirmation is too old.", "Look at the write again.", step="write")

    async def archive(answer: KeptAnswer) -> None:
        await session.write(item, store_tried_answer, item.client_id, answer)

    client = await session.database.do(Client.objects.get, pk=item.client_id)
    recording = Recording(session.source, archive, (client.first_name, client.last_name))
    if operation == ROLL_OVER:
        tried = await try_rollover(recording, session.held(item), keep, int(item.held_id))
    else:
        shown = await session.database.do(_show_again, item.client_id, operation)
        if shown.digest != asked["digest"] or shown.invoice is None:
            raise ItemFailed("changed", "What would be sent has changed.", "Look at the write again.", step="write")
        tried = await TrialSteps(recording, shown.invoice, keep).take(operation)
    message = f"{operation}: {tried.outcome}."
    outcome = RunItem.Outcome.CHANGED if tried.outcome == WriteOutcome.DONE else RunItem.Outcome.UNCHANGED
    return ItemResult(outcome, message, result=recording.report(operation, tried))


def _show_again(client_id: int, operation: str) -> ShownWrite:
    try:
        return show_write(Client.objects.get(pk=client_id), operation, business_today())
    except CannotTry as missing:
        raise ItemFailed("changed", missing.message, missing.advice, step="write") from None


WRITE_TRIAL = WorkKind(
    name=WRITE_TRIAL_NAME,
    label="Trial of a write",
    items="writes",
    funder=SERVICES_AUSTRALIA,
    work=_try,
    at_once=1,
    may_ask=may_administer,
)
