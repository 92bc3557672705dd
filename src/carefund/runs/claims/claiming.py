"""Claims as kinds of work: send a batch, check a claim, look for claims made elsewhere; and the sync after an approval.

The request for that sync and its note on the claim are one transaction, so that it is neither lost nor made twice.
Source: rule SYNC-02.
"""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from carefund.access.roles import may_claim
from carefund.domain.claims.matching import count_due_rechecks
from carefund.domain.claims.statuses import COMPLETED, PAID_CLAIM_STATUSES, write_claim_status
from carefund.records.claims import matched_lines as claim_matching
from carefund.records.claims.exceptions import close_settled_cases
from carefund.records.claims.queries import list_sending_batches, list_unsettled_claims
from carefund.records.claims.waiting_for_draws import (
    list_claims_to_recheck,
    list_clients_without_draws,
    list_readable_clients,
)
from carefund.records.models import Claim
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.runs import leases
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_newest_item, find_shown_run
from carefund.runs.requests import NewRunItem, NothingToDo, has_open_run, request_once, request_run, request_work
from carefund.runs.sessions import HeldDatabase, Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind
from carefund.sync.claims.checking import Checker, NotOurs
from carefund.sync.claims.reconciling import BookDifference, Reconciler
from carefund.sync.claims.sending import Sender, Stopped

SENDING, CHECKING = "claim-batch", "claim-check"
_ELSEWHERE, _LINES, _BOOKS = "claims-elsewhere", "claim-lines", "claim-books"
_MOST_DIFFERENCES = 200
_CHANGED, _UNCHANGED = RunItem.Outcome.CHANGED, RunItem.Outcome.UNCHANGED


def name_batch(batch_id: int) -> str:
    """What an item that works on a batch holds."""
    return f"batch:{batch_id}"


def name_claim(claim_pk: int) -> str:
    """What an item that works on a claim holds."""
    return f"claim:{claim_pk}"


def request_sending(batch_id: int, requested_by: User | None = None) -> Run:
    """Ask for a batch to be sent, or for the sending to go on; asking twice asks once. Raises NotConfigured."""
    require_configured(SERVICES_AUSTRALIA)
    return request_once(
        SENDING,
        NewRunItem(name_batch(batch_id)),
        trigger=Run.Trigger.ON_DEMAND,
        scope=f"claim batch {batch_id}",
        requested_by=requested_by,
    )


def request_unsent() -> Run:
    """Ask for what was left unsent to be sent, but for what a person has paused or cancelled. Raises NothingToDo."""
    batches = [NewRunItem(name_batch(pk)) for pk in list_sending_batches().order_by("pk").values_list("pk", flat=True)]
    left = [item for item in batches if _may_go_on(item.holds)]
    return request_work(SENDING, left, trigger=Run.Trigger.ROUTINE, scope="unsent claim batches")


def _may_go_on(holds: str) -> bool:
    item = find_newest_item(holds)
    if item is None:
        return True
    return item.status == RunItem.Status.DONE and item.error_code != leases.WORKER_ENDED


async def _send(session: Session, item: ClaimedItem) -> ItemResult:
    sender = Sender(
        session.source, session.held(item), partial(session.keep, item), partial(session.report_progress, item)
    )
    try:
        is_sent = await sender.send(int(item.held_id))
    except Stopped as stop:  # the batch waits for something; what was done is kept
        return ItemResult(_UNCHANGED, stop.problem, [stop.advice])
    return ItemResult(_CHANGED, "Claim submitted.") if is_sent else ItemResult(_UNCHANGED, "Nothing left to send.")


def request_checks(claims: Iterable[Claim], *, trigger: str, scope: str, requested_by: User | None = None) -> Run:
    """Ask for Check Status of these claims. Raises NothingToDo when there is none, NotConfigured."""
    require_configured(SERVICES_AUSTRALIA)
    items = [NewRunItem(name_claim(claim.pk)) for claim in claims]
    return request_work(CHECKING, items, trigger=trigger, scope=scope, requested_by=requested_by)


def request_check(claim: Claim, requested_by: User | None = None) -> Run:
    """Ask for Check Status of one claim; asking twice asks once. Raises NotConfigured."""
    require_configured(SERVICES_AUSTRALIA)
    return request_once(
        CHECKING,
        NewRunItem(name_claim(claim.pk)),
        trigger=Run.Trigger.ON_DEMAND,
        scope=f"claim {claim.claim_id}",
        requested_by=requested_by,
    )


def find_shown_checks(now: datetime) -> Run | None:
    """The newest check of all open claims that a person asked for, under way or just over."""
    return find_shown_run(CHECKING, now, of_many=True)


def request_all_checks(requested_by: User | None = None, *, trigger: str = Run.Trigger.ON_DEMAND) -> Run:
    """Ask for Check Status of every claim that is not at its end, and for a look for claims made elsewhere.

    On demand our records are compared with the funder's as well; by the clock that is once a day enough.
    """
    require_configured(SERVICES_AUSTRALIA)
    claims = [NewRunItem(name_claim(claim.pk)) for claim in list_unsettled_claims()]
    items = [NewRunItem(_LINES), NewRunItem(_ELSEWHERE), *claims]
    if trigger == Run.Trigger.ON_DEMAND:
        items.insert(2, NewRunItem(_BOOKS))
    return request_work(CHECKING, items, trigger=trigger, scope="all open claims", requested_by=requested_by)


def request_search() -> Run:
    """Ask for a look for claims made elsewhere, such as in the portal; what is found is then checked."""
    require_configured(SERVICES_AUSTRALIA)
    return request_once(
        CHECKING, NewRunItem(_ELSEWHERE), trigger=Run.Trigger.ON_DEMAND, scope="claims made outside Carefund"
    )


def request_routine_checks() -> Run:
    """As `request_all_checks`, by the clock. Raises NothingToDo where nobody claims, and while the last one goes on."""
    nobody = not list_own_service_provider_ids() and not list_unsettled_claims().exists()
    if nobody or has_open_run(CHECKING, Run.Trigger.ROUTINE):
        raise NothingToDo
    return request_all_checks(trigger=Run.Trigger.ROUTINE)


def request_reconciliation(trigger: str = Run.Trigger.ON_DEMAND) -> Run:
    """Ask for the comparison of our records with the funder's. Raises NothingToDo where nobody claims."""
    require_configured(SERVICES_AUSTRALIA)
    if not list_own_service_provider_ids():
        raise NothingToDo
    return request_once(
        CHECKING, NewRunItem(_BOOKS), trigger=trigger, scope="records of Carefund and Services Australia"
    )


def find_reconciliation() -> RunItem | None:
    """The newest comparison of our records with the funder's that came to its end."""
    done = RunItem.objects.filter(holds=_BOOKS, status=RunItem.Status.DONE, result__isnull=False)
    return done.order_by("-id").first()


async def _check(session: Session, item: ClaimedItem) -> ItemResult:
    database = session.held(item)
    if item.holds == _LINES:
        await match_lines(database)
        rechecks = await database.do(request_rechecks, timezone.now())
        return ItemResult(_CHANGED if rechecks else _UNCHANGED, _describe_rechecks(rechecks))
    if item.holds == _BOOKS:
        return await _reconcile(session, database)
    checker = Checker(session.source, database)
    if item.holds == _ELSEWHERE:
        return await _search_for_claims(session, item, checker)
    claim = await database.do(Claim.objects.get, pk=int(item.held_id))
    try:
        held = await checker.check(claim)
    except NotOurs:
        raise ItemFailed(
            "not-ours", "Services Australia lists a different service provider for this claim.", "Nothing was changed."
        ) from None
    run = await session.write(item, request_claim_sync, held)
    if run is None and held.status == COMPLETED != claim.status:  # the payment is final: its draws may have come
        run = await session.write(item, request_recheck, held)
    outcome = _CHANGED if run or held.status != claim.status else _UNCHANGED
    if run is None:
        return ItemResult(outcome, f"Status: {write_claim_status(held.status)}.")
    people = f"{run.total:,} client{' is' if run.total == 1 else 's are'} being synchronised"
    words = f"Status: {write_claim_status(held.status)}. Related Data Updates: {people}, as the claim was approved."
    return ItemResult(outcome, words, result={"run": run.pk, "people": run.total})


async def _search_for_claims(session: Session, item: ClaimedItem, checker: Checker) -> ItemResult:
    foreign = await checker.find_foreign()
    found = foreign.claims
    if found:
        ask = partial(request_checks, trigger=session.run.trigger, scope="claims just found")
        await session.write(item, ask, found)
    words = f"Found {len(found):,} claim{'' if len(found) == 1 else 's'} made outside Carefund."
    unread = [f"Not read: {problem}" for problem in foreign.problems[:_MOST_DIFFERENCES]]
    return ItemResult(_CHANGED if found else _UNCHANGED, words, unread, result={"found": len(found)})


async def _reconcile(session: Session, database: HeldDatabase) -> ItemResult:
    found = await Reconciler(session.source, database).find_differences()
    shown = [
        {"sentence": difference.sentence, "batch": difference.batch_id} for difference in found[:_MOST_DIFFERENCES]
    ]
    result = {"differences": shown, "number": len(found)}
    return ItemResult(_CHANGED if found else _UNCHANGED, _describe_differences(found), result=result)


def _describe_differences(found: Sequence[BookDifference]) -> str:
    different = sum(difference.is_compared for difference in found)
    words = "Carefund and Services Australia have the same records."
    if different:
        number = "one place" if different == 1 else f"{different:,} places"
        words = f"Carefund and Services Australia have different records in {number}. See Exceptions."
    if unread := len(found) - different:
        words += f" {unread:,} record{'' if unread == 1 else 's'} could not be compared. See Exceptions."
    return words


async def match_lines(database: HeldDatabase) -> None:
    """Mark the paid lines that agree with what was drawn, few at a time, so that the pages about claims stay quick.

    Then close the exceptions whose cause is gone."""
    while await database.do(claim_matching.doubt_changed_lines, timezone.now()):
        pass
    after_id: int | None = 0
    while after_id is not None:
        after_id = await database.do(claim_matching.match_some_lines, after_id)
    await database.do(close_settled_cases, business_today(), timezone.now())


def request_claim_sync(claim: Claim) -> Run | None:
    """Ask for one sync of each person in an approved claim, once; None when it was asked for before or is not due."""
    with transaction.atomic():
        held = Claim.objects.select_for_update().get(pk=claim.pk)
        if held.sync_requested_at or not held.related_updated_at or held.status not in PAID_CLAIM_STATUSES:
            return None
        held.sync_requested_at = timezone.now()
        held.save(update_fields=["sync_requested_at"])
        clients = list_readable_clients(held)
        with suppress(NothingToDo):
            return request_run(trigger=Run.Trigger.CLAIM_APPROVED, clients=clients, scope="claim approved")
    return None


def request_rechecks(now: datetime) -> list[Run]:
    """Ask again about the people whose draws are still missing one, two and five days after an approval's sync.

    What was missed because the machine was off is made up for once.
    """
    made = []
    for claim in list_claims_to_recheck(now):
        assert claim.sync_requested_at is not None
        due = count_due_rechecks(now - claim.sync_requested_at)
        with transaction.atomic():
            if Claim.objects.filter(pk=claim.pk, usage_rechecks__lt=due).update(usage_rechecks=due):
                made.append(request_recheck(claim))
    return [run for run in made if run]


def request_recheck(claim: Claim) -> Run | None:
    """Ask for a sync of the people in an approved claim whose draws are missing; None when every draw is there."""
    with suppress(NothingToDo):
        return request_run(
            trigger=Run.Trigger.CLAIM_APPROVED,
            clients=list_clients_without_draws(claim),
            scope="claim approved, draws not shown yet",
        )
    return None


def _describe_rechecks(rechecks: Iterable[Run]) -> str:
    people = sum(run.total for run in rechecks)
    if not people:
        return "Lines were compared with what was drawn from budgets."
    return f"Draws not shown yet for {people:,} client{'' if people == 1 else 's'}; synchronising again."


CLAIM_BATCH = WorkKind(
    name=SENDING,
    label="Send claim batches",
    items="batches",
    funder=SERVICES_AUSTRALIA,
    work=_send,
    at_once=4,
    may_ask=may_claim,
)
CLAIM_CHECK = WorkKind(
    name=CHECKING,
    label="Check claims",
    items="claims",
    funder=SERVICES_AUSTRALIA,
    work=_check,
    at_once=4,
    may_ask=may_claim,
)
