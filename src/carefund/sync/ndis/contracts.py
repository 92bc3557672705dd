"""A client's PACE plan: ask the NDIA, show, and make or change a service contract. Fetch, compare, apply.

`prepare_question` says who may be asked about, `fetch_plan` makes the three calls with no transaction open, the rest
is one transaction each. What a person saw is what is written, from the answers that were kept: nobody is asked again,
and a contract or participant that changed meanwhile refuses the whole.
Source: rules NDIS-09 to NDIS-12.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from carefund.domain.ndis.comparing import Comparison, Difference, Drift, compare, find_drift
from carefund.domain.ndis.plan import PacePlan, budget_ids
from carefund.funders.answers import FunderAnswer
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow
from carefund.funders.ndia.source import Identity, PaceSource
from carefund.records.archive import ReceivedPage, digest_of, record_answers
from carefund.records.models import Client, NdisParticipant, ServiceContract
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import (
    delivered_since,
    find_category_aliases,
    find_participant,
    hold_contract,
    is_pace_api_enabled,
)
from carefund.sync.ndis.plan_from_answers import choose_plan, read_plan
from carefund.sync.ndis.previews import RetrievedPlan
from carefund.sync.ndis.problems import (
    ClientNotEnabled,
    ContractExists,
    IdentityIncomplete,
    NothingChosen,
    NotOnPace,
    PaceApiOff,
    PlanMoved,
    PreviewUnknown,
)

NDIS_NUMBER = re.compile(r"[0-9]{9}")


@dataclass(frozen=True, slots=True)
class FetchedPlan:
    """What the three calls said about one client."""

    determination: FunderAnswer[Determination]
    plans: FunderAnswer[tuple[PlanRow, ...]]
    budget: FunderAnswer[BudgetTree]


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
        raise IdentityIncomplete(f"Missing details for the NDIA: {', '.join(missing)}.")
    return Identity(number, surname, birth_date)


async def fetch_plan(source: PaceSource, identity: Identity, today: date) -> FetchedPlan:
    """Determine, plans, budget, in this order; the budget, of which only so many are served per hour, only if the
    plan is on PACE. Raises FunderError, NotOnPace, PlanMissing."""
    determination = await source.fetch_determination(identity)
    if not determination.value.is_pace_plan:
        raise NotOnPace
    plans = await source.fetch_plans(identity)
    choose_plan(plans.value, today)
    return FetchedPlan(determination, plans, await source.fetch_budget(identity))


def understand(fetched: FetchedPlan, today: date, own_aliases: Mapping[str, str] | None = None) -> PacePlan:
    """The plan in our own words. Raises NotOnPace, PlanMissing, BudgetsMissing."""
    aliases = find_category_aliases() if own_aliases is None else own_aliases
    return read_plan(fetched.plans.value, fetched.budget.value, today, aliases)


def find_contract_for(client_id: int, plan: PacePlan) -> ServiceContract | None:
    """The client's contract for this very plan, if there is one."""
    return ServiceContract.objects.filter(client_id=client_id, start_date=plan.start_date).first()


def create_contract(
    client: Client,
    retrieved: RetrievedPlan,
    chosen: Collection[str],
    *,
    user_id: int | None,
    today: date,
    now: datetime,
) -> ServiceContract:
    """A service contract with the chosen budgets (their ids), periods and adjustment records, exactly as retrieved.

    Raises NothingChosen, ContractExists, PreviewUnknown; then nothing was written.
    """
    plan = retrieved.plan
    require_same_identity(client.pk, retrieved)
    places = {place for place, name in enumerate(budget_ids(plan.budgets)) if name in set(chosen)}
    if not places:
        raise NothingChosen
    try:
        with transaction.atomic():
            contract = pace_store.create_contract(
                client,
                retrieved.identity.ndis_number,
                plan,
                places,
                made_by_id=user_id,
                today=today,
                now=now,
            )
            record_answers(list(retrieved.pages), [client.pk])
    except IntegrityError:
        existing = find_contract_for(client.pk, plan)
        if existing is None:
            raise
        raise ContractExists(existing.pk) from None
    return contract


def require_same_identity(client_id: int, retrieved: RetrievedPlan) -> None:
    """Raises PreviewUnknown when the client is somebody else to the NDIA than when it was asked, and as
    `prepare_question` does."""
    if prepare_question(client_id) != retrieved.identity:
        raise PreviewUnknown("The client's NDIS details changed since this plan was retrieved.")


def list_pages(client_id: int, fetched: FetchedPlan) -> tuple[ReceivedPage, ...]:
    """The answers as received, for the archive."""
    answers = (fetched.determination, fetched.plans, fetched.budget)
    # A partner's gateway answers all three questions at once: kept once.
    pages = {
        answer.operation: ReceivedPage(
            client_id, answer.operation, answer.subject_id, 1, digest_of(body), body, answer.fetched_at
        )
        for answer in answers
        for body in answer.pages
    }
    return tuple(pages.values())


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
    contract: ServiceContract,
    retrieved: RetrievedPlan,
    chosen: Collection[str],
    *,
    version: int,
    today: date,
    now: datetime,
) -> list[Difference]:
    """Write the chosen differences (their ids), exactly as shown, and tell which. Adjustments stay as they are.

    `version` is the contract's own when it was compared. Raises NothingChosen, PlanMoved, ContractExists,
    PreviewUnknown; then nothing was written.
    """
    plan, client_id = retrieved.plan, contract.client_id
    require_same_identity(client_id, retrieved)
    if not chosen:
        raise NothingChosen
    try:
        with transaction.atomic():
            locked = ServiceContract.objects.select_for_update().get(pk=contract.pk)
            found = compare(hold_contract(locked), plan).differences
            applied = [difference for difference in found if difference.id in chosen]
            if locked.version != version or len(applied) != len(set(chosen)):
                raise PlanMoved
            pace_store.apply_differences(locked, plan, applied, today=today, now=now)
            record_answers(list(retrieved.pages), [client_id])
    except IntegrityError:
        existing = find_contract_for(client_id, plan)
        if existing is None:
            raise
        raise ContractExists(existing.pk) from None
    return applied
