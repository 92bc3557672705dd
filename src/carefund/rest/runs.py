"""Runs by API: which there are, how far each is, and what came of its items. No rules here."""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.utils import timezone
from ninja import Path, Query, Router, Schema

from carefund.access.access_log import store_views
from carefund.access.roles import may_read
from carefund.records.models import Client
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import After, Given, Number, Page, PageSize, Searched
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_progress
from carefund.runs.run_access import find_run_to_watch, list_items_to_watch, list_runs_to_watch

router = Router(tags=["runs"])


class RunOut(Schema):
    """A run and how far it is: `done` of `total` items, and what came of them."""

    run_id: int
    kind: str
    trigger: str
    scope: str
    parts: str
    is_preview: bool
    status: str
    paused_reason: str
    resumes_at: datetime | None
    requested_by: str | None
    retry_of: int | None
    total: int
    done: int
    changed: int
    unchanged: int
    consent_missing: int
    failed: int
    warnings: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class RunsOut(Schema):
    """A page of runs, newest first. Ask again with `before` set to `next_before`; null: there are no more."""

    runs: list[RunOut]
    next_before: int | None


class RunPage(Given):
    """Which runs: of one kind of work, and those before a number."""

    kind: Searched = ""
    before: After = 0
    limit: PageSize = 50


class RunItemPage(Page):
    """Which items of a run."""

    only: Literal["", "failed", "warnings", "changed", "consent"] = ""


class RunItemOut(Schema):
    """One thing that a run works on. `counts` of a sync is by kind of record; `warnings` are sentences."""

    item_id: int
    holds: str
    client_id: int | None
    care_recipient_id: str
    status: str
    outcome: str
    counts: dict[str, dict[str, int]]
    warnings: list[str]
    error_code: str
    failed_step: str
    message: str
    advice: str
    started_at: datetime | None
    finished_at: datetime | None


class RunItemsOut(Schema):
    """A page of items, in the order of the run. Ask again with `after` set to `next_after`; null: no more."""

    items: list[RunItemOut]
    next_after: int | None


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: RunsOut, **NOT_CHANGED, **refusals(422)},
    operation_id="list_runs",
)
def list_page(request: AuthenticatedRequest, wanted: Query[RunPage]) -> dict[str, Any]:
    """Runs of every kind of work, newest first: all of them, or those that the account asked for where it may see no
    others."""
    found = list(list_runs_to_watch(request.auth, kind=wanted.kind, before_id=wanted.before)[: wanted.limit + 1])
    shown = found[: wanted.limit]
    return {
        "runs": [describe_run(run) for run in shown],
        "next_before": shown[-1].pk if len(found) > wanted.limit else None,
    }


@router.get(
    "/{run_id}",
    auth=BearerToken(may_read),
    response={200: RunOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_run",
)
def show(request: AuthenticatedRequest, run_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return how far a run is. Ask again until `status` is `finished` or `cancelled`."""
    return describe_run(find_run_to_watch(request.auth, run_id))


@router.get(
    "/{run_id}/items",
    auth=BearerToken(may_read),
    response={200: RunItemsOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="list_run_items",
)
def list_items(
    request: AuthenticatedRequest, run_id: Annotated[Number, Path()], wanted: Query[RunItemPage]
) -> dict[str, Any]:
    """The items of a run, of those clients whom the token may read. The access log names the clients of the page."""
    run = find_run_to_watch(request.auth, run_id)
    found = list(list_items_to_watch(request.auth, run, only=wanted.only, after_id=wanted.after)[: wanted.limit + 1])
    shown = found[: wanted.limit]
    clients: list[Client | None] = [item.client for item in shown]
    store_views(request.auth, clients, f"Run {run.pk} (API)")
    return {
        "items": [describe_item(item) for item in shown],
        "next_after": shown[-1].pk if len(found) > wanted.limit else None,
    }


def describe_run(run: Run) -> dict[str, Any]:
    """Return a run as the API shows one."""
    progress = find_progress(run, timezone.now())
    return {
        "run_id": run.pk,
        **{name: getattr(run, name) for name in RunOut.model_fields if hasattr(run, name)},
        "requested_by": run.requested_by.get_username() if run.requested_by else None,
        "retry_of": run.retry_of_id,
        **{name: getattr(progress, name) for name in RunOut.model_fields if hasattr(progress, name)},
    }


def describe_item(item: RunItem) -> dict[str, Any]:
    """Return one thing that a run works on as the API shows it."""
    values = {name: getattr(item, name) for name in RunItemOut.model_fields if hasattr(item, name)}
    return {"item_id": item.pk, **values}
