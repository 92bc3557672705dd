"""Invoices by file through the API: hand the file in, see what it would add and what is wrong, load it."""

from decimal import Decimal
from typing import Annotated, Any

from ninja import Field, Path, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.domain.csv_tables import UnreadableFile
from carefund.records.claims.invoice_uploads import (
    NotLoadable,
    load_upload,
    plan_file,
    plan_upload,
)
from carefund.records.claims.invoices import ImportPlan
from carefund.records.file_uploads import INVOICES, find_upload, store_upload
from carefund.records.models import FileUpload
from carefund.rest.claims.lines import CLAIMS
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import Given, Number, Text

router = Router(tags=["invoices"])
_MOST_PROBLEMS = 200


class FileIn(Given):
    """A CSV file of invoice lines: its text with a heading row and a line for each delivered service."""

    file_name: Annotated[Text, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1, pattern=r"^[^\x00]*$")]


class ImportPlanOut(Schema):
    """What the file would add now. `problems` are the first 200, each with its line in the file and its column."""

    is_loadable: bool
    lines: int
    known_lines: int
    new_invoices: int
    clients: int
    total: Decimal
    number_of_problems: int
    problems: list[LineProblem]


class FileOut(Schema):
    """A file as it is kept; `plan` is null once it was loaded."""

    invoice_file_id: int
    file_name: str
    is_loaded: bool
    plan: ImportPlanOut | None


@router.post("", auth=CLAIMS, response={201: FileOut, **refusals(413, 415)}, operation_id="preview_invoice_file")
def upload(request: AuthenticatedRequest, wanted: FileIn) -> Status[dict[str, Any]]:
    """Hand in a file and see what it would add. It is kept until the account hands in another; nothing is loaded."""
    try:
        content = wanted.content.encode()
        plan = plan_file(content)
    except (UnreadableFile, UnicodeEncodeError) as fault:
        message = str(fault) if isinstance(fault, UnreadableFile) else "has characters that are not text"
        raise ApiProblem("invalid", problems=[LineProblem(line=None, field="content", message=message)]) from None
    kept = store_upload(INVOICES, wanted.file_name, content, request.auth)
    return Status(201, _describe(request, kept, plan))


@router.get(
    "/{invoice_file_id}",
    auth=CLAIMS,
    response={200: FileOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_invoice_file",
)
def show(request: AuthenticatedRequest, invoice_file_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return what a file that was handed in would add as things stand now."""
    kept = find_upload(INVOICES, invoice_file_id)
    return _describe(request, kept, None if kept.loaded_at else plan_upload(kept))


@router.post(
    "/{invoice_file_id}/load",
    auth=CLAIMS,
    response={200: FileOut, **refusals(404, 409)},
    operation_id="load_invoice_file",
)
def load(request: AuthenticatedRequest, invoice_file_id: Annotated[Number, Path()]) -> Status[dict[str, Any]]:
    """Load a file, all of it or nothing, once."""
    kept = find_upload(INVOICES, invoice_file_id)
    try:
        with one_act():
            lines = load_upload(kept)
            store_act(request.auth, "Invoice file loaded", f"upload {kept.pk}", after={"lines": lines})
    except NotLoadable as refusal:
        raise ApiProblem("conflict", str(refusal), advice="Look at the file again.") from None
    return Status(200, _describe(request, find_upload(INVOICES, kept.pk), None))


def _describe(request: AuthenticatedRequest, kept: FileUpload, plan: ImportPlan | None) -> dict[str, Any]:
    if plan is not None:
        store_views(request.auth, plan.client_ids.values(), "Invoice file (API)")
    about = {"invoice_file_id": kept.pk, "file_name": kept.name, "is_loaded": kept.loaded_at is not None}
    return about | {"plan": plan and _describe_plan(plan)}


def _describe_plan(plan: ImportPlan) -> dict[str, Any]:
    shown = plan.problems[:_MOST_PROBLEMS]
    return {
        "is_loadable": plan.is_loadable,
        "lines": plan.line_count,
        "known_lines": plan.known_line_count,
        "new_invoices": plan.new_invoice_count,
        "clients": plan.client_count,
        "total": plan.total,
        "number_of_problems": plan.problem_count,
        "problems": [{"line": row.line, "field": row.column, "message": row.message} for row in shown],
    }
