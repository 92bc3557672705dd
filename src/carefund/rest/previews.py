"""Previews of a client's sync by API: ask for one, see every field that would change, apply exactly that."""

from typing import Annotated, Any

from ninja import Path, Router, Schema, Status

from carefund.access.access_log import store_synchronisation, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_read, find_client_to_synchronise, require
from carefund.access.roles import may_read, may_synchronise
from carefund.records.models import Client
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Number
from carefund.runs.models import Preview
from carefund.runs.previews import (
    CannotApply,
    apply_preview,
    changes_of,
    find_preview,
    find_preview_to_apply,
    may_see_changes,
    request_preview,
)
from carefund.runs.queries import find_sync
from carefund.sync.change_log.rows import as_entries
from carefund.sync.change_log.sentences import write_sentences

router = Router(tags=["previews"])
_NO_ID = "The client has no Care Recipient ID, so there is nothing to synchronise."


class FieldChangeOut(Schema):
    """A field that would change, or a record that would come or go (`field` is empty then)."""

    kind: str
    action: str
    key: list[str | None]
    field: str
    before: str | None
    after: str | None


class PreviewOut(Schema):
    """What a sync would change, once `item` is done. `changes` is null before that, when nothing was kept, and where
    the client would move to a branch that the token does not have (`is_of_others`)."""

    client_id: int
    run_id: int
    item: RunItemOut
    is_applied: bool
    is_of_others: bool
    changes: list[FieldChangeOut] | None
    sentences: list[str]


@router.post(
    "/{client_id}/previews",
    auth=BearerToken(may_synchronise),
    response={202: RunOut, **refusals(404)},
    operation_id="request_preview",
)
def ask(request: AuthenticatedRequest, client_id: Annotated[Number, Path()]) -> Status[dict[str, Any]]:
    """Ask for a preview of a client's sync; follow it at `/clients/{client_id}/previews/{run_id}`."""
    client = find_client_to_synchronise(request.auth, client_id)
    if not client.care_recipient_id:
        raise ApiProblem("invalid", _NO_ID)
    store_synchronisation(request.auth, client, "Synchronise Budget Information (preview, API)")
    return Status(202, describe_run(request_preview(client, request.auth)))


@router.get(
    "/{client_id}/previews/{run_id}",
    auth=BearerToken(may_read),
    response={200: PreviewOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_preview",
)
def show(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], run_id: Annotated[Number, Path()]
) -> dict[str, Any]:
    """Return every field that applying the preview would change."""
    client = find_client_to_read(request.auth, client_id)
    item = find_sync(run_id, client.pk)
    preview = find_preview(item)
    if not item.run.is_preview:
        raise ApiProblem("not-found", "This run is not a preview.")
    store_view(request.auth, client, "Preview of a sync (API)")
    return {
        "client_id": client.pk,
        "run_id": run_id,
        "item": describe_item(item),
        "is_applied": preview is not None and preview.applied_at is not None,
        **_describe(request, client, preview),
    }


@router.post(
    "/{client_id}/previews/{run_id}/apply",
    auth=BearerToken(may_synchronise),
    response={200: RunOut, **refusals(404, 409)},
    operation_id="apply_preview",
)
def apply(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], run_id: Annotated[Number, Path()]
) -> Status[dict[str, Any]]:
    """Apply exactly what was previewed, once. Answers with the run that stands for it."""
    client = find_client_to_synchronise(request.auth, client_id)
    preview = find_preview_to_apply(run_id, client)
    require(request.auth, lambda user: may_see_changes(user, changes_of(preview)))
    try:
        with one_act():
            store_act(request.auth, "Preview applied", f"run {run_id}")
            item = apply_preview(preview, request.auth)
    except CannotApply as refusal:
        raise ApiProblem("preview-changed", str(refusal), advice="Ask for another preview.") from None
    return Status(200, describe_run(item.run))


def _describe(request: AuthenticatedRequest, client: Client, preview: Preview | None) -> dict[str, Any]:
    found = changes_of(preview) if preview else []
    is_of_others = not may_see_changes(request.auth, found)
    if preview is None or is_of_others:
        return {"changes": None, "sentences": [], "is_of_others": is_of_others}
    written = [] if preview.applied_at else write_sentences(as_entries(client.pk, found))
    return {"changes": found, "sentences": [str(sentence.text) for sentence in written], "is_of_others": False}
