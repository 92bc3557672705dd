"""A client's syncs, and the funder's answers as received, by API. No rules here."""

from datetime import datetime
from typing import Annotated, Any

from django.http import HttpResponse
from django.utils import timezone
from ninja import Path, Query, Router, Schema

from carefund.access.access_log import store_export, store_view
from carefund.access.gate import find_client_to_read
from carefund.access.roles import may_export, may_read
from carefund.records.archive import answers_as_of, find_answer
from carefund.rest.funding import AsOf, require_past_day
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.runs import RunItemOut, describe_item
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Digest, ListPart, Number
from carefund.runs.models import RunItem
from carefund.runs.queries import list_syncs_of
from carefund.sync.care_recipient.as_of import end_of

router = Router(tags=["history"])
JSON_FILE: dict[str, Any] = {
    "description": "The answer, byte for byte as received.",
    "content": {"application/json": {"schema": {}}},
}


class SyncOut(RunItemOut):
    """One sync of a client: the run, who asked for it, and what came of it."""

    run_id: int
    trigger: str
    is_preview: bool
    requested_by: str | None


class SyncsOut(Schema):
    """Syncs, newest first. Ask again with `start` set to `next_start`; null: there are no more."""

    client_id: int
    syncs: list[SyncOut]
    next_start: int | None


class StoredResponseOut(Schema):
    """An answer of the funder as received; `digest` is the SHA-256 of its bytes."""

    operation: str
    subject_id: str
    page: int
    digest: str
    current_from: datetime
    current_until: datetime | None


class StoredResponsesOut(Schema):
    """The answers about a client that were current."""

    client_id: int
    stored_responses: list[StoredResponseOut]


@router.get(
    "/{client_id}/syncs",
    auth=BearerToken(may_read),
    response={200: SyncsOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_syncs",
)
def list_syncs(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], wanted: Query[ListPart]
) -> dict[str, Any]:
    """Every sync of a client with its result, newest first."""
    client = find_client_to_read(request.auth, client_id)
    shown, following = wanted.cut(list_syncs_of(client))
    store_view(request.auth, client, "Syncs (API)")
    return {"client_id": client.pk, "syncs": [_describe(item) for item in shown], "next_start": following}


@router.get(
    "/{client_id}/stored-responses",
    auth=BearerToken(may_read),
    response={200: StoredResponsesOut, **NOT_CHANGED, **refusals(404)},
    operation_id="list_stored_responses",
)
def list_responses(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], as_of: AsOf = None
) -> dict[str, Any]:
    """The funder's answers about a client that are current now, or were at the end of a day."""
    client, now = find_client_to_read(request.auth, client_id), timezone.now()
    if as_of is not None:
        require_past_day(as_of, timezone.localdate())
    pages = answers_as_of(client.pk, end_of(as_of) if as_of else now)
    store_view(request.auth, client, "Stored responses (API)")
    return {"client_id": client.pk, "stored_responses": pages}


@router.get(
    "/{client_id}/stored-responses/{digest}",
    auth=BearerToken(may_export),
    response={200: None, **NOT_CHANGED, **refusals(404)},
    operation_id="find_stored_response",
    openapi_extra={"responses": {200: JSON_FILE}},
)
def download(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], digest: Annotated[Digest, Path()]
) -> Any:
    """Return one answer of the funder about a client, byte for byte as received: evidence of what it said."""
    client = find_client_to_read(request.auth, client_id)
    answer = find_answer(client.pk, digest)
    if answer is None:
        raise ApiProblem("not-found", "There is no such answer about this client.")
    store_export(request.auth, f"Stored response: {answer.operation.replace('_', ' ')} (API)", clients=[client])
    return HttpResponse(answer.body, content_type="application/json")


def _describe(item: RunItem) -> dict[str, Any]:
    run = item.run
    return {
        **describe_item(item),
        "run_id": run.pk,
        "trigger": run.trigger,
        "is_preview": run.is_preview,
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
    }
