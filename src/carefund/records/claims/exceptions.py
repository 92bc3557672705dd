"""Exceptions with what people do about them: lists by state, owner and age, changes of many at once, and closing.

An exception is derived (claimed_lines.py); its case is what people added. A line whose later request is under way or
decided counts as claimed again, whoever said what. `store_case_changes` and `close_settled_cases` alone write.
Source: rule CLAIM-12.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Case, CharField, Exists, OuterRef, Prefetch, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce
from django.utils import timezone

from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.claims.match_kinds import ZERO, MatchKind, kind_of_draw
from carefund.domain.wording import write_money
from carefund.records.claims.claimed_lines import LineRow, find_exception_ids, list_lines
from carefund.records.models import BudgetUsage, ExceptionCase, ExceptionNote, PaymentRequest
from carefund.records.own_service_provider_ids import list_own_service_provider_ids

State = ExceptionCase.State
# Nothing more is to be done about these.
SETTLED = (State.CLAIMED_AGAIN, State.ACCEPTED, State.CLOSED_UNPAID)
TO_DO, CLOSED, EVERY = "to-do", "closed", "every"
NOBODY = "nobody"
AGES = (7, 30, 60)
MOST_AT_ONCE = 5_000
_GONE = "Closed automatically: the cause is gone."
_BACK = "Opened automatically: the cause is back."
_LATER = PaymentRequest.objects.filter(line_item=OuterRef("line_item"), pk__gt=OuterRef("pk"))
_CLAIMED_AGAIN = Exists(_LATER.exclude(state=PaymentRequest.State.WITHDRAWN))
_SAYS = Coalesce("exception_case__state", Value(State.OPEN.value), output_field=CharField())
Row = TypeVar("Row", PaymentRequest, BudgetUsage)


@dataclass(frozen=True, slots=True)
class ExceptionFilter:
    """Which exceptions: by state ("to-do" is open or waiting), owner's number ("nobody"), least age and branch."""

    state: str = TO_DO
    owner: str = ""
    min_age: int = 0
    branch: str = ""


def list_notes(case: ExceptionCase | None) -> list[str]:
    """The notes of a case, oldest first."""
    return [note.text for note in case.notes.all()] if case else []


@dataclass(frozen=True, slots=True)
class ExceptionRow:
    """One claimed line that does not match, its age in days, and its case if somebody took it up."""

    line: LineRow
    state: str
    age_days: int
    case: ExceptionCase | None

    @property
    def kind(self) -> MatchKind:
        return self.line.kinds[0]

    @property
    def notes(self) -> list[str]:
        """The notes of its case, oldest first."""
        return list_notes(self.case)

    @property
    def details(self) -> list[str]:
        """What else there is to say of it, in words."""
        said = [words for words in self.line.remarks if words != self.kind.label]
        asked = self.line.request
        if asked.payment_determination and self.kind is MatchKind.REFUSED:
            said.append(asked.payment_determination)
        if asked.individual_contribution_amount is not None and self.kind is MatchKind.CONTRIBUTION:
            taken = write_money(asked.individual_contribution_amount)
            said.append(f"Taken {taken}, expected {write_money(self.line.expected_contribution or ZERO)}")
        return said

    @property
    def state_label(self) -> str:
        return State(self.state).label


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What somebody sets for one or many exceptions: only what is named in `sets` changes."""

    sets: dict[str, Any] = field(default_factory=dict)
    note: str = ""


def list_exceptions(wanted: ExceptionFilter, today: date) -> "QuerySet[Any, Any]":
    """The payment requests of claimed lines that are exceptions, oldest first, each with `standing` and `decided`."""
    requests: QuerySet[Any, Any] = PaymentRequest.objects.annotate(
        standing=Case(When(_CLAIMED_AGAIN, then=Value(State.CLAIMED_AGAIN.value)), default=_SAYS),
        decided=Coalesce("claim_approved_date", "payment_date", "batch__created_at__date"),
    )
    if wanted.state == CLOSED:
        requests = requests.filter(exception_case__closed_at__isnull=False)
    else:
        requests = requests.filter(pk__in=find_exception_ids(today))
    if wanted.branch:
        requests = requests.filter(line_item__invoice__service_provider_id=wanted.branch)
    if wanted.min_age:
        requests = requests.filter(decided__lte=today - timedelta(days=wanted.min_age))
    return _of_case(requests, wanted).order_by("decided", "id")


def _of_case(rows: "QuerySet[Any, Any]", wanted: ExceptionFilter) -> "QuerySet[Any, Any]":
    if wanted.state == TO_DO:
        rows = rows.filter(standing__in=(State.OPEN, State.WAITING))
    elif wanted.state in State.values:
        rows = rows.filter(standing=wanted.state)
    if wanted.owner == NOBODY:
        rows = rows.filter(exception_case__owner__isnull=True)
    elif wanted.owner:
        rows = rows.filter(exception_case__owner=int(wanted.owner))
    return rows


def count_exceptions_to_do(today: date) -> int:
    """How many claimed lines do not match and are open or waiting."""
    return list_exceptions(ExceptionFilter(), today).count()


def list_exception_keys(wanted: ExceptionFilter, today: date) -> list[int]:
    """The numbers of the payment requests that a filter lets through, as many as may be changed at once."""
    return list(list_exceptions(wanted, today).values_list("pk", flat=True)[:MOST_AT_ONCE])


def list_exception_clients(wanted: ExceptionFilter, today: date) -> set[int]:
    """Whose lines a filter lets through."""
    return set(list_exceptions(wanted, today).order_by().values_list("line_item__client_id", flat=True))


def list_exception_rows(requests: Iterable[Any], today: date) -> list[ExceptionRow]:
    """Requests of `list_exceptions` as a list shows them, in their order."""
    found = list(requests)
    lines = {row.request.pk: row for row in list_lines([request.pk for request in found], today)}
    cases = {case.payment_request_id: case for case in _list_cases(payment_request__in=list(lines))}
    return [
        ExceptionRow(lines[request.pk], request.standing, (today - request.decided).days, cases.get(request.pk))
        for request in found
    ]


def _list_cases(**about: Any) -> QuerySet[ExceptionCase]:
    notes = Prefetch("notes", ExceptionNote.objects.select_related("written_by"))
    return ExceptionCase.objects.filter(**about).select_related("owner").prefetch_related(notes)


@dataclass(frozen=True, slots=True)
class DrawRow:
    """One draw by us without a line, what it looks like, and its case."""

    usage: BudgetUsage
    kind: MatchKind
    state: str
    age_days: int | None
    case: ExceptionCase | None

    @property
    def state_label(self) -> str:
        return State(self.state).label


def list_draws_without_line(wanted: ExceptionFilter, today: date) -> QuerySet[BudgetUsage]:
    """Draws by us that have no line, newest first. Source: rule SYNC-07.

    Cases are few and draws may be many, so the index gives the draws, and the cases say which to leave out.
    """
    draws = BudgetUsage.objects.filter(_without_line())
    cases = ExceptionCase.objects.filter(usage__isnull=False)
    if wanted.state == CLOSED:
        draws = BudgetUsage.objects.filter(pk__in=cases.filter(closed_at__isnull=False).values("usage"))
    elif wanted.state == TO_DO:
        draws = draws.exclude(pk__in=cases.filter(state__in=SETTLED).values("usage"))
    elif wanted.state == State.OPEN:
        draws = draws.exclude(pk__in=cases.exclude(state=State.OPEN).values("usage"))
    elif wanted.state in State.values:
        draws = draws.filter(pk__in=cases.filter(state=wanted.state).values("usage"))
    if wanted.owner == NOBODY:
        draws = draws.exclude(pk__in=cases.filter(owner__isnull=False).values("usage"))
    elif wanted.owner:
        draws = draws.filter(pk__in=cases.filter(owner=int(wanted.owner)).values("usage"))
    if wanted.branch:
        draws = draws.filter(service_provider_id=wanted.branch)
    if wanted.min_age:
        draws = draws.filter(delivery_date__lte=today - timedelta(days=wanted.min_age))
    return draws.order_by("-delivery_date", "-id")


def _without_line() -> Q:
    return Q(
        service_provider_id__in=list_own_service_provider_ids(),
        invoice_line_item__isnull=True,
        no_longer_returned_date__isnull=True,
    )


def list_draw_keys(wanted: ExceptionFilter, today: date, start: int = 0, end: int = MOST_AT_ONCE) -> list[int]:
    """The numbers of the draws that a filter lets through: those in these places."""
    return list(list_draws_without_line(wanted, today).values_list("pk", flat=True)[start:end])


def list_draw_rows(keys: Sequence[int], today: date) -> list[DrawRow]:
    """Draws by their numbers as a list shows them, in this order."""
    found = BudgetUsage.objects.select_related("client", "plan_budget").in_bulk(list(keys))
    cases = {case.usage_id: case for case in _list_cases(usage__in=list(keys))}
    draws = [found[key] for key in keys if key in found]
    repeated = _list_repeated(draws)
    return [_draw_row(draw, draw.pk in repeated, cases.get(draw.pk), today) for draw in draws]


def _draw_row(draw: BudgetUsage, is_repeated: bool, case: ExceptionCase | None, today: date) -> DrawRow:
    drawn_by = DrawnBy.US if draw.invoice_line_item_id else DrawnBy.US_WITHOUT_LINE
    age = (today - draw.delivery_date).days if draw.delivery_date else None
    state = case.state if case else State.OPEN.value
    return DrawRow(draw, kind_of_draw(drawn_by, is_repeated=is_repeated), state, age, case)


def _list_repeated(draws: Sequence[BudgetUsage]) -> set[int]:
    """Those of these draws whose service, day and amount were drawn for a line of ours as well."""
    lines = BudgetUsage.objects.filter(
        client_id__in={draw.client_id for draw in draws},
        invoice_line_item__isnull=False,
        no_longer_returned_date__isnull=True,
        delivery_date__in={draw.delivery_date for draw in draws},
    )
    drawn = {_likeness(line) for line in lines} if draws else set()
    return {draw.pk for draw in draws if _likeness(draw) in drawn}


def _likeness(draw: BudgetUsage) -> tuple[object, ...]:
    return draw.client_id, draw.item_code, draw.delivery_date, draw.amount


def store_case_changes(
    change: CaseChange, by: Any, *, request_ids: Collection[int] = (), usage_ids: Collection[int] = ()
) -> int:
    """Set owner, due day or state of exceptions, and add a note; gives how many. Whoever calls writes the audit log."""
    with transaction.atomic():
        cases = [
            *_take_up(PaymentRequest, "payment_request", request_ids),
            *_take_up(BudgetUsage, "usage", usage_ids),
        ]
        if change.sets:
            ExceptionCase.objects.filter(pk__in=cases).update(**change.sets, changed_at=timezone.now(), closed_at=None)
        _add_notes(cases, change.note, by)
    return len(cases)


def _take_up(model: type[Row], about: str, keys: Collection[int]) -> list[int]:
    """The cases of these rows; one that nobody took up yet is made."""
    there = list(model._default_manager.filter(pk__in=keys).order_by("pk").values_list("pk", flat=True))
    new = [ExceptionCase(**{f"{about}_id": key}) for key in there]
    ExceptionCase.objects.bulk_create(new, ignore_conflicts=True)
    return list(ExceptionCase.objects.filter(**{f"{about}__in": there}).values_list("pk", flat=True))


def _add_notes(cases: Sequence[int], text: str, by: Any) -> None:
    if text:
        ExceptionNote.objects.bulk_create(ExceptionNote(case_id=case, text=text, written_by=by) for case in cases)


def close_settled_cases(today: date, now: datetime) -> int:
    """Close the cases whose cause is gone, and open those again whose cause is back; both are noted. Gives how many."""
    with transaction.atomic():
        there = ExceptionCase.objects.filter(
            Q(payment_request__in=find_exception_ids(today)) | Q(usage__in=BudgetUsage.objects.filter(_without_line()))
        )
        keys = set(there.values_list("pk", flat=True))
        kept = dict(ExceptionCase.objects.select_for_update().order_by("pk").values_list("pk", "closed_at"))
        gone = [key for key, closed_at in kept.items() if closed_at is None and key not in keys]
        back = [key for key, closed_at in kept.items() if closed_at is not None and key in keys]
        ExceptionCase.objects.filter(pk__in=gone).update(closed_at=now)
        ExceptionCase.objects.filter(pk__in=back).update(closed_at=None, state=State.OPEN)
        _add_notes(gone, _GONE, None)
        _add_notes(back, _BACK, None)
    return len(gone) + len(back)
