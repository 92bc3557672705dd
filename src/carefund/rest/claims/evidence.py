"""The PDF that says why a line comes late, by API: attach it, look at it, remove it before it is sent."""

from base64 import b64decode
from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Field, Path, Router, Schema, Status

from carefund.access.access_log import store_export, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_line_to_claim, require
from carefund.access.roles import may_claim, may_export
from carefund.records.claims.late_evidence import (
    LARGEST_EVIDENCE,
    NotEvidence,
    TooLate,
    find_evidence,
    find_evidence_to_download,
    is_changeable,
    remove_evidence,
    store_evidence,
)
from carefund.records.models import InvoiceLineItem
from carefund.records.payload_store import read_payload
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Given, Number, Text

router = Router(tags=["invoices"])
LineId = Annotated[Number, Path()]
_LONGEST = LARGEST_EVIDENCE * 4 // 3 + 8
_PDF: dict[str, Any] = {
    "description": "The file, byte for byte as it was given.",
    "content": {"application/pdf": {"schema": {"type": "string", "format": "binary"}}},
}


class EvidenceIn(Given):
    """A PDF of up to 5 MB, its bytes in Base64."""

    file_name: Annotated[Text, Field(min_length=1, max_length=200)]
    content: Annotated[str, Field(min_length=1, max_length=_LONGEST, pattern=r"^[A-Za-z0-9+/]+={0,2}$")]


class EvidenceOut(Schema):
    """A line's PDF. `sent_at`: when the funder took it; after that, and once the invoice was submitted, it stays."""

    line_id: int
    file_name: str
    digest: str
    uploaded_by: str | None
    uploaded_at: datetime
    sent_at: datetime | None
    is_changeable: bool


@router.get(
    "/{line_id}/evidence",
    auth=BearerToken(may_claim),
    response={200: EvidenceOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_evidence",
)
def show(request: AuthenticatedRequest, line_id: LineId) -> dict[str, Any]:
    """Return what is known of a line's PDF."""
    line = find_line_to_claim(request.auth, line_id)
    store_view(request.auth, line.client, "Evidence for a late claim (API)")
    return _describe(line)


@router.put(
    "/{line_id}/evidence",
    auth=BearerToken(may_claim),
    response={200: EvidenceOut, **refusals(404, 409, 413, 415)},
    operation_id="store_evidence",
)
def attach(request: AuthenticatedRequest, line_id: LineId, wanted: EvidenceIn) -> Status[dict[str, Any]]:
    """Attach a PDF to a line, in place of one before. It is sent with the line."""
    line = find_line_to_claim(request.auth, line_id)
    try:
        content = b64decode(wanted.content, validate=True)
        with one_act():
            store_evidence(line, wanted.file_name, content, request.auth)
            store_act(request.auth, "Late evidence attached", f"invoice line {line.pk}")
    except (ValueError, NotEvidence) as fault:
        message = str(fault) if isinstance(fault, NotEvidence) else "This is not Base64."
        raise ApiProblem("invalid", problems=[LineProblem(line=None, field="content", message=message)]) from None
    except TooLate as refusal:
        raise _too_late(refusal) from None
    store_view(request.auth, line.client, "Evidence for a late claim (API)")
    return Status(200, _describe(line))


@router.delete(
    "/{line_id}/evidence",
    auth=BearerToken(may_claim),
    response={204: None, **refusals(404, 409)},
    operation_id="remove_evidence",
)
def remove(request: AuthenticatedRequest, line_id: LineId) -> Status[None]:
    """Remove a line's PDF, as long as it was not sent."""
    line = find_line_to_claim(request.auth, line_id)
    _describe(line)
    try:
        with one_act():
            remove_evidence(line)
            store_act(request.auth, "Late evidence removed", f"invoice line {line.pk}")
    except TooLate as refusal:
        raise _too_late(refusal) from None
    return Status(204, None)


@router.get(
    "/{line_id}/evidence/file",
    auth=BearerToken(may_claim),
    response={200: None, **NOT_CHANGED, **refusals(404)},
    operation_id="find_evidence_file",
    openapi_extra={"responses": {200: _PDF}},
)
def download(request: AuthenticatedRequest, line_id: LineId) -> Any:
    """Return the PDF itself. Also needs the scope `read`."""
    require(request.auth, may_export)
    line = find_line_to_claim(request.auth, line_id)
    evidence = find_evidence_to_download(line.pk)
    store_export(request.auth, "Evidence for a late claim (API)", clients=[line.client])
    return HttpResponse(read_payload(evidence.payload), content_type="application/pdf")


def _too_late(refusal: TooLate) -> ApiProblem:
    return ApiProblem("conflict", str(refusal), advice="Look at the invoice.")


def _describe(line: InvoiceLineItem) -> dict[str, Any]:
    evidence = find_evidence(line)
    if evidence is None:
        raise ApiProblem("not-found", "There is no evidence for this line.")
    names = ("file_name", "uploaded_at", "sent_at")
    return {
        **{name: getattr(evidence, name) for name in names},
        "line_id": line.pk,
        "digest": evidence.payload_id,
        "uploaded_by": evidence.uploaded_by.get_username() if evidence.uploaded_by else None,
        "is_changeable": is_changeable(line),
    }
