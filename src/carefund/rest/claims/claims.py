"""Claims by API: the list, each with its lines and the funder's answers, and Check Status. No rules here."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router, Schema, Status

from carefund.access.access_log import store_export, store_views
from carefund.access.gate import require
from carefund.access.roles import may_export
from carefund.records.claims.archive import find_claim_evidence, list_claim_answers
from carefund.records.claims.queries import find_claim, list_claim_heads, list_clients_of, list_requests_of
from carefund.records.models import Claim, ClaimAnswer
from carefund.rest.claims.lines import CLAIMS, ClaimedLinesOut, ClaimId, describe_line, read_rows
from carefund.rest.history import JSON_FILE
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import Digest, ListPart
from carefund.runs.claims.claiming import name_claim, request_all_checks, request_check
from carefund.runs.queries import find_shown_item

router = Router(tags=["claims"])


class ClaimOut(Schema):
    """A claim as the funder holds it; without a `batch_id` it was made elsewhere. `is_settled`: at its end, and its
    payment was read after that. `discrepancies` are sentences about what does not add up."""

    claim_id: str
    batch_id: int | None
    service_provider_id: str
    status: str
    reported_status: str
    made_at: datetime
    checked_at: datetime | None
    approved_date: date | None
    payment_date: date | None
    claim_total: Decimal | None
    total_paid: Decimal | None
    compensation_reduction: Decimal | None
    care_recipient_individual_contribution: Decimal | None
    heldover_previous_period: Decimal | None
    outstanding_heldover: Decimal | None
    problem: str
    discrepancies: list[str]
    is_settled: bool


class WholeClaimOut(ClaimOut):
    """A claim with the invoices in it, and its newest check."""

    invoice_ids: list[str]
    work: RunItemOut | None


class ClaimsOut(Schema):
    """Claims, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    claims: list[ClaimOut]
    next_start: int | None


class ClaimResponseOut(Schema):
    """An answer about a claim or its batch as received; `digest` is the SHA-256 of its bytes."""

    operation: str
    subject_id: str
    page: int
    digest: str
    received_at: datetime
    received_again_at: datetime | None


class ClaimResponsesOut(Schema):
    """Answers, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    stored_responses: list[ClaimResponseOut]
    next_start: int | None


@router.get("/claims", auth=CLAIMS, response={200: ClaimsOut, **NOT_CHANGED, **refusals()}, operation_id="list_claims")
def list_all(request: AuthenticatedRequest, wanted: Query[ListPart]) -> dict[str, Any]:
    """Every claim, newest first, those made outside Carefund among them."""
    shown, following = wanted.cut(list_claim_heads())
    return {"claims": [_describe(claim) for claim in shown], "next_start": following}


@router.get(
    "/claims/{claim_id}",
    auth=CLAIMS,
    response={200: WholeClaimOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_claim",
)
def show(request: AuthenticatedRequest, claim_id: Annotated[ClaimId, Path()]) -> dict[str, Any]:
    """Return a claim by Services Australia's ID: how far it is, and what was paid."""
    claim = find_claim(claim_id)
    work = find_shown_item(name_claim(claim.pk), timezone.now())
    return {
        **_describe(claim),
        "invoice_ids": [str(invoice_id) for invoice_id in claim.invoice_ids],
        "work": describe_item(work) if work else None,
    }


@router.get(
    "/claims/{claim_id}/lines",
    auth=CLAIMS,
    response={200: ClaimedLinesOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_claim_lines",
)
def list_lines(
    request: AuthenticatedRequest, claim_id: Annotated[ClaimId, Path()], wanted: Query[ListPart]
) -> dict[str, Any]:
    """The lines of a claim with claimed, paid, drawn and the difference; none of a claim made outside Carefund."""
    claim = find_claim(claim_id)
    shown, following = wanted.cut(list_requests_of(claim))
    rows = read_rows(shown)
    store_views(request.auth, (row.request.line_item.client for row in rows), f"Claim {claim.claim_id} (API)")
    return {"lines": [describe_line(row) for row in rows], "next_start": following}


@router.get(
    "/claims/{claim_id}/stored-responses",
    auth=CLAIMS,
    response={200: ClaimResponsesOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_claim_responses",
)
def list_responses(
    request: AuthenticatedRequest, claim_id: Annotated[ClaimId, Path()], wanted: Query[ListPart]
) -> dict[str, Any]:
    """Everything that the funder answered about a claim and its batch, newest first."""
    shown, following = wanted.cut(list_claim_answers(find_claim(claim_id)))
    return {"stored_responses": [_describe_response(answer) for answer in shown], "next_start": following}


@router.get(
    "/claims/{claim_id}/stored-responses/{digest}",
    auth=CLAIMS,
    response={200: None, **NOT_CHANGED, **refusals(404)},
    operation_id="find_claim_response",
    openapi_extra={"responses": {200: JSON_FILE}},
)
def download(
    request: AuthenticatedRequest, claim_id: Annotated[ClaimId, Path()], digest: Annotated[Digest, Path()]
) -> Any:
    """Return one answer about a claim, byte for byte as received. Also needs the scope `read`."""
    require(request.auth, may_export)
    claim = find_claim(claim_id)
    evidence = find_claim_evidence(claim, digest)
    what = f"Stored response about claim {claim.claim_id}: {evidence.operation.replace('_', ' ')} (API)"
    store_export(request.auth, what, clients=list(list_clients_of(claim)))
    return HttpResponse(evidence.body, content_type="application/json")


@router.post(
    "/claims/{claim_id}/check",
    auth=CLAIMS,
    response={202: RunOut, **refusals(404, 503)},
    operation_id="check_claim",
)
def check(request: AuthenticatedRequest, claim_id: Annotated[ClaimId, Path()]) -> Status[dict[str, Any]]:
    """Ask for Check Status of a claim; twice asks once. Follow it at `/runs/{run_id}`."""
    return Status(202, describe_run(request_check(find_claim(claim_id), request.auth)))


@router.post("/claim-checks", auth=CLAIMS, response={202: RunOut, **refusals(503)}, operation_id="check_all_claims")
def check_all(request: AuthenticatedRequest) -> Status[dict[str, Any]]:
    """Ask for Check Status of every claim that is not at its end, and for claims made outside Carefund."""
    return Status(202, describe_run(request_all_checks(request.auth)))


def _describe(claim: Claim) -> dict[str, Any]:
    return {name: getattr(claim, name) for name in ClaimOut.model_fields}


def _describe_response(answer: ClaimAnswer) -> dict[str, Any]:
    names = ("operation", "subject_id", "page", "received_at", "received_again_at")
    return {**{name: getattr(answer, name) for name in names}, "digest": answer.payload_id}
