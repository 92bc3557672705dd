"""The comparison of contracts with PACE as a kind of work, and the question about one client that it asks.

Each question makes at most three calls; no transaction is open meanwhile. A comparison writes nothing but its own row.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from carefund.access.roles import may_synchronise
from carefund.funders.errors.root import FunderError
from carefund.records.models import Client, PaceComparison, ServiceContract
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import (
    count_budget_calls,
    find_oldest_budget_call,
    is_pace_api_enabled,
    list_comparable,
)
from carefund.records.webhooks.events import CONTRACT_DIFFERS, NewEvent, note_events
from carefund.runs import ledger
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, has_open_run, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import Failure, ItemFailed, ItemResult, Postponed, WorkKind
from carefund.sync.ndis.contracts import (
    ContractComparison,
    compare_contract,
    fetch_plan,
    list_pages,
    prepare_question,
    understand,
)
from carefund.sync.ndis.previews import RetrievedPlan
from carefund.sync.ndis.problems import PaceProblem

NDIA = "ndia"
COMPARING = "contract-comparison"
_HOUR_USED = "This hour's limit on budgets (CAREFUND_NDIA_BUDGETS_PER_HOUR) has been reached."
_SHARE_FOR_MANY = 0.8
SUCCEEDED = "ok"


def request_comparisons(
    contracts: Iterable[ServiceContract], trigger: str = Run.Trigger.BULK, requested_by: User | None = None
) -> Run:
    """Ask for these contracts to be compared with PACE. Raises NothingToDo when there is none."""
    items = [NewRunItem(f"contract:{contract.pk}", contract.client_id) for contract in contracts]
    scope = "NDIS contracts compared with PACE"
    return request_work(COMPARING, items, trigger=trigger, scope=scope, requested_by=requested_by)


def find_comparison_obstacle() -> str:
    """Return why contracts are not compared on schedule, and what to do; "" where they are."""
    return "" if is_pace_api_enabled() else "The PACE API is off. Turn it on under Settings, NDIS SyncPro."


def request_daily_comparisons() -> Run:
    """Ask for every contract: a funding period that begins is announced by nobody. Raises NothingToDo."""
    if not is_pace_api_enabled() or has_open_run(COMPARING, Run.Trigger.SCHEDULED):
        raise NothingToDo
    return request_comparisons(list_comparable(Client.objects.all()), Run.Trigger.SCHEDULED)


@dataclass(frozen=True, slots=True)
class _Compared:
    contract: ServiceContract
    found: ContractComparison


async def _compare(session: Session, item: ClaimedItem) -> _Compared:
    """Ask about one contract's client, and compare. Nothing but the comparison's own row will be written."""
    if await session.database.do(_is_hour_nearly_used):
        raise Postponed(_HOUR_USED, await session.database.do(_next_free_at))
    try:
        contract = await session.database.do(ServiceContract.objects.get, pk=int(item.held_id))
        plan = (await ask_about(session, contract.client_id)).plan
    except PaceProblem as problem:
        raise ItemFailed(problem.code, problem.message, problem.advice, step="compare") from None
    return _Compared(contract, await session.database.do(compare_contract, contract, plan))


async def ask_about(session: Session, client_id: int) -> RetrievedPlan:
    """Ask the NDIA about a client, and keep what came of the question.

    Raises FunderError, PaceProblem, and Postponed when this hour's number of budgets is used up.
    """
    identity = await session.database.do(prepare_question, client_id)
    await take_budget_call(session)
    outcome = SUCCEEDED
    try:
        fetched = await fetch_plan(session.source, identity, timezone.localdate())
        plan = await session.database.do(understand, fetched, timezone.localdate())
        return RetrievedPlan(identity, plan, list_pages(client_id, fetched))
    except (FunderError, PaceProblem) as problem:
        outcome = problem.code
        raise
    finally:
        await session.database.do(pace_store.store_question, client_id, outcome, timezone.now())


async def take_budget_call(session: Session) -> None:
    """Take one of this hour's questions about budgets. Raises Postponed when they are used up."""
    if not await session.database.do(pace_store.take_budget_call, settings.NDIA_BUDGETS_PER_HOUR, timezone.now()):
        raise Postponed(_HOUR_USED, await session.database.do(_next_free_at))


def _store_compared(session: Session, items: Sequence[ClaimedItem], answers: Sequence[_Compared]) -> None:
    with transaction.atomic():
        for compared in answers:
            store_comparison(compared.contract, compared.found)
        ledger.record_outcomes(session.worker.holder, items, [_result_of(compared.found) for compared in answers])


def _result_of(found: ContractComparison) -> ItemResult:
    number = len(found.comparison.counting)
    if not number:
        return ItemResult(RunItem.Outcome.UNCHANGED, "Matches PACE.")
    return ItemResult(RunItem.Outcome.CHANGED, f"{number} value{'' if number == 1 else 's'} differ from PACE.")


def _store_failures(failures: Sequence[Failure], now: datetime) -> None:
    asked = {int(failure.item.held_id) for failure in failures}
    there = set(ServiceContract.objects.filter(pk__in=asked).values_list("pk", flat=True))
    for failure in failures:
        if int(failure.item.held_id) not in there:
            continue
        PaceComparison.objects.update_or_create(
            contract_id=int(failure.item.held_id),
            defaults={
                "outcome": PaceComparison.Outcome.FAILED,
                "compared_at": now,
                "code": failure.code[:40],
                "message": failure.message[:300],
                "advice": failure.advice[:300],
            },
        )


def _is_hour_nearly_used() -> bool:
    """Whether the rest of this hour's budgets should be left to people who wait at a page."""
    limit = settings.NDIA_BUDGETS_PER_HOUR
    return bool(limit) and count_budget_calls(timezone.now()) >= limit * _SHARE_FOR_MANY


def _next_free_at() -> datetime:
    """When the oldest question of this hour leaves it."""
    return (find_oldest_budget_call() or timezone.now()) + timedelta(hours=1)


def store_comparison(contract: ServiceContract, found: ContractComparison) -> None:
    """Keep what a comparison of a contract found."""
    number = len(found.comparison.counting)
    before = PaceComparison.objects.filter(contract=contract, outcome=PaceComparison.Outcome.DIFFERENT).first()
    if number and (before is None or before.number_of_differences != number):
        data = {"contract_id": contract.pk, "differences": number}
        note_events([NewEvent(CONTRACT_DIFFERS, f"client:{contract.client_id}", data, contract.client_id)])
    PaceComparison.objects.update_or_create(
        contract=contract,
        defaults={
            "outcome": PaceComparison.Outcome.DIFFERENT if number else PaceComparison.Outcome.IN_STEP,
            "compared_at": timezone.now(),
            "number_of_differences": number,
            "drift_amount": found.drift_amount,
            "code": "",
            "message": "",
            "advice": "",
        },
    )


CONTRACT_COMPARISON = WorkKind(
    name=COMPARING,
    label="Compare contracts with PACE",
    items="contracts",
    funder=NDIA,
    work=_compare,
    store=_store_compared,
    failed=_store_failures,
    at_once=1,
    may_ask=may_synchronise,
)
