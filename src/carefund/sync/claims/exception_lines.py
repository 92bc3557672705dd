"""Exceptions as lines of a table: worked out at the moment, with what people did about each."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from carefund.records.cell_types import CellType
from carefund.records.claims.exceptions import (
    EVERY,
    ExceptionFilter,
    ExceptionRow,
    list_exception_rows,
    list_exceptions,
)
from carefund.sync.export_kinds import WorkedOut

_AT_ONCE = 500
_TYPES = {
    "client_id": CellType.WHOLE,
    "care_recipient_id": CellType.TEXT,
    "external_reference_id": CellType.TEXT,
    "service_provider_id": CellType.TEXT,
    "batch_id": CellType.WHOLE,
    "line_id": CellType.WHOLE,
    "line_reference_id": CellType.TEXT,
    "service_id": CellType.TEXT,
    "delivery_date": CellType.DAY,
    "exception": CellType.TEXT,
    "remarks": CellType.TEXT,
    "claimed": CellType.AMOUNT,
    "paid": CellType.AMOUNT,
    "drawn": CellType.AMOUNT,
    "difference": CellType.AMOUNT,
    "contribution": CellType.AMOUNT,
    "expected_contribution": CellType.AMOUNT,
    "age_days": CellType.WHOLE,
    "state": CellType.TEXT,
    "owner": CellType.TEXT,
    "due_date": CellType.DAY,
    "notes": CellType.TEXT,
}


def _find_rows() -> "QuerySet[Any, Any]":
    return list_exceptions(ExceptionFilter(state=EVERY), timezone.localdate())


def _list_lines(rows: "QuerySet[Any, Any]") -> Iterator[Iterable[object]]:
    today, requests = timezone.localdate(), iter(rows.iterator(chunk_size=_AT_ONCE))
    while some := list(islice(requests, _AT_ONCE)):
        yield from map(_write, list_exception_rows(some, today))


def _write(row: ExceptionRow) -> Iterable[object]:
    asked, truth, case = row.line.request, row.line.truth, row.case
    line = asked.line_item
    return (
        line.client_id, line.client.care_recipient_id, line.client.external_reference_id,
        line.invoice.service_provider_id, asked.batch_id, line.pk, line.external_reference_id, line.service_id,
        line.delivery_date, row.kind.label, "; ".join(row.line.remarks), truth.claimed, asked.paid_amount, truth.drawn,
        truth.difference, asked.individual_contribution_amount, row.line.expected_contribution, row.age_days, row.state,
        case.owner.username if case and case.owner else "", case.due_date if case else None, " / ".join(row.notes),
    )  # fmt: skip


EXCEPTIONS = WorkedOut(_TYPES, _find_rows, _list_lines)
