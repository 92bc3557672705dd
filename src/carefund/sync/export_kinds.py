"""What a kind of export is: one entry names its columns by their paths from a model, and what a line is.

Page, API, command and SQL view share the entry. Who may, and whose rows, is decided in access/exports.py.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from django.db import models
from django.db.models import QuerySet

from carefund.records.cell_types import CellType
from carefund.records.models import Client

_AT_ONCE = 1000
Lines = Iterator[Iterable[object]]


class Subject(StrEnum):
    """What an export is about, which decides who may have it."""

    FUNDING = "Funding"
    NDIS = "NDIS"
    CLAIMS = "Claims"
    CARE_MANAGEMENT = "Care management"
    ORGANISATION = "Organisation"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, and the path to it from the model."""

    name: str
    path: str


@dataclass(frozen=True, slots=True)
class WorkedOut:
    """What is worked out at the moment and not stored as such: its columns, its rows, and how lines come from them."""

    types: dict[str, CellType]
    find_rows: Callable[[], "QuerySet[Any, Any]"]
    list_lines: Callable[["QuerySet[Any, Any]"], Lines]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """One kind: what people call it, and what a line is.

    `of_client` and `of_branch` lead from a row to its client and to its Service Provider ID; a kind that `is_of_all`
    cannot be told apart by branch. `as_of` gives its lines as they were known at the end of a day.
    """

    kind: str
    label: str
    about: str
    subject: Subject
    model: type[models.Model]
    columns: tuple[Column, ...] = ()
    of_client: str = ""
    of_branch: str = ""
    is_of_all: bool = False
    as_of: Callable[[QuerySet[Client], date], Lines] | None = None
    worked_out: WorkedOut | None = None

    @property
    def types(self) -> dict[str, CellType]:
        """What each column holds, by name and in order."""
        if self.worked_out is not None:
            return self.worked_out.types
        return {column.name: type_at(self.model, column.path) for column in self.columns}

    def find_rows(self) -> "QuerySet[Any, Any]":
        """Every row there is; those of a client together where the database has them so."""
        if self.worked_out is not None:
            return self.worked_out.find_rows()
        manager: Any = self.model._default_manager
        rows: QuerySet[Any, Any] = manager.order_by(*(["client_id"] if self.of_client == "client_id" else []), "pk")
        return rows

    def select(self, rows: "QuerySet[Any, Any]") -> "QuerySet[Any, Any]":
        """The columns of rows, in order: what the view of this kind selects, too."""
        return rows.values_list(*(column.path for column in self.columns))

    def list_lines(self, rows: "QuerySet[Any, Any]") -> Lines:
        """Return a line for each of these rows, some at a time, so that memory is bounded however many there are."""
        if self.worked_out is not None:
            return self.worked_out.list_lines(rows)
        return iter(self.select(rows).iterator(chunk_size=_AT_ONCE))


def list_columns(*names: str, client: str = "") -> tuple[Column, ...]:
    """Columns by name, or as name=path; `client` is the path to whose they are, who comes first."""
    of_client = ("client_id", "care_recipient_id", "external_reference_id") if client else ()
    theirs = [Column(name, f"{client}_id" if name == "client_id" else f"{client}__{name}") for name in of_client]
    pairs = (name.partition("=") for name in names)
    return (*theirs, *(Column(name, path or name) for name, _, path in pairs))


def type_at(model: type[models.Model], path: str) -> CellType:
    """What is found at the end of a path from a model."""
    *through, last = path.split("__")
    for name in through:
        related = model._meta.get_field(name).related_model
        assert isinstance(related, type)
        model = related
    column = model._meta.pk if last == "pk" else model._meta.get_field(last)
    for kind, cell_type in _TYPES.items():
        if isinstance(column, kind):
            return cell_type
    return CellType.TEXT


_TYPES: dict[type[Any], CellType] = {
    models.DecimalField: CellType.AMOUNT,
    models.DateTimeField: CellType.INSTANT,  # before the date, which it is too
    models.DateField: CellType.DAY,
    models.BooleanField: CellType.FLAG,
    models.ForeignKey: CellType.WHOLE,
    models.IntegerField: CellType.WHOLE,
}
