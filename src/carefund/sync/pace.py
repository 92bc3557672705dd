"""A client's PACE plan: ask the NDIA, show, and make or change a service contract. Fetch, compare, apply.

`prepare_question` says who may be asked about, `fetch_pace` makes the three calls with no transaction open, the rest
is one transaction each. What a person saw is what is written: the plan is fetched again before writing, and any fact
that moved meanwhile refuses the whole.
Source: rules NDIS-09 to NDIS-12.
"""

import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction

from carefund.domain.pace.comparing import Comparison, Difference, Drift, compare, find_drift
from carefund.domain.pace.plan import PacePlan, budget_ids, from_data, to_data
from carefund.funders.answers import Answer
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow
from carefund.funders.ndia.source import Identity, PaceSource
from carefund.records import pace_store
from carefund.records.archive import ReceivedPage, digest_of, record_answers
from carefund.records.models import Client, NdisParticipant, PacePreview, ServiceContract
from carefund.records.pace_queries import (
    delivered_since,
    find_category_aliases,
    find_participant,
    hold_contract,
    is_pace_api_enabled,
)
from carefund.sync.pace_problems import (
    ClientNotEnabled,
    ContractExists,
    IdentityIncomplete,
    NothingChosen,
    NotOnPace,
    PaceApiOff,
    PlanMoved,
    PreviewUnknown,
)
from carefund.sync.pace_reading import choose_plan, read_plan

PREVIEW_LIFE = timedelta(minutes=30)
NDIS_NUMBER = re.compile(r"\d{9}")


@dataclass(frozen=True, slots=True)
class FetchedPace:
    """What the three calls said about one client."""

    determination: Answer[Determination]
    plans: Answer[tuple[PlanRow, ...]]
    budget: Answer[BudgetTree]


def prepare_question(client_id: int) -> Identity:
    """Who to ask the NDIA about. Raises PaceApiOff, ClientNotEnabled, IdentityIncomplete."""
    if not is_pace_api_enabled():
        raise PaceApiOff
    participant = find_participant(client_id)
    if participant is None or not (participant.is_pace_participant and participant.api_access):
        raise ClientNotEnabled
    return identity_of(participant)


def identity_of(participant: NdisParticipant) -> Identity:
    """The three values that must match; surname and birth date are the client's own unless entered for the NDIS."""
    number = "".join((participant.ndis_number or "").split())
    surname = (participant.surname or participant.client.last_name).strip()
    birth_date = participant.birth_date or participant.client.birth_date
    missing = [
        name
        for name, is_there in (
            ("an NDIS number of 9 digits", NDIS_NUMBER.fullmatch(number)),
            ("a surname", surname),
            ("a date of birth", birth_date),
        )
        if not is_there
    ]
    if missing or birth_date is None:
        raise IdentityIncomplete(f"What is missing for the NDIA: {', '.join(missing)}.")
    return Identity(number, surname, birth_date)


async def fetch_pace(source: PaceSource, identity: Identity, today: date) -> FetchedPace:
    """Determine, plans, budget, in this order; the budget, of which only so many are served per hour, only if the
    plan is on PACE. Raises FunderError, NotOnPace, PlanMissing."""
    determination = await source.fetch_determination(identity)
    if not determination.value.is_pace_plan:
        raise NotOnPace
    plans = await source.fetch_plans(identity)
    choose_plan(plans.value, today)
    return FetchedPace(determination, plans, await source.fetch_budget(identity))


def understand(fetched: FetchedPace, today: date, own_aliases: Mapping[str, str] | None = None) -> PacePlan:
    """The plan in our own words. Raises NotOnPace, PlanMissing, BudgetsMissing."""
    aliases = find_category_aliases() if own_aliases is None else own_aliases
    return read_plan(fetched.plans.value, fetched.budget.value, today, aliases)


def keep_preview(
    client: Client, plan: PacePlan, *, user_id: int | None, now: datetime, contract: ServiceContract | None = None
) -> PacePreview:
    """Keep what a person is about to be shown, for a new contract or, with `contract`, for an existing one."""
    PacePreview.objects.filter(made_at__lt=now - timedelta(days=1)).delete()
    return PacePreview.objects.create(
        token=secrets.token_urlsafe(32),
        client=client,
        contract=contract,
        contract_version=contract.version if contract else 0,
        plan=to_data(plan),
        digest=plan.digest,
        made_by_id=user_id,
        made_at=now,
    )


def find_preview(token: str, client_id: int, now: datetime, contract_id: int | None = None) -> PacePreview:
    """A preview that may still be acted on. Raises ContractExists when it was, PreviewUnknown."""
    preview = PacePreview.objects.filter(token=token, client_id=client_id, contract_id=contract_id).first()
    if preview is None or preview.made_at < now - PREVIEW_LIFE:
        raise PreviewUnknown
    if preview.used_at is not None:
        made = _find_contract(client_id, from_data(preview.plan)) if contract_id is None else None
        raise ContractExists(made.pk) if made else PreviewUnknown
    return preview


def find_contract_for(client_id: int, plan: PacePlan) -> ServiceContract | None:
    """The client's contract for this very plan, if there is one."""
    return _find_contract(client_id, plan)


def _find_contract(client_id: int, plan: PacePlan) -> ServiceContract | None:
    return ServiceContract.objects.filter(client_id=client_id, start_date=plan.start_date).first()


def create_contract(
    preview: PacePreview,
    fetched: FetchedPace,
    chosen: Collection[str],
    *,
    user_id: int | None,
    today: date,
    now: datetime,
) -> ServiceContract:
    """A service contract with the chosen budgets (their ids), periods and adjustment records, exactly as previewed.

    Raises NothingChosen, PlanMoved, ContractExists, PreviewUnknown; then nothing was written.
    """
    plan = understand(fetched, today)
    if plan.digest != preview.digest:
        raise PlanMoved
    places = {place for place, name in enumerate(budget_ids(plan.budgets)) if name in set(chosen)}
    if not places:
        raise NothingChosen
    try:
        with transaction.atomic():
            _use(preview, now)
            contract = pace_store.create_contract(
                preview.client,
                fetched.budget.subject_id,
                plan,
                places,
                made_by_id=user_id,
                today=today,
                now=now,
            )
            _archive(preview.client_id, fetched)
    except IntegrityError:
        existing = _find_contract(preview.client_id, plan)
        if existing is None:
            raise
        raise ContractExists(existing.pk) from None
    return contract


def _use(preview: PacePreview, now: datetime) -> None:
    """Take a preview; whoever comes second finds it taken."""
    if not PacePreview.objects.filter(pk=preview.pk, used_at__isnull=True).update(used_at=now):
        existing = _find_contract(preview.client_id, from_data(preview.plan)) if preview.contract_id is None else None
        raise ContractExists(existing.pk) if existing else PreviewUnknown


def _archive(client_id: int, fetched: FetchedPace) -> None:
    """Keep the answers as received, as evidence of what was applied."""
    answers = (fetched.determination, fetched.plans, fetched.budget)
    # A partner's gateway answers all three questions at once: kept once.
    pages = {
        answer.operation: ReceivedPage(
            client_id, answer.operation, answer.subject_id, 1, digest_of(body), body, answer.fetched_at
        )
        for answer in answers
        for body in answer.pages
    }
    record_answers(list(pages.values()), [client_id])


@dataclass(frozen=True, slots=True)
class ContractComparison:
    """A contract against PACE: differences, drift of adjustments, and total funding before and after all of them."""

    plan: PacePlan
    comparison: Comparison
    drifts: tuple[Drift, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return self.comparison.differences

    @property
    def drift_amount(self) -> Decimal:
        return sum((abs(drift.amount) for drift in self.drifts), Decimal("0.00"))


def compare_contract(contract: ServiceContract, plan: PacePlan) -> ContractComparison:
    """What would change; reads only."""
    held = hold_contract(contract)
    comparison = compare(held, plan)
    delivered = delivered_since(contract, plan.start_date)
    drifts = find_drift(held.budgets, lambda budget_id: delivered[budget_id], plan, comparison)
    return ContractComparison(plan, comparison, tuple(drifts))


def apply_to_contract(
    preview: PacePreview, fetched: FetchedPace, chosen: Collection[str], *, today: date, now: datetime
) -> list[Difference]:
    """Write the chosen differences (their ids), exactly as shown, and tell which. Adjustments stay as they are.

    Raises NothingChosen, PlanMoved, ContractExists, PreviewUnknown; then nothing was written.
    """
    plan = understand(fetched, today)
    if plan.digest != preview.digest:
        raise PlanMoved
    if not chosen:
        raise NothingChosen
    try:
        with transaction.atomic():
            _use(preview, now)
            contract = ServiceContract.objects.select_for_update().get(pk=preview.contract_id or 0)
            found = compare(hold_contract(contract), plan).differences
            applied = [difference for difference in found if difference.id in chosen]
            if contract.version != preview.contract_version or len(applied) != len(set(chosen)):
                raise PlanMoved
            pace_store.apply_differences(contract, plan, applied, today=today, now=now)
            _archive(preview.client_id, fetched)
    except IntegrityError:
        existing = _find_contract(preview.client_id, plan)
        if existing is None:
            raise
        raise ContractExists(existing.pk) from None
    return applied
