"""Invoices by API: bring one in, and read it back. The same rules as for a file; the reference makes it idempotent."""

from datetime import date
from decimal import Decimal
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest
from ninja import Field, Router, Schema, Status

from carefund.access.log import store_views
from carefund.access.roles import may_claim
from carefund.domain.claims.invoice_file import InvoiceRow
from carefund.records.invoice_store import ImportPlan, plan_import, store_import
from carefund.records.models import Invoice
from carefund.rest.problems import Problem

router = Router(tags=["invoices"])
Reference = Field(min_length=1, max_length=24)


class LineIn(Schema):
    """One delivered service."""

    external_reference_id: str = Reference
    care_recipient_id: str = Field(min_length=1, max_length=20)
    service_id: str = Field(min_length=1, max_length=60)
    service_text: str = Field("", max_length=200)
    delivery_date: date
    quantity: Decimal = Field(gt=0, max_digits=10, decimal_places=2)
    price_per_unit: Decimal = Field(ge=0, max_digits=12, decimal_places=2)
    unit_type: str = Field("", max_length=20)
    funding_source: str = Field("ON", max_length=4)
    late_reason_code: str = Field("", max_length=40)
    late_justification: str = Field("", max_length=500)


class InvoiceIn(Schema):
    """An invoice with its lines. Without `service_provider_id` the clients' own is taken."""

    external_reference_id: str = Reference
    service_provider_id: str = Field("", max_length=10)
    service_naps_id: str = Field("", max_length=5)
    line_items: list[LineIn] = Field(min_length=1, max_length=9_999)


class LineOut(Schema):
    """A line as it is kept; `item_id` is Services Australia's number, empty until it was sent."""

    external_reference_id: str
    care_recipient_id: str
    service_id: str
    delivery_date: date
    quantity: Decimal
    price_per_unit: Decimal
    funding_source: str
    item_id: str


class InvoiceOut(Schema):
    """An invoice as it is kept; `invoice_id` and `status` are Services Australia's, empty until it was sent."""

    external_reference_id: str
    service_provider_id: str
    invoice_id: str
    status: str
    line_items: list[LineOut]


class ProblemOut(Schema):
    """A refusal. `problems` names each line that is wrong, counted from 1."""

    code: str
    message: str
    advice: str
    problems: list[dict[str, Any]]


_REFUSALS = {403: ProblemOut, 404: ProblemOut, 409: ProblemOut, 422: ProblemOut}


@router.post("", response={201: InvoiceOut, 200: InvoiceOut, **_REFUSALS}, operation_id="store_invoice")
def bring_in(request: HttpRequest, invoice: InvoiceIn) -> Status[dict[str, Any]]:
    """Bring an invoice in. The same again answers 200 and changes nothing; other values for a known line answer 409."""
    _require_right(request)
    rows = _rows(invoice)
    try:
        is_new = _store(rows)
    except IntegrityError:  # the same call came twice at once, and the other one was quicker
        is_new = _store(rows)
    return Status(201 if is_new else 200, _as_data(_find(invoice)))


@router.get("/{external_reference_id}", response={200: InvoiceOut, **_REFUSALS}, operation_id="find_invoice")
def show(request: HttpRequest, external_reference_id: str) -> dict[str, Any]:
    """One invoice by our reference; in the access log of everybody it names."""
    _require_right(request)
    invoice = _find(external_reference_id)
    clients = [line.client for line in invoice.line_items.select_related("client")]
    store_views(request.auth, clients, "Invoice (API)")  # type: ignore[attr-defined]
    return _as_data(invoice)


def _store(rows: list[InvoiceRow]) -> bool:
    """Store what is new among these rows; whether anything was. Raises Problem."""
    plan = plan_import(rows)
    if not plan.is_loadable:
        raise _refusal(plan)
    return bool(plan.rows) and store_import(plan) > 0


def _require_right(request: HttpRequest) -> None:
    if not may_claim(request.auth):  # type: ignore[attr-defined]  # set by the token's check
        raise Problem(403, "not-allowed", "This account may not claim.", "Give the token's account the role Finance.")


def _find(wanted: InvoiceIn | str) -> Invoice:
    """The invoice with a reference; of one that was split meanwhile, the part that holds the first line brought in."""
    if isinstance(wanted, str):
        found = Invoice.objects.filter(external_reference_id=wanted).first()
    else:
        line = wanted.line_items[0].external_reference_id
        found = Invoice.objects.filter(line_items__external_reference_id=line).first()
    if found is None:
        raise Problem(404, "not-found", "There is no invoice with this reference.")
    return found


def _rows(invoice: InvoiceIn) -> list[InvoiceRow]:
    return [
        InvoiceRow(
            line=number,
            invoice_reference=invoice.external_reference_id,
            line_reference=line.external_reference_id,
            service_provider_id=invoice.service_provider_id,
            service_naps_id=invoice.service_naps_id,
            **line.model_dump(exclude={"external_reference_id"}),
        )
        for number, line in enumerate(invoice.line_items, 1)
    ]


def _refusal(plan: ImportPlan) -> Problem:
    problems = [{"line": each.line, "field": each.column, "message": each.message} for each in plan.problems]
    if plan.conflict_count:
        message = "A line with this reference is kept with other values, or its invoice was sent."
        return Problem(409, "conflict", message, "Use a new reference, or withdraw the batch first.", problems)
    return Problem(422, "invalid", "Some lines cannot be taken; nothing was stored.", "Correct them.", problems)


def _as_data(invoice: Invoice) -> dict[str, Any]:
    lines = invoice.line_items.select_related("client").order_by("id")
    return {
        "external_reference_id": invoice.external_reference_id,
        "service_provider_id": invoice.service_provider_id,
        "invoice_id": invoice.invoice_id or "",
        "status": invoice.status,
        "line_items": [
            {
                "external_reference_id": line.external_reference_id,
                "care_recipient_id": line.client.care_recipient_id or "",
                "service_id": line.service_id,
                "delivery_date": line.delivery_date,
                "quantity": line.quantity,
                "price_per_unit": line.price_per_unit,
                "funding_source": line.funding_source,
                "item_id": line.item_id,
            }
            for line in lines
        ],
    }
