"""Invoices by API: bring one in, and read it back. The same rules as for a file; the reference makes it idempotent."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from django.contrib.auth.models import User
from ninja import Field, Path, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.gate import find_clients_by_care_recipient_id, find_invoice_to_claim, reads_every_branch
from carefund.access.roles import may_claim
from carefund.domain.claims.checks import MOST_ITEMS
from carefund.domain.claims.invoice_file import InvoiceRow, check_references
from carefund.records.claims.invoices import (
    UNKNOWN_CLIENT,
    AlreadyBrought,
    ImportPlan,
    list_lines_of,
    plan_import,
    store_import,
)
from carefund.records.models import Invoice
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Code, Day, Given, Price, Quantity, Reference, Text

_REFERENCES = {"invoice_reference": "external_reference_id", "line_reference": "external_reference_id"}
_OF_THE_INVOICE = ("invoice_reference",)
router = Router(tags=["invoices"])


class LineIn(Given):
    """One delivered service."""

    external_reference_id: Reference
    care_recipient_id: Annotated[Text, Field(min_length=1, max_length=20)]
    service_id: Annotated[Text, Field(min_length=1, max_length=60)]
    service_text: Annotated[Text, Field(max_length=200)] = ""
    delivery_date: Day
    quantity: Quantity
    price_per_unit: Price
    unit_type: Annotated[Code, Field(max_length=20)] = ""
    funding_source: Annotated[Code, Field(max_length=4)] = ""
    late_reason_code: Annotated[Text, Field(max_length=40)] = ""
    late_justification: Annotated[Text, Field(max_length=500)] = ""


class InvoiceIn(Given):
    """An invoice with its lines. Without `service_provider_id` the clients' own is taken."""

    external_reference_id: Reference
    service_provider_id: Annotated[Text, Field(max_length=10)] = ""
    service_naps_id: Annotated[Text, Field(max_length=5)] = ""
    line_items: list[LineIn] = Field(min_length=1, max_length=MOST_ITEMS)


class LineOut(Schema):
    """A line as it is kept; `item_id` is Services Australia's number, empty until it was sent."""

    line_id: int
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


@router.post(
    "",
    auth=BearerToken(may_claim),
    response={201: InvoiceOut, 200: InvoiceOut, **refusals(400, 409, 413, 415, 422)},
    operation_id="store_invoice",
)
def bring_in(request: AuthenticatedRequest, invoice: InvoiceIn) -> Status[dict[str, Any]]:
    """Store an invoice. Sending it again gives 200 and changes nothing. Different values for a stored line give 409."""
    rows = _rows(invoice)
    _refuse_others(request.auth, rows)
    try:
        is_new = _store(rows)
    except AlreadyBrought:  # the same call came twice at once, and the other one was quicker
        is_new = _store(rows)
    line = invoice.line_items[0].external_reference_id  # of one that was split meanwhile, the part that holds it
    return Status(201 if is_new else 200, _as_data(find_invoice_to_claim(request.auth, line_reference=line)))


@router.get(
    "/{path:external_reference_id}",
    auth=BearerToken(may_claim),
    response={200: InvoiceOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_invoice",
)
def show(request: AuthenticatedRequest, external_reference_id: Annotated[Reference, Path()]) -> dict[str, Any]:
    """Return one invoice by its reference. The access log records the clients it names."""
    invoice = find_invoice_to_claim(request.auth, reference=external_reference_id)
    store_views(request.auth, [line.client for line in list_lines_of(invoice)], "Invoice (API)")
    return _as_data(invoice)


def _refuse_others(user: User, rows: list[InvoiceRow]) -> None:
    """Raise ApiProblem for lines of clients whom a token for some branches may not read; they do not exist for it."""
    if reads_every_branch(user):
        return
    found = find_clients_by_care_recipient_id(user, {row.care_recipient_id for row in rows})
    problems = [
        LineProblem(line=row.line, field="care_recipient_id", message=UNKNOWN_CLIENT)
        for row in rows
        if row.care_recipient_id not in found
    ]
    if problems:
        raise ApiProblem("invalid", "Some lines have problems. Nothing was saved.", problems=problems)


def _store(rows: list[InvoiceRow]) -> bool:
    """Store what is new among these rows; return whether anything was. Raise ApiProblem."""
    wrong = list(check_references(rows))
    plan = plan_import(rows, wrong, len(wrong))
    if not plan.is_loadable:
        raise _refusal(plan)
    return bool(plan.rows) and store_import(plan) > 0


def _rows(invoice: InvoiceIn) -> list[InvoiceRow]:
    return [
        InvoiceRow(
            line=number,
            invoice_reference=invoice.external_reference_id,
            line_reference=line.external_reference_id,
            service_provider_id=invoice.service_provider_id,
            service_naps_id=invoice.service_naps_id,
            **line.model_dump(exclude={"external_reference_id", "unit_type", "funding_source"}),
            unit_type=line.unit_type.lower(),
            funding_source=line.funding_source.upper(),
        )
        for number, line in enumerate(invoice.line_items, 1)
    ]


def _refusal(plan: ImportPlan) -> ApiProblem:
    """Return why rows are not taken, in the names that callers use."""
    problems = [
        LineProblem(
            line=None if problem.column in _OF_THE_INVOICE else problem.line,
            field=_REFERENCES.get(problem.column, problem.column),
            message=problem.message,
        )
        for problem in plan.problems
    ]
    if plan.conflict_count:
        return ApiProblem(
            "conflict",
            "A line with this reference is stored with different values, or its invoice has been sent.",
            problems=problems,
        )
    return ApiProblem("invalid", "Some lines have problems. Nothing was saved.", problems=problems)


def _as_data(invoice: Invoice) -> dict[str, Any]:
    return {
        "external_reference_id": invoice.external_reference_id,
        "service_provider_id": invoice.service_provider_id,
        "invoice_id": invoice.invoice_id or "",
        "status": invoice.status,
        "line_items": [
            {
                "line_id": line.pk,
                "external_reference_id": line.external_reference_id,
                "care_recipient_id": line.client.care_recipient_id or "",
                "service_id": line.service_id,
                "delivery_date": line.delivery_date,
                "quantity": line.quantity,
                "price_per_unit": line.price_per_unit,
                "funding_source": line.funding_source,
                "item_id": line.item_id,
            }
            for line in list_lines_of(invoice)
        ],
    }
