"""The kinds of record that a care recipient sync keeps in step: one entry each, served by one writer.

A new field is an attribute of the payload type, a column with its migration, and a line here; a new kind is an entry.
The order is that of the guide: what comes with the summary, then contributions, then budgets and what hangs on them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
from operator import attrgetter
from typing import Any

from django.db import models

from carefund.domain.comparison import Incoming, Stored
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

_HUNDREDTH = Decimal("0.01")


@dataclass(frozen=True)
class RecordSet:
    """One kind: where it is stored, what identifies a record, what else it says, and what it hangs on.

    `replaced_whole` marks the kind without identity: its rows are deleted and written anew as one set.
    """

    kind: str
    label: str
    model: type[FunderRecord]
    key: tuple[str, ...]
    said: tuple[str, ...]
    parent: str
    replaced_whole: bool = False

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """What an insert writes, in order."""
        return ("client_id", self.parent, "ordinal", "changed_at", *self.key, *self.said)

    @cached_property
    def read_columns(self) -> tuple[str, ...]:
        """What comparing needs; a child is known by its budget's id at the funder, not by ours."""
        parent = "plan_budget__budget_id" if self.is_child else self.parent
        return ("client_id", "id", parent, "ordinal", "no_longer_returned_date", *self.key, *self.said)

    @property
    def is_child(self) -> bool:
        return self.parent == "plan_budget_id"

    @cached_property
    def _take(self) -> Callable[[Any], tuple[Any, ...]]:
        return attrgetter(*self.key, *self.said)

    @cached_property
    def _money(self) -> tuple[int, ...]:
        names = (*self.key, *self.said)
        return tuple(
            position
            for position, name in enumerate(names)
            if isinstance(self.model._meta.get_field(name), models.DecimalField)
        )

    def incoming(self, payload: Any, budget_id: str = "") -> Incoming:
        """A payload as key and values; a child's key begins with its budget's id. Money is rounded to the cent."""
        values = self._take(payload)
        if self._money:
            exact = list(values)
            for position in self._money:
                if exact[position] is not None:
                    exact[position] = exact[position].quantize(_HUNDREDTH)
            values = tuple(exact)
        size = len(self.key)
        key = (budget_id, *values[:size]) if self.is_child else values[:size]
        return Incoming(key, values[size:])

    def stored(self, row: tuple[Any, ...]) -> Stored:
        """A row read with `read_columns`, as the comparison wants it."""
        _, row_id, parent, ordinal, gone, *rest = row
        size = len(self.key)
        key = (parent, *rest[:size]) if self.is_child else tuple(rest[:size])
        return Stored(row_id, key, ordinal, tuple(rest[size:]), gone is None)

    def name_of(self, key: tuple[Any, ...]) -> str:
        """A record's natural key as people read it in the change log."""
        return " · ".join(as_text(part) or "" for part in key if part not in (None, ""))


def as_text(value: Any) -> str | None:
    """A value as the change log keeps it: ISO dates, money with its cents, None for what is not there."""
    if value is None:
        return None
    return value.isoformat() if isinstance(value, date) else str(value)


CLASSIFICATIONS = RecordSet(
    kind="classifications",
    label="Classifications",
    model=Classification,
    key=("type", "code", "level", "start_date"),
    said=("end_date", "status", "priority"),
    parent="plan_id",
)
APPROVED_SERVICES = RecordSet(
    kind="approved_services",
    label="Approved services",
    model=ApprovedService,
    key=("service_group_id", "service_type_id", "service_id", "start_date"),
    said=("service_group_text", "service_type_text", "service_text", "category", "end_date", "status"),
    parent="plan_id",
)
SUPPLEMENTS = RecordSet(
    kind="supplements",
    label="Supplement allocations",
    model=Supplement,
    key=("type_code", "start_date"),
    said=("description", "end_date", "status"),
    parent="plan_id",
)
INDIVIDUAL_CONTRIBUTIONS = RecordSet(
    kind="individual_contributions",
    label="Individual contributions",
    model=IndividualContribution,
    key=("service_provider_id", "service_naps_id", "effective_date_from"),
    said=(
        "clinical_percentage",
        "independence_percentage",
        "everyday_living_percentage",
        "effective_date_to",
        "status",
        "updated_at_date_time",
    ),
    parent="plan_id",
    replaced_whole=True,
)
BUDGETS = RecordSet(
    kind="budgets",
    label="Budget records",
    model=PlanBudget,
    key=("budget_id",),
    said=(
        "service_provider_id",
        "budget_type_code",
        "budget_type",
        "entry_date",
        "start_date",
        "end_date",
        "total",
        "available",
        "used",
        "write_off",
        "rollover_deduction",
        "status",
        "created_at_date_time",
        "updated_at_date_time",
    ),
    parent="plan_id",
)
ENTITLEMENTS = RecordSet(
    kind="entitlements",
    label="Entitlements",
    model=Entitlement,
    key=("item_code", "start_date", "end_date"),
    said=("description", "amount", "created_at_date_time"),
    parent="plan_budget_id",
)
BUDGET_USAGE = RecordSet(
    kind="budget_usage",
    label="Budget usage",
    model=BudgetUsage,
    key=("invoice_id", "item_id"),
    said=(
        "service_provider_id",
        "item_code",
        "description",
        "amount",
        "delivery_date",
        "updated_at_date_time",
    ),
    parent="plan_budget_id",
)

RECORD_SETS = (
    CLASSIFICATIONS,
    APPROVED_SERVICES,
    SUPPLEMENTS,
    INDIVIDUAL_CONTRIBUTIONS,
    BUDGETS,
    ENTITLEMENTS,
    BUDGET_USAGE,
)
