"""A client's PACE plan as a kind of work: ask the NDIA, keep what it said as a preview, write from that what is chosen.

A preview serves for half an hour, whoever comes back to it; creating a contract or changing one asks nobody again.
Source: rules NDIS-09 to NDIS-12.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from carefund.access.roles import may_synchronise
from carefund.domain.ndis.comparing import Difference
from carefund.domain.ndis.plan import PacePlan
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.root import FunderError
from carefund.records.models import Client, ServiceContract
from carefund.runs import leases, ledger
from carefund.runs.funder_sessions import require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.ndis.comparing import NDIA, ask_about, store_comparison
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import Failure, ItemFailed, ItemResult, Postponed, WorkKind
from carefund.sync.ndis.contracts import (
    apply_to_contract,
    compare_contract,
    create_contract,
    find_contract_for,
    prepare_question,
)
from carefund.sync.ndis.previews import RetrievedPlan, freeze_plan, thaw_plan
from carefund.sync.ndis.problems import ContractExists, HourUsed, PaceProblem, PreviewUnknown

PREVIEW_LIFE = timedelta(minutes=30)
_NAME = "pace-plan"


class NotRetrieved(Exception):
    """The question about a client brought no plan; `details` are the funder's own words, for a page only."""

    def __init__(self, code: str, message: str, advice: str, details: Sequence[str] = ()) -> None:
        self.code, self.message, self.advice, self.details = code, message, advice, tuple(details)
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ShownPlan:
    """A plan that may still be acted on; `version` is that of the contract it was compared with."""

    item_id: int
    client_id: int
    plan: PacePlan
    version: int
    retrieved_at: datetime


def request_plan(client: Client, contract: ServiceContract | None = None, requested_by: User | None = None) -> RunItem:
    """Ask for a client's plan, for a new contract or to compare an existing one with it.

    The same question that is under way already is joined. Raises PaceProblem, NotRetrieved; then nobody is asked.
    """
    prepare_question(client.pk)
    try:
        require_configured(NDIA)
    except NotConfigured as problem:
        raise NotRetrieved(problem.code, problem.message, problem.advice) from None
    run = request_once(
        _NAME,
        NewRunItem(_name_thing(client.pk, contract), client.pk),
        trigger=Run.Trigger.ON_DEMAND,
        scope="PACE plan of one client",
        requested_by=requested_by,
    )
    return run.items.select_related("run").get()


def _name_thing(client_id: int, contract: ServiceContract | None) -> str:
    return f"pace-contract:{contract.pk}" if contract else f"pace-client:{client_id}"


def find_question(item_id: int, client_id: int, contract: ServiceContract | None = None) -> RunItem:
    """The question about this client with this number. Raises PreviewUnknown."""
    items = RunItem.objects.select_related("run").filter(run__kind=_NAME, client_id=client_id)
    item = items.filter(pk=item_id, holds=_name_thing(client_id, contract)).first()
    if item is None:
        raise PreviewUnknown
    return item


def find_open_question(client_id: int, contract: ServiceContract | None = None) -> RunItem | None:
    """The newest question about a client that is under way, or brought a plan that waits for a decision."""
    items = RunItem.objects.select_related("run").filter(run__kind=_NAME, client_id=client_id)
    item = items.filter(holds=_name_thing(client_id, contract)).order_by("-id").first()
    if item is None or item.status == RunItem.Status.CANCELLED:
        return None
    if item.status != RunItem.Status.DONE:
        return item
    waiting = Preview.objects.filter(item_id=item.joined_id or item.pk, applied_at=None, expires_at__gt=timezone.now())
    return item if item.outcome != RunItem.Outcome.FAILED and waiting.exists() else None


def find_plan(item: RunItem) -> ShownPlan:
    """The plan that an ended question brought, to be acted on. Raises NotRetrieved, ContractExists when it was acted
    on, PreviewUnknown when it is too old."""
    preview = Preview.objects.filter(item_id=item.joined_id or item.pk).first()
    if item.outcome == RunItem.Outcome.FAILED:
        raise NotRetrieved(item.error_code, item.message, item.advice, preview.refusal if preview else ())
    if preview is None or preview.expires_at is None or preview.expires_at < timezone.now():
        raise PreviewUnknown
    retrieved = _thaw(preview, item)
    if preview.applied_at is not None:
        raise _used(item, retrieved)
    assert item.client_id is not None
    assert item.finished_at is not None
    return ShownPlan(item.pk, item.client_id, retrieved.plan, preview.version, item.finished_at)


def _thaw(preview: Preview, item: RunItem) -> RetrievedPlan:
    return thaw_plan(bytes(preview.fetch), item.client_id or 0)


def _used(item: RunItem, retrieved: RetrievedPlan) -> PaceProblem:
    """What to say to whoever comes second."""
    is_new = item.holds.startswith("pace-client:")
    made = find_contract_for(item.client_id or 0, retrieved.plan) if is_new else None
    return ContractExists(made.pk) if made else PreviewUnknown()


def create_from_plan(
    client: Client, item_id: int, chosen: Collection[str], user_id: int | None = None
) -> ServiceContract:
    """Make a contract with the chosen budgets. Raises PaceProblem, NotRetrieved; then nothing was written."""
    now = timezone.now()
    with transaction.atomic():
        retrieved, _ = _take(find_question(item_id, client.pk), now)
        contract = create_contract(client, retrieved, chosen, user_id=user_id, today=timezone.localdate(), now=now)
        store_comparison(contract, compare_contract(contract, retrieved.plan))
    return contract


def apply_plan(contract: ServiceContract, item_id: int, chosen: Collection[str]) -> list[Difference]:
    """Write the chosen differences, as shown. Raises PaceProblem, NotRetrieved; then nothing was written."""
    now = timezone.now()
    with transaction.atomic():
        retrieved, version = _take(find_question(item_id, contract.client_id, contract), now)
        applied = apply_to_contract(contract, retrieved, chosen, version=version, today=timezone.localdate(), now=now)
        contract.refresh_from_db()
        store_comparison(contract, compare_contract(contract, retrieved.plan))
    return applied


def _take(item: RunItem, now: datetime) -> tuple[RetrievedPlan, int]:
    """Take a preview within a transaction; whoever comes second finds it taken."""
    shown = find_plan(item)
    preview = Preview.objects.get(item_id=item.joined_id or item.pk)
    retrieved = _thaw(preview, item)
    if not Preview.objects.filter(pk=preview.pk, applied_at__isnull=True).update(applied_at=now):
        raise _used(item, retrieved)
    return retrieved, shown.version


@dataclass(frozen=True, slots=True)
class _Refused:
    failure: Failure
    details: list[str]


async def _retrieve(session: Session, item: ClaimedItem) -> RetrievedPlan | _Refused:
    """Ask about one client. What a funder said in place of an answer is kept too, for the page."""
    assert item.client_id is not None
    try:
        return await ask_about(session, item.client_id)
    except Postponed as wait:  # not kept waiting: in an hour nobody may be there, and the question would cost a budget
        at = timezone.localtime(wait.resumes_at)
        advice = f"The NDIA was not asked. Try again from {at:%H:%M}."
        raise ItemFailed(HourUsed.code, wait.reason, advice, step="retrieve the plan") from None
    except PaceProblem as problem:
        raise ItemFailed(problem.code, problem.message, problem.advice, step="retrieve the plan") from None
    except FunderError as problem:
        said = [detail.message for detail in problem.details if detail.message]
        return _Refused(ledger.failure_of(item, problem), said)


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[RetrievedPlan | _Refused]) -> None:
    """Keep what came back as previews; of a contract also how it compares."""
    holder = session.worker.holder
    with transaction.atomic():
        expires_at = timezone.now() + PREVIEW_LIFE
        for item, answer in zip(items, answers, strict=True):
            leases.renew(holder, item)
            if isinstance(answer, _Refused):
                Preview.objects.create(item_id=item.item_id, version=0, refusal=answer.details, expires_at=expires_at)
                ledger.record_failures(holder, [answer.failure])
                continue
            result, version = _compare(item, answer)
            fetch = freeze_plan(answer)
            Preview.objects.create(item_id=item.item_id, version=version, fetch=fetch, expires_at=expires_at)
            ledger.record_outcomes(holder, [item], [result])


def _compare(item: ClaimedItem, retrieved: RetrievedPlan) -> tuple[ItemResult, int]:
    """What came of it, and the version of the contract that it was compared with; 0 without one."""
    number = len(retrieved.plan.budgets)
    budgets = f"Retrieved a plan with {number} budget{'' if number == 1 else 's'}"
    if not item.holds.startswith("pace-contract:"):
        return ItemResult(RunItem.Outcome.UNCHANGED, f"{budgets}."), 0
    contract = ServiceContract.objects.get(pk=int(item.held_id))
    found = compare_contract(contract, retrieved.plan)
    store_comparison(contract, found)
    number = len(found.comparison.counting)
    differ = f"{number} value{' differs' if number == 1 else 's differ'}" if number else "nothing differs"
    return ItemResult(RunItem.Outcome.UNCHANGED, f"{budgets}; {differ} from the contract."), contract.version


PACE_PLAN = WorkKind(
    name=_NAME,
    label="PACE plan",
    items="clients",
    funder=NDIA,
    work=_retrieve,
    store=_store,
    at_once=1,
    may_be_cut=True,
    may_ask=may_synchronise,
)
