"""Refresh pools by API, look at what came back, and save exactly that. For administrators with all branches."""

from datetime import datetime
from typing import Annotated, Any

from ninja import Path, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_clients_by_care_recipient_id
from carefund.access.roles import may_administer, may_read_pools
from carefund.domain.care_management.pools import add_up, roll_up
from carefund.domain.quarters import quarter_of
from carefund.records.care_management.store import list_newest, list_tabs
from carefund.rest.branches import FiguresOut, PooledBudgetOut, PooledUseOut
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.runs import RunOut, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import BranchId, Given, Number
from carefund.runs.business_day import business_today
from carefund.runs.care_management.refreshing import (
    POOLS,
    NotRefreshable,
    NotSavable,
    request_refresh,
    results_of,
    save_refreshed,
)
from carefund.runs.run_access import find_run_to_watch
from carefund.runs.service_providers import request_provider_search
from carefund.sync.care_management.refreshing import Refreshed

router = Router(tags=["care management"])
_MAY, _MAY_LOOK = BearerToken(of_every_branch(may_administer)), BearerToken(of_every_branch(may_read_pools))
RunId = Annotated[Number, Path()]


class Whose(Given):
    """The pools of one Service Provider ID; empty: of all."""

    service_provider_id: BranchId = ""


class PartOut(Schema):
    """What a Service Provider ID has of the whole."""

    service_provider_id: str
    figures: FiguresOut


class WholeOut(Schema):
    """The pools saved last for this quarter as one, each budget counted once, and split back by Service Provider ID."""

    quarter: str
    figures: FiguresOut
    parts: list[PartOut]
    repeated_budget_ids: list[str]


class RefreshedOut(Schema):
    """What came back for a Service Provider ID. `problem` and `advice`: why nothing did."""

    service_provider_id: str
    asked_at: datetime
    figures: FiguresOut
    budgets: list[PooledBudgetOut]
    closed_budgets: list[PooledBudgetOut]
    uses: list[PooledUseOut]
    problem: str
    advice: str


class RefreshOut(Schema):
    """A refresh, and what it brought that can still be saved: within an hour, once."""

    run: RunOut
    pools: list[RefreshedOut]


class SavedOut(Schema):
    """How many pools were new in the history; 0: they are as they were saved last."""

    saved: int


@router.get("", auth=_MAY_LOOK, response={200: WholeOut, **NOT_CHANGED, **refusals()}, operation_id="find_all_pools")
def show_all(request: AuthenticatedRequest) -> dict[str, Any]:
    """The pools of all Service Provider IDs as one."""
    quarter = quarter_of(business_today())
    saves = list_newest([row.service_provider_id for row in list_tabs()], quarter, with_uses=False)
    whole = roll_up([saved.pool for saved in saves])
    return {
        "quarter": quarter.name,
        "figures": whole.sums,
        "parts": [{"service_provider_id": name, "figures": sums} for name, sums in whole.parts.items()],
        "repeated_budget_ids": list(whole.repeated_budget_ids),
    }


@router.post(
    "/service-provider-searches",
    auth=_MAY,
    response={202: RunOut, **refusals(503)},
    operation_id="sync_service_providers",
)
def search(request: AuthenticatedRequest) -> Status[dict[str, Any]]:
    """Have Service Provider IDs looked for on clients' budgets; twice asks once. Follow it at `/runs/{run_id}`."""
    with one_act():
        run = request_provider_search(request.auth)
        store_act(request.auth, "Sync Service Providers started", f"run {run.pk}")
    return Status(202, describe_run(run))


@router.post(
    "/refreshes",
    auth=_MAY,
    response={202: RunOut, **refusals(409, 413, 415, 503)},
    operation_id="refresh_pools",
)
def refresh(request: AuthenticatedRequest, wanted: Whose) -> Status[dict[str, Any]]:
    """Have the pools of this quarter refreshed. Nothing is saved yet."""
    try:
        return Status(202, describe_run(request_refresh(wanted.service_provider_id, request.auth)))
    except NotRefreshable as refusal:
        raise ApiProblem("conflict", str(refusal), advice="Sync Service Providers first.") from None


@router.get(
    "/refreshes/{run_id}",
    auth=_MAY_LOOK,
    response={200: RefreshOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_refresh",
)
def show(request: AuthenticatedRequest, run_id: RunId, wanted: Query[Whose]) -> dict[str, Any]:
    """Return what a refresh brought. The access log names who drew."""
    run = find_run_to_watch(request.auth, run_id)
    if run.kind != POOLS.name:
        raise ApiProblem("not-found", "This run is not a refresh.")
    results = results_of(run, wanted.service_provider_id) if run.is_over else []
    named = {use.care_recipient_id for refreshed in results for use in refreshed.pool.uses}
    store_views(request.auth, find_clients_by_care_recipient_id(request.auth, named).values(), "Care management (API)")
    return {"run": describe_run(run), "pools": [_describe(refreshed) for refreshed in results]}


@router.post(
    "/refreshes/{run_id}/save",
    auth=_MAY,
    response={200: SavedOut, **refusals(404, 409, 413, 415)},
    operation_id="save_pools",
)
def save(request: AuthenticatedRequest, run_id: RunId, wanted: Whose) -> Status[dict[str, Any]]:
    """Keep what a refresh brought in the history, exactly as shown."""
    run = find_run_to_watch(request.auth, run_id)
    whose = wanted.service_provider_id
    try:
        with one_act():
            saved = save_refreshed(run, request.auth.pk, service_provider_id=whose)
            store_act(request.auth, "Care management saved", f"Service Provider ID {whose or 'all'}")
    except NotSavable:
        raise ApiProblem(
            "preview-changed", "These figures are more than an hour old, or were saved.", advice="Refresh, then save."
        ) from None
    return Status(200, {"saved": len(saved)})


def _describe(refreshed: Refreshed) -> dict[str, Any]:
    pool, problem = refreshed.pool, refreshed.problem
    return {
        "service_provider_id": pool.service_provider_id,
        "asked_at": pool.asked_at,
        "figures": add_up(pool.budgets),
        "budgets": pool.budgets,
        "closed_budgets": refreshed.closed,
        "uses": pool.uses,
        "problem": problem.message if problem else "",
        "advice": problem.advice if problem else "",
    }
