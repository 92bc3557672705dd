"""Batches by API: preview, prepare, send and withdraw. What is prepared or sent is what was previewed, or nothing."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.records.claims.batches import BatchMoved, fingerprint_batch, withdraw_batch
from carefund.records.claims.queries import find_batch, list_batches, list_claims_of, list_requests_in
from carefund.records.models import ClaimBatch
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.rest.claims.lines import CLAIMS, ClaimedLinesOut, describe_line, read_rows
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest
from carefund.rest.values import BranchId, Day, Digest, Given, ListPart, Number
from carefund.runs.claims.claiming import name_batch, request_sending
from carefund.runs.queries import find_shown_item
from carefund.sync.claims.preparing import (
    BatchChoice,
    BatchPreview,
    NothingToClaim,
    PreviewLine,
    PreviewMoved,
    prepare_batch,
    preview_batch,
)

router = Router(tags=["claims"])
BatchId = Annotated[Number, Path()]
_LOOK, _CENT = "Look at the batch.", Decimal("0.01")


class ChoiceIn(Given):
    """Which open lines: of a Service Provider ID, delivered on these days, of every kind of funding or of one."""

    service_provider_id: Annotated[BranchId, Field(min_length=1)]
    from_date: Day
    to_date: Day
    funding_source: Literal["", "ON", "AT", "HM", "CM", "RC", "EL", "AS"] = ""


class ChoicePart(ChoiceIn, ListPart):
    """Which open lines, and which part of them."""


class BatchIn(ChoiceIn):
    """The choice that was previewed, with the fingerprint of its preview."""

    fingerprint: Digest


class Confirmed(Given):
    """The fingerprint of what was looked at."""

    fingerprint: Digest


class LineFindingOut(Schema):
    """What stands against a line; one that `blocks` stays behind."""

    code: str
    message: str
    blocks: bool


class PreviewLineOut(Schema):
    """A line of a preview."""

    line_id: int
    external_reference_id: str
    client_id: int
    amount: Decimal
    refused: bool
    problems: list[LineFindingOut]


class BatchPreviewOut(Schema):
    """What a batch would hold: `total` of the lines that may go, and those that stay behind, which come first. Hand
    `fingerprint` back to prepare exactly this."""

    claim_date: date
    total: Decimal
    refused_total: Decimal
    ready: int
    refused: int
    clients: int
    fingerprint: str
    lines: list[PreviewLineOut]
    next_start: int | None


class BatchOut(Schema):
    """A batch. `problem` says what it waits for."""

    batch_id: int
    service_provider_id: str
    funding_source: str
    from_date: date
    to_date: date
    state: str
    lines: int
    total: Decimal | None
    problem_code: str
    problem: str
    advice: str
    created_by: str | None
    created_at: datetime


class WholeBatchOut(BatchOut):
    """A batch with its claims and its newest work. Hand `fingerprint` back to send exactly this."""

    claim_ids: list[str]
    fingerprint: str
    work: RunItemOut | None


class BatchesOut(Schema):
    """Batches, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    batches: list[BatchOut]
    next_start: int | None


@router.get("", auth=CLAIMS, response={200: BatchesOut, **NOT_CHANGED, **refusals()}, operation_id="list_batches")
def list_all(request: AuthenticatedRequest, wanted: Query[ListPart]) -> dict[str, Any]:
    """Every batch, newest first."""
    shown, following = wanted.cut(list_batches())
    return {"batches": [_describe(batch) for batch in shown], "next_start": following}


@router.get(
    "/preview", auth=CLAIMS, response={200: BatchPreviewOut, **NOT_CHANGED, **refusals()}, operation_id="preview_batch"
)
def preview(request: AuthenticatedRequest, wanted: Query[ChoicePart]) -> dict[str, Any]:
    """What a batch of these lines would hold and what would be refused. Nothing is stored."""
    found = preview_batch(_read(wanted), timezone.localdate())
    shown, following = wanted.cut([*found.refused, *found.ready])
    store_views(request.auth, (line.client_id for line in shown), "Lines to claim (API)")
    return _describe_preview(found) | {"lines": [_describe_line(line) for line in shown], "next_start": following}


@router.post("", auth=CLAIMS, response={201: WholeBatchOut, **refusals(409, 413, 415)}, operation_id="prepare_batch")
def prepare(request: AuthenticatedRequest, wanted: BatchIn) -> Status[dict[str, Any]]:
    """Keep the lines that may go as a batch, exactly as previewed. Nothing is sent yet."""
    choice = _read(wanted)
    try:
        with one_act():
            batch = prepare_batch(choice, timezone.localdate(), request.auth, fingerprint=wanted.fingerprint)
            after = {name: value for name, value in wanted.model_dump(exclude={"fingerprint"}).items() if value}
            store_act(request.auth, "Claim batch prepared", f"batch {batch.pk}", after=after)
    except NothingToClaim:
        raise ApiProblem("invalid", "No unclaimed lines match, or none of them can be claimed.") from None
    except PreviewMoved:
        raise ApiProblem("preview-changed") from None
    except BatchMoved as moved:
        raise ApiProblem("preview-changed", str(moved)) from None
    return Status(201, _describe_whole(find_batch(batch.pk)))


@router.get(
    "/{batch_id}",
    auth=CLAIMS,
    response={200: WholeBatchOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_batch",
)
def show(request: AuthenticatedRequest, batch_id: BatchId) -> dict[str, Any]:
    """Return a batch, and how far it is with the funder."""
    return _describe_whole(find_batch(batch_id))


@router.get(
    "/{batch_id}/lines",
    auth=CLAIMS,
    response={200: ClaimedLinesOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_batch_lines",
)
def list_lines(request: AuthenticatedRequest, batch_id: BatchId, wanted: Query[ListPart]) -> dict[str, Any]:
    """The lines of a batch. The access log names their clients."""
    batch = find_batch(batch_id)
    shown, following = wanted.cut(list_requests_in(batch))
    rows = read_rows(shown)
    store_views(request.auth, (row.request.line_item.client for row in rows), f"Claim batch {batch.pk} (API)")
    return {"lines": [describe_line(row) for row in rows], "next_start": following}


@router.post(
    "/{batch_id}/send",
    auth=CLAIMS,
    response={202: RunOut, **refusals(404, 409, 413, 415, 503)},
    operation_id="send_batch",
)
def send(request: AuthenticatedRequest, batch_id: BatchId, wanted: Confirmed) -> Status[dict[str, Any]]:
    """Ask for a batch to be sent and claimed, or for the sending to go on; twice asks once. Follow it at
    `/runs/{run_id}`."""
    with one_act():
        batch = find_batch(batch_id)
        if batch.state in (ClaimBatch.State.CLAIMED, ClaimBatch.State.WITHDRAWN):
            raise ApiProblem("conflict", f"The batch is {batch.state}.", advice=_LOOK)
        if fingerprint_batch(batch) != wanted.fingerprint:
            raise ApiProblem("preview-changed", advice="Read the batch again, then send its new fingerprint.")
        run = request_sending(batch.pk, request.auth)
        store_act(request.auth, "Claim batch sent", f"batch {batch.pk}")
    return Status(202, describe_run(run))


@router.post(
    "/{batch_id}/withdraw",
    auth=CLAIMS,
    response={200: WholeBatchOut, **refusals(404, 409)},
    operation_id="withdraw_batch",
)
def withdraw(request: AuthenticatedRequest, batch_id: BatchId) -> Status[dict[str, Any]]:
    """Give a batch up before anything was sent; its lines are open again."""
    try:
        with one_act():
            withdraw_batch(find_batch(batch_id))
            store_act(request.auth, "Claim batch withdrawn", f"batch {batch_id}")
    except BatchMoved as moved:
        raise ApiProblem("conflict", str(moved), advice=_LOOK) from None
    return Status(200, _describe_whole(find_batch(batch_id)))


def _read(wanted: ChoiceIn) -> BatchChoice:
    """Return the choice. Raise ApiProblem for one that cannot be."""
    problems = []
    if wanted.from_date > wanted.to_date:
        problems.append(LineProblem(line=None, field="to_date", message="is before from_date"))
    if wanted.service_provider_id not in list_own_service_provider_ids():
        problems.append(LineProblem(line=None, field="service_provider_id", message="is not one of ours"))
    if problems:
        raise ApiProblem("invalid", problems=problems)
    return BatchChoice(wanted.service_provider_id, wanted.from_date, wanted.to_date, wanted.funding_source)


def _describe_preview(found: BatchPreview) -> dict[str, Any]:
    names = ("claim_date", "total", "refused_total", "fingerprint")
    counts = {"ready": len(found.ready), "refused": len(found.refused), "clients": found.client_count}
    return {**{name: getattr(found, name) for name in names}, **counts}


def _describe_line(line: PreviewLine) -> dict[str, Any]:
    return {
        "line_id": line.line.key,
        "external_reference_id": line.external_reference_id,
        "client_id": line.client_id,
        "amount": line.line.amount,
        "refused": line.is_refused,
        "problems": [problem._asdict() for problem in line.problems],
    }


def _describe(batch: ClaimBatch) -> dict[str, Any]:
    values = {name: getattr(batch, name) for name in BatchOut.model_fields if hasattr(batch, name)}
    made_by = batch.created_by.get_username() if batch.created_by else None
    total = values.pop("total")
    return {
        **values,
        "batch_id": batch.pk,
        "total": None if total is None else total.quantize(_CENT),  # some databases drop the cents of a sum
        "created_by": made_by,
    }


def _describe_whole(batch: ClaimBatch) -> dict[str, Any]:
    work = find_shown_item(name_batch(batch.pk), timezone.now())
    return {
        **_describe(batch),
        "claim_ids": [claim.claim_id for claim in list_claims_of(batch)],
        "fingerprint": fingerprint_batch(batch),
        "work": describe_item(work) if work else None,
    }
