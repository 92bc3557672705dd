"""The kinds of record that a care recipient sync keeps in step: one entry each, served by one writer.

An entry names what cannot be derived: where records stand in the funder's answers, which columns identify one, what it
hangs on. What is compared, stored and told follows from the model's columns, so a new field is an attribute of the
payload type and a column with its migration.
The order is that of the guide's question before a sync, then what hangs on budgets. Source: rule SYNC-03.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any

from django.db import models
from msgspec import Struct

from carefund.domain.comparison import Incoming, Stored
from carefund.domain.periods import Period
from carefund.funders.services_australia import operations, payloads
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Classification,
    Entitlement,
    FunderRecord,
    IndividualContribution,
    PlanBudget,
    Supplement,
)

Key = tuple[str | None, ...]
_HUNDREDTH = Decimal("0.01")
_BOOKKEEPING = tuple(column.attname for column in FunderRecord._meta.local_fields)


@dataclass(frozen=True)
class RecordSet:
    """One kind: how people call one and many of it, where it comes from and is stored, and what identifies a record.

    Records stand in the answers to `operation`, in the attribute `within` of its record, or are themselves the answer.
    `not_kept` are attributes of the payload without a column, `ours` columns that the funder does not fill. `main` is
    the amount that a record is about. `replaced_whole` marks the kind without identity: its rows are deleted and
    written anew as one set. `dates` are the fields between which a record is in force.
    """

    kind: str
    label: str
    one: str
    many: str
    operation: str
    payload: type[Struct]
    model: type[FunderRecord]
    key: tuple[str, ...]
    parent: str
    within: str = ""
    main: str = ""
    not_kept: tuple[str, ...] = ()
    ours: tuple[str, ...] = ()
    replaced_whole: bool = False
    dates: tuple[str, str] = ("start_date", "end_date")

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """What a record says beside its key, in the order of the model's columns: what is compared and stored."""
        apart = {"id", self.parent, *_BOOKKEEPING, *self.ours, *self.key}
        return tuple(column.attname for column in self.model._meta.concrete_fields if column.attname not in apart)

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What an insert writes, in order."""
        return ("client_id", self.parent, "ordinal", "changed_at", *self.key, *self.fields)

    @cached_property
    def read_columns(self) -> tuple[str, ...]:
        """What comparing needs; a child is known by its budget's id at the funder, not by ours."""
        parent = "plan_budget__budget_id" if self.is_child else self.parent
        return ("client_id", "id", parent, "ordinal", "no_longer_returned_date", *self.key, *self.fields)

    @property
    def description(self) -> str:
        """What of a payload is compared and stored, as one text."""
        columns = []
        for name in (*self.key, *self.fields):
            column = self.model._meta.get_field(name)
            places = getattr(column, "decimal_places", None)
            columns.append(f"{name}:{column.get_internal_type()}{'' if places is None else places}")
        return f"{self.kind} {', '.join(columns[: len(self.key)])} / {', '.join(columns[len(self.key) :])}"

    @cached_property
    def is_child(self) -> bool:
        return self.parent == "plan_budget_id"

    @cached_property
    def _take_key(self) -> Callable[[Any], tuple[Any, ...]]:
        if len(self.key) > 1:
            return attrgetter(*self.key)
        take = attrgetter(*self.key)
        return lambda payload: (take(payload),)

    @cached_property
    def _take_values(self) -> Callable[[Any], tuple[Any, ...]]:
        return attrgetter(*self.fields)

    @cached_property
    def _money(self) -> tuple[int, ...]:
        return tuple(
            position
            for position, name in enumerate(self.fields)
            if isinstance(self.model._meta.get_field(name), models.DecimalField)
        )

    def payloads_in(self, answer: Any) -> Sequence[Any]:
        """The records of this kind in an answer to `operation`."""
        records: Sequence[Any] = getattr(answer, self.within) if self.within else answer
        return records

    def incoming(self, payloads: Sequence[Any], budget_id: str = "") -> list[Incoming]:
        """Payloads as keys and values; a child's key begins with its budget's id. Money is rounded to the cent."""
        keys: Iterable[tuple[Any, ...]] = map(self._take_key, payloads)
        values: Iterable[tuple[Any, ...]] = map(self._take_values, payloads)
        if self.is_child:
            keys = ((budget_id, *key) for key in keys)
        if self._money:
            values = map(self._in_cents, values)
        return list(map(Incoming, keys, values))

    def _in_cents(self, values: tuple[Any, ...]) -> tuple[Any, ...]:
        for position in self._money:
            amount = values[position]
            if amount is not None and not amount.same_quantum(_HUNDREDTH):  # most come with their cents
                values = (*values[:position], amount.quantize(_HUNDREDTH), *values[position + 1 :])
        return values

    def stored(self, row: tuple[Any, ...]) -> Stored:
        """A row read with `read_columns`, as the comparison wants it."""
        _, row_id, parent, ordinal, gone, *rest = row
        size = len(self.key)
        key = (parent, *rest[:size]) if self.is_child else tuple(rest[:size])
        return Stored(row_id, key, ordinal, tuple(rest[size:]), gone is None)

    @cached_property
    def _date_positions(self) -> tuple[int, int]:
        names = (*self.key, *self.fields)
        first, last = self.dates
        return names.index(first), names.index(last)

    def period_of(self, key: tuple[Any, ...], values: tuple[Any, ...]) -> Period:
        """Between which dates a record is in force; not for children, whose key begins with their budget's."""
        row = (*key, *values)
        first, last = self._date_positions
        return Period(row[first], row[last])

    def logged_key(self, key: tuple[Any, ...]) -> Key:
        """A record's natural key as the change log keeps it; a child's begins with its budget's id at the funder."""
        return tuple(map(as_text, key))


def as_text(value: Any) -> str | None:
    """A value as the change log keeps it: ISO dates, money with its cents, None for what is not there."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


BUDGETS = RecordSet(
    kind="budgets",
    label="Budget records",
    one="budget",
    many="budgets",
    operation=operations.BUDGETS_BY_CARE_RECIPIENT,
    payload=payloads.Budget,
    model=PlanBudget,
    key=("budget_id",),
    parent="plan_id",
    main="total",
    not_kept=("care_recipient_id", "care_recipient_name", "entitlements"),  # those are records of their own
)
APPROVED_SERVICES = RecordSet(
    kind="approved_services",
    label="Approved services",
    one="approved service",
    many="approved services",
    operation=operations.CARE_RECIPIENT_SUMMARY,
    within="approved_services",
    payload=payloads.ApprovedService,
    model=ApprovedService,
    key=("service_group_id", "service_type_id", "service_id", "start_date"),
    parent="plan_id",
)
CLASSIFICATIONS = RecordSet(
    kind="classifications",
    label="Classifications",
    one="classification",
    many="classifications",
    operation=operations.CARE_RECIPIENT_SUMMARY,
    within="classifications",
    payload=payloads.Classification,
    model=Classification,
    key=("type", "code", "level", "start_date"),
    parent="plan_id",
)
INDIVIDUAL_CONTRIBUTIONS = RecordSet(
    kind="individual_contributions",
    label="Individual contributions",
    one="individual contribution",
    many="individual contributions",
    operation=operations.INDIVIDUAL_CONTRIBUTION,
    payload=payloads.IndividualContribution,
    model=IndividualContribution,
    key=("service_provider_id", "service_naps_id", "effective_date_from"),
    parent="plan_id",
    not_kept=("care_recipient_id",),
    replaced_whole=True,
    dates=("effective_date_from", "effective_date_to"),
)
SUPPLEMENTS = RecordSet(
    kind="supplements",
    label="Supplement allocations",
    one="supplement allocation",
    many="supplement allocations",
    operation=operations.CARE_RECIPIENT_SUMMARY,
    within="supplements",
    payload=payloads.Supplement,
    model=Supplement,
    key=("type_code", "start_date"),
    parent="plan_id",
    not_kept=("supplement_id",),
)
ENTITLEMENTS = RecordSet(
    kind="entitlements",
    label="Entitlements",
    one="entitlement",
    many="entitlements",
    operation=operations.BUDGET_DETAILS,
    within="entitlements",
    payload=payloads.Entitlement,
    model=Entitlement,
    key=("item_code", "start_date", "end_date"),
    parent="plan_budget_id",
    main="amount",
    not_kept=("care_recipient_id",),
)
BUDGET_USAGE = RecordSet(
    kind="budget_usage",
    label="Budget usage",
    one="line of budget usage",
    many="lines of budget usage",
    operation=operations.BUDGET_DETAILS,
    within="usage",
    payload=payloads.BudgetUsage,
    model=BudgetUsage,
    key=("invoice_id", "item_id"),
    parent="plan_budget_id",
    main="amount",
    not_kept=("care_recipient_id",),
    ours=("invoice_line_item_id",),
)

RECORD_SETS = (
    BUDGETS,
    APPROVED_SERVICES,
    CLASSIFICATIONS,
    INDIVIDUAL_CONTRIBUTIONS,
    SUPPLEMENTS,
    ENTITLEMENTS,
    BUDGET_USAGE,
)
_BY_KIND = {record_set.kind: record_set for record_set in RECORD_SETS}


def record_set_of(kind: str) -> RecordSet:
    """Return the entry of a kind of record. Raise KeyError for what is none, such as a change of the plan."""
    return _BY_KIND[kind]
