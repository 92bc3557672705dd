"""The list of clients: its filters and orders, and the figures of each line.

Nothing here writes, and nothing here asks whether the reader may: callers hand in the clients that the gate gave them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

from django.db.models import Exists, F, FloatField, Max, OuterRef, Q, QuerySet
from django.db.models.functions import Cast

from carefund.domain.care_recipient.commitments import NOTHING, Commitment, subtract_commitment
from carefund.domain.care_recipient.identity import IdentityState
from carefund.records.care_recipient.commitments import available_of, find_committed_on
from carefund.records.care_recipient.identities import is_in_state
from carefund.records.care_recipient.surveys import confirmed, find_last_survey_at
from carefund.records.models import Classification, Client, PlanBudget

ONGOING = "ON"
ZERO = Decimal("0.00")
_TIERED = ("AT", "HM")
_AT_ONCE = 20_000  # rows fetched at a time where all of them are wanted
SORTS = {
    "name": ("last_name", "first_name", "id"),
    "care-recipient": ("care_recipient_id", "id"),
    "provider": ("service_provider_id", "last_name", "first_name", "id"),
    "checked": ("sync_state__checked_at", "id"),
}
BY_AVAILABLE = "available"  # sorted by list_ids_by_available


@dataclass(frozen=True, slots=True)
class ClientFilter:
    """What narrows the list of clients; an empty text stands for no condition.

    `budget`: "overspent", "low" (under a tenth of the total is available) or "none" (no current ongoing budget).
    `state`: "stale", "failed", "consent", "never", "no-id" or "inactive". `identity`: an IdentityState.
    `sort`: a key of SORTS or BY_AVAILABLE; "-" before it: falling.
    """

    search: str = ""
    service_provider_id: str = ""
    level: str = ""
    budget: str = ""
    state: str = ""
    identity: str = ""
    sort: str = "name"

    @property
    def is_empty(self) -> bool:
        return all(not getattr(self, field.name) for field in fields(self) if field.name != "sort")


@dataclass(frozen=True, slots=True)
class ClientRow:
    """One line of the list: a client, their levels in force and their ongoing budget of the quarter, if any.

    The figures are those of the budget on the client's page, added up where several cover today; None without one.
    `level_ended_date`: when the last level ended, for whoever has none in force.
    """

    client: Client
    classifications: tuple[Classification, ...]
    total: Decimal | None
    available: Decimal | None
    commitment: Commitment | None = None
    level_ended_date: date | None = None

    @property
    def committed(self) -> Decimal | None:
        return None if self.commitment is None else self.commitment.committed

    @property
    def safe_to_spend(self) -> Decimal | None:
        if self.available is None or self.commitment is None:
            return None
        return subtract_commitment(self.available, self.commitment)

    @property
    def left_share(self) -> Decimal | None:
        """What is available of the quarter's budget, from 0 to 1; below 0 when overspent."""
        if not self.total or self.available is None:
            return None
        share = self.available / self.total
        return share if share.is_finite() else None


def in_force(day: date) -> Q:
    """The condition that a dated record that the funder still lists covers a day."""
    return (
        Q(no_longer_returned_date__isnull=True)
        & (Q(start_date__isnull=True) | Q(start_date__lte=day))
        & (Q(end_date__isnull=True) | Q(end_date__gte=day))
    )


def list_clients(
    clients: QuerySet[Client], wanted: ClientFilter, *, today: date, stale_before: datetime
) -> QuerySet[Client]:
    """The clients that a filter lets through, in its order, with the state of their synchronisation."""
    clients = _searched(clients.select_related("sync_state", "ndis", "funder_identity"), wanted.search)
    if wanted.service_provider_id:
        clients = clients.filter(service_provider_id=wanted.service_provider_id)
    if wanted.level:
        held = Classification.objects.filter(in_force(today), client=OuterRef("pk"), level=wanted.level)
        held = held.exclude(code__in=_TIERED)
        clients = clients.filter(Exists(held))
    clients = _with_budget(clients, wanted, today)
    clients = _in_state(clients, wanted.state, stale_before)
    if wanted.identity:
        clients = clients.filter(is_in_state(IdentityState(wanted.identity)))
    return _sorted(clients, wanted.sort)


def list_by_number(
    clients: QuerySet[Client],
    *,
    after_id: int = 0,
    search: str = "",
    external_reference_id: str = "",
    care_recipient_id: str = "",
    service_provider_id: str = "",
    identity: IdentityState | None = None,
) -> QuerySet[Client]:
    """The clients after a number, active or not, by number; an empty text stands for no condition."""
    named = {
        "external_reference_id": external_reference_id,
        "care_recipient_id": care_recipient_id,
        "service_provider_id": service_provider_id,
    }
    clients = clients.filter(pk__gt=after_id, **{name: value for name, value in named.items() if value})
    if identity is not None:
        clients = clients.filter(is_in_state(identity))
    return _searched(clients.select_related("sync_state", "funder_identity"), search).order_by("pk")


def _searched(clients: QuerySet[Client], search: str) -> QuerySet[Client]:
    """Every word must begin a name, or be part of an id; so "ada lov" and "lov ada" both find Ada Lovelace."""
    for word in search.split()[:5]:
        clients = clients.filter(
            Q(first_name__istartswith=word)
            | Q(last_name__istartswith=word)
            | Q(last_name__icontains=f" {word}")
            | Q(care_recipient_id__startswith=word)
            | Q(ndis__ndis_number=word)
            | Q(external_reference_id__iexact=word)
        )
    return clients


def _current_ongoing(today: date) -> tuple[QuerySet[PlanBudget], QuerySet[PlanBudget]]:
    """Ongoing budgets that cover a day: those with an end and those without, apart so that each finds its index."""
    begun = PlanBudget.objects.filter(
        Q(start_date__isnull=True) | Q(start_date__lte=today),
        budget_type_code=ONGOING,
        no_longer_returned_date__isnull=True,
    ).order_by()
    return begun.filter(end_date__gte=today), begun.filter(end_date__isnull=True)


def _with_budget(clients: QuerySet[Client], wanted: ClientFilter, today: date) -> QuerySet[Client]:
    conditions = {
        "none": Q(),
        "overspent": Q(available__lt=0),
        "low": Q(available__lt=F("total") / 10, total__gt=0),
    }
    if wanted.budget not in conditions:
        return clients
    ending, open_ended = (
        budgets.filter(conditions[wanted.budget]).values("client") for budgets in _current_ongoing(today)
    )
    holds = Q(pk__in=ending) | Q(pk__in=open_ended)
    return clients.filter(~holds if wanted.budget == "none" else holds)


def _in_state(clients: QuerySet[Client], state: str, stale_before: datetime) -> QuerySet[Client]:
    if state == "inactive":
        return clients.filter(is_active=False)
    clients = clients.filter(is_active=True)
    if state == "stale":
        return clients.filter(is_stale(stale_before))
    if state == "never":
        return clients.filter(sync_state__checked_at__isnull=True).exclude(_under_ndis_alone())
    if state == "no-id":
        return clients.filter(care_recipient_id__isnull=True).exclude(_under_ndis_alone())
    if state == "failed":
        return clients.filter(sync_state__outcome="failed")
    if state == "consent":
        return clients.filter(sync_state__consent_missing=True)
    return clients


def _under_ndis_alone() -> Q:
    """As `Client.is_under_ndis_alone`."""
    told = Q(ndis__ndis_number__isnull=False) | Q(ndis__is_pace_participant=True)
    return Q(care_recipient_id__isnull=True) & told


def is_stale(stale_before: datetime) -> Q:
    """Whoever Services Australia can be asked about and was not, lately; who is under the NDIS alone is not stale."""
    old = Q(sync_state__checked_at__lt=stale_before) | Q(sync_state__checked_at__isnull=True)
    surveyed_at = find_last_survey_at()
    if surveyed_at is not None and surveyed_at >= stale_before:
        old &= ~confirmed()
    return Q(care_recipient_id__isnull=False) & old


def _sorted(clients: QuerySet[Client], sort: str) -> QuerySet[Client]:
    falling = sort.startswith("-")
    columns = SORTS.get(sort.removeprefix("-"), SORTS["name"])
    first = F(columns[0])
    rest = [F(column).desc() if falling else F(column).asc() for column in columns[1:]]
    return clients.order_by(first.desc(nulls_last=True) if falling else first.asc(nulls_last=True), *rest)


def list_ids_by_available(clients: QuerySet[Client], today: date, *, falling: bool) -> list[int]:
    """The keys of these clients by what is left of their ongoing budget; those without one come last.

    Sorted here and not by the database: one look at the quarter's budgets costs a fraction of one look per client.
    The numbers are only compared, never shown, so they need not be exact.
    """
    left: dict[int, float] = {}
    for budgets in _current_ongoing(today):
        amounts = budgets.filter(available__isnull=False).annotate(rank=Cast("available", FloatField()))
        for client_id, available in amounts.values_list("client_id", "rank").iterator(_AT_ONCE):
            left[client_id] = left.get(client_id, 0.0) + available
    by_name = clients.select_related(None).order_by("last_name", "first_name", "id")
    ids = list(by_name.values_list("pk", flat=True).iterator(_AT_ONCE))
    known = [client_id for client_id in ids if client_id in left]
    known.sort(key=left.__getitem__, reverse=falling)
    return [*known, *(client_id for client_id in ids if client_id not in left)]


def list_in_order(clients: QuerySet[Client], client_ids: Sequence[int]) -> list[Client]:
    """Those of these clients with these keys, in the order of the keys."""
    found = clients.in_bulk(client_ids)
    return [found[client_id] for client_id in client_ids if client_id in found]


def list_client_rows(clients: Iterable[Client], today: date) -> list[ClientRow]:
    """Lines for these clients, in their order: a few queries however many they are."""
    people = list(clients)
    ids = [client.pk for client in people]
    levels: dict[int, list[Classification]] = {}
    for held in Classification.objects.filter(in_force(today), client_id__in=ids).order_by("-start_date", "id"):
        levels.setdefault(held.client_id, []).append(held)
    ended = _find_ends(set(ids) - set(levels), today)
    committed = find_committed_on(ids, today, ONGOING)
    rows = []
    for client in people:
        budgets = committed.get(client.pk, ())
        rows.append(
            ClientRow(
                client,
                tuple(levels.get(client.pk, ())),
                _sum(budget.total or ZERO for budget, _ in budgets),
                _sum(available_of(budget) for budget, _ in budgets),
                _add_up([commitment for _, commitment in budgets]),
                ended.get(client.pk),
            )
        )
    return rows


def _find_ends(ids: Iterable[int], today: date) -> dict[int, date]:
    """When the last level of each of these clients ended."""
    ended = Classification.objects.filter(client_id__in=ids, end_date__lt=today, no_longer_returned_date__isnull=True)
    return dict(ended.order_by().values_list("client_id").annotate(at=Max("end_date")))


def _sum(amounts: Iterable[Decimal]) -> Decimal | None:
    """The sum; None of nothing."""
    listed = list(amounts)
    return sum(listed, ZERO) if listed else None


def _add_up(commitments: list[Commitment]) -> Commitment | None:
    """The sum; None of nothing."""
    return sum(commitments, NOTHING) if commitments else None


def list_levels() -> list[str]:
    """The levels that anybody was ever classified at, for the filter; tiers of equipment are no levels."""
    levels = (
        Classification.objects.exclude(level="").exclude(code__in=_TIERED).values_list("level", flat=True).distinct()
    )
    return sorted(levels, key=lambda level: (len(level), level))
