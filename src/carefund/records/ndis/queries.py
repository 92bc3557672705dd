"""Reads about NDIS clients: switches, lists, and contracts as comparing needs them. Nothing writes.

What a contract's page shows is in records/ndis/contracts.py.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, QuerySet, Value, When

from carefund.domain.ndis.comparing import HeldBudget, HeldContract
from carefund.domain.ndis.periods import Delivery
from carefund.domain.ndis.plan import BudgetType, CategoryBudget, Management, PacePeriod
from carefund.records.models import (
    Client,
    DeliveredService,
    NdiaBudgetCall,
    NdisParticipant,
    OrganisationSetting,
    PaceComparison,
    ServiceContract,
    ServiceContractBudget,
)

PACE_API = "ndis.pace_api"
CATEGORY_ALIASES = "ndis.category_aliases"
ZERO = Decimal("0.00")


def find_setting(key: str, default: object = None) -> object:
    """What an administrator decided, or the default."""
    row = OrganisationSetting.objects.filter(key=key).first()
    return default if row is None else row.value


def is_pace_api_enabled() -> bool:
    """Whether this organisation asks the NDIA at all."""
    return find_setting(PACE_API, False) is True


def find_category_aliases() -> dict[str, str]:
    """Category texts that a person mapped, with the category's number."""
    found = find_setting(CATEGORY_ALIASES, {})
    return {str(text): str(number) for text, number in found.items()} if isinstance(found, dict) else {}


def list_unknown_categories() -> list[str]:
    """Category texts in contracts that nobody has mapped yet."""
    texts = ServiceContractBudget.objects.filter(category_number="").values_list("category_text", flat=True)
    return sorted(set(texts) - find_category_aliases().keys())


def find_participant(client_id: int) -> NdisParticipant | None:
    """What a client is to the NDIA, None if nobody entered anything."""
    return NdisParticipant.objects.select_related("client").filter(client_id=client_id).first()


def list_participants_by_number(ndis_number: str) -> list[NdisParticipant]:
    """Return whoever has this NDIS number here; more than one where two branches know the same participant."""
    return list(NdisParticipant.objects.select_related("client").filter(ndis_number=ndis_number).order_by("client_id"))


def list_contracts(client_id: int) -> list[ServiceContract]:
    """A client's contracts, newest first, each with its last comparison."""
    rows = ServiceContract.objects.filter(client_id=client_id).select_related("comparison")
    return list(rows.order_by("-start_date"))


def find_newest_contracts(client_ids: Collection[int]) -> dict[int, ServiceContract]:
    """Return the newest active contract of each of these clients who has one, with its last comparison."""
    rows = ServiceContract.objects.filter(client_id__in=client_ids, is_active=True).select_related("comparison")
    return {contract.client_id: contract for contract in rows.order_by("start_date")} if client_ids else {}


def find_earlier_contract(client_id: int, first_start_date: date | None, start_date: date) -> ServiceContract | None:
    """A contract for the same plan for life before its last review."""
    if first_start_date is None:
        return None
    same = ServiceContract.objects.filter(client_id=client_id, first_start_date=first_start_date)
    return same.exclude(start_date=start_date).first()


def list_comparable(clients: QuerySet[Client], *, only: Collection[int] = ()) -> QuerySet[ServiceContract]:
    """The contracts that may be compared with PACE: the newest active one of each client with access, by name; with
    `only` those of them with these keys."""
    # One per client and day of beginning, so the newest is the one that no later one follows.
    later = ServiceContract.objects.filter(
        client=OuterRef("client"), is_active=True, start_date__gt=OuterRef("start_date")
    )
    contracts = (
        ServiceContract.objects.filter(
            ~Exists(later), is_active=True, client__in=clients, client__is_active=True, client__ndis__api_access=True
        )
        .select_related("client", "comparison")
        .order_by("client__last_name", "client__first_name", "id")
    )
    return contracts.filter(pk__in=only) if only else contracts


def list_by_urgency(contracts: QuerySet[ServiceContract]) -> QuerySet[ServiceContract]:
    """The same contracts, those first that a person has something to do about: different, then failed; then by name."""
    outcome = PaceComparison.Outcome
    places = [
        When(comparison__outcome=urgent_outcome, then=Value(place))
        for place, urgent_outcome in enumerate((outcome.DIFFERENT, outcome.FAILED))
    ]
    urgency = Case(*places, default=Value(len(places)), output_field=IntegerField())
    return contracts.order_by(urgency, "client__last_name", "client__first_name", "id")


def count_comparisons(clients: QuerySet[Client]) -> dict[str, int]:
    """How many of these clients' comparisons are in each outcome."""
    counts = dict.fromkeys(PaceComparison.Outcome.values, 0)
    compared = PaceComparison.objects.filter(contract__client__in=clients).order_by()
    return counts | dict(compared.values_list("outcome").annotate(number=Count("pk")))


def count_budget_calls(now: datetime) -> int:
    """How many budgets were asked of the NDIA within the last hour, by anybody here."""
    return NdiaBudgetCall.objects.filter(called_at__gt=now - timedelta(hours=1)).count()


def find_oldest_budget_call() -> datetime | None:
    """When the oldest budget that is still counted was asked for."""
    return NdiaBudgetCall.objects.order_by("called_at").values_list("called_at", flat=True).first()


def hold_contract(contract: ServiceContract) -> HeldContract:
    """The contract in the rules' own words."""
    rows = list_budgets(contract)
    deliveries = list_deliveries(contract)
    return HeldContract(
        contract.start_date,
        contract.end_date,
        contract.first_start_date,
        tuple(_held(row, deliveries.get(row.id, [])) for row in rows),
        frozenset(contract.declined_categories),
    )


def delivered_since(contract: ServiceContract, start_date: date) -> dict[int, Decimal]:
    """Per budget, what was delivered in the plan that began on a day: a plan review begins a new count."""
    sums: defaultdict[int, Decimal] = defaultdict(lambda: ZERO)
    for budget_id, deliveries in list_deliveries(contract, plan_start_date=start_date).items():
        sums[budget_id] = sum((delivery.amount for delivery in deliveries), ZERO)
    return sums


def list_budgets(contract: ServiceContract) -> list[ServiceContractBudget]:
    """A contract's plan budgets in the order they were made, with component and periods."""
    rows = ServiceContractBudget.objects.filter(contract=contract).select_related("component")
    return list(rows.prefetch_related("component__periods").order_by("id"))


def list_deliveries(contract: ServiceContract, *, plan_start_date: date | None = None) -> dict[int, list[Delivery]]:
    """Per budget, what was delivered; with `plan_start_date` only what belongs to the plan that began then."""
    found: defaultdict[int, list[Delivery]] = defaultdict(list)
    rows = DeliveredService.objects.filter(contract=contract)
    if plan_start_date is not None:
        adjusting = Q(is_adjustment=True, plan_start_date=plan_start_date)
        rows = rows.filter(adjusting | Q(is_adjustment=False, delivered_date__gte=plan_start_date))
    for budget_id, delivered_date, amount, is_adjustment in rows.values_list(
        "budget_id", "delivered_date", "amount", "is_adjustment"
    ):
        found[budget_id].append(Delivery(delivered_date, amount, is_adjustment))
    return found


def list_periods(row: ServiceContractBudget) -> tuple[PacePeriod, ...]:
    """A budget's funding periods in order, none without a component."""
    component = getattr(row, "component", None)
    if component is None:
        return ()
    return tuple(
        PacePeriod(period.start_date, period.end_date, period.amount, period.released_amount, period.spent_amount)
        for period in component.periods.all()
    )


def _held(row: ServiceContractBudget, deliveries: Iterable[Delivery]) -> HeldBudget:
    periods = list_periods(row)
    kept = frozenset(
        period.start_date
        for period in periods
        if any(period.covers(delivery.delivered_date) for delivery in deliveries)
    )
    values = CategoryBudget(
        row.category_text,
        row.category_number,
        row.category_name,
        row.support_type,
        BudgetType(row.budget_type),
        Management(row.management),
        row.component_name,
        row.instalment_type,
        row.start_date,
        row.end_date,
        row.approved_amount,
        row.released_amount,
        row.spent_amount,
        row.remaining_amount,
        tuple(row.stated_items),
        periods,
    )
    return HeldBudget(row.id, values, row.no_longer_in_pace_date is not None, kept)
