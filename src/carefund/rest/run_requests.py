"""Ask for synchronisation by API, and steer runs: the same rights and the same entries in both logs as by page."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from ninja import Field, Path, Status

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import (
    find_client_to_synchronise,
    find_clients_by_care_recipient_id,
    list_chosen_clients,
    list_clients_for,
    reads_every_branch,
    require,
)
from carefund.access.roles import may_run_in_bulk, may_synchronise
from carefund.domain.wording import many
from carefund.rest.problems import ApiProblem, LineProblem, refusals
from carefund.rest.runs import RunOut, describe_run, router
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId, Flag, Given, Number, Text, WholeNumber
from carefund.runs.bulk_scopes import choose
from carefund.runs.care_recipient.surveying import request_survey
from carefund.runs.kinds import find_kind
from carefund.runs.models import Run
from carefund.runs.requests import CannotChangeRun, NothingToDo, request_run
from carefund.runs.run_access import find_run_to_watch
from carefund.runs.steering import STEPS, retry

_ACTS = {"cancel": "Run cancelled", "pause": "Run paused", "resume": "Run resumed"}
_NOBODY = "No clients match this choice, so there is nothing to synchronise."


class RunIn(Given):
    """Whom to synchronise: these clients, by our numbers or their Care Recipient IDs, or everybody active (with
    `everybody`) as far as the rest narrows it. A `survey` is of everybody: who has changes is then read."""

    client_ids: list[WholeNumber] = Field(default=[], max_length=5000)
    care_recipient_ids: list[Annotated[Text, Field(min_length=1, max_length=20)]] = Field(default=[], max_length=5000)
    everybody: Flag = False
    service_provider_id: BranchId = ""
    failed: Flag = False
    older_than_hours: Annotated[int, Field(ge=0, le=8760, strict=True)] = 0
    parts: Literal["everything", "contributions", "budgets", "budgets and usage", "survey"] = "everything"


@router.post(
    "",
    auth=BearerToken(may_synchronise),
    response={202: RunOut, **refusals(403, 404, 413, 415)},
    operation_id="request_run",
)
def start(request: AuthenticatedRequest, wanted: RunIn) -> Status[dict[str, Any]]:
    """Ask for a sync of one client, of several, or of everybody whom the token may read; follow it at `/runs/{run_id}`.

    One client: whoever may synchronise them. More: Administrator and Finance.
    """
    if [wanted.everybody, bool(wanted.client_ids), bool(wanted.care_recipient_ids)].count(True) != 1:
        problem = LineProblem(line=None, field="client_ids", message="give either these, their IDs, or everybody")
        raise ApiProblem("invalid", "It is not clear whom to synchronise.", problems=[problem])
    wanted = _find_by_id(request, wanted) if wanted.care_recipient_ids else wanted
    try:
        if wanted.parts == "survey":
            run = _request_survey(request, wanted)
        elif len(wanted.client_ids) == 1:
            run = _request_one(request, wanted)
        else:
            run = _request_many(request, wanted)
    except NothingToDo:
        raise ApiProblem("invalid", _NOBODY) from None
    return Status(202, describe_run(run))


def _find_by_id(request: AuthenticatedRequest, wanted: RunIn) -> RunIn:
    """Return the same request with our numbers. Raise ApiProblem for IDs that nobody here has."""
    found = find_clients_by_care_recipient_id(request.auth, wanted.care_recipient_ids)
    problems = [
        LineProblem(line=place, field="care_recipient_ids", message="no client has this Care Recipient ID")
        for place, care_recipient_id in enumerate(wanted.care_recipient_ids, 1)
        if care_recipient_id not in found
    ]
    if problems:
        raise ApiProblem("invalid", "Some clients do not exist. No run was started.", problems=problems)
    return wanted.model_copy(update={"client_ids": [client.pk for client in found.values()]})


def _request_survey(request: AuthenticatedRequest, wanted: RunIn) -> Run:
    require(request.auth, may_run_in_bulk)
    require(request.auth, reads_every_branch)
    if not wanted.everybody or wanted.service_provider_id or wanted.failed or wanted.older_than_hours:
        problem = LineProblem(line=None, field="parts", message="a survey is of everybody")
        raise ApiProblem("invalid", problems=[problem])
    with one_act():
        run = request_survey(trigger=Run.Trigger.BULK, requested_by=request.auth)
        _log_request(request, "Bulk run started", run)
    return run


def _request_one(request: AuthenticatedRequest, wanted: RunIn) -> Run:
    client = find_client_to_synchronise(request.auth, wanted.client_ids[0])
    if not client.care_recipient_id:
        raise NothingToDo
    store_synchronisation(request.auth, client, "Synchronise Budget Information (API)")
    return request_run(
        trigger=Run.Trigger.ON_DEMAND,
        clients=[client],
        scope="one client",
        parts=wanted.parts,
        requested_by=request.auth,
    )


def _request_many(request: AuthenticatedRequest, wanted: RunIn) -> Run:
    require(request.auth, may_run_in_bulk)
    among = list_clients_for(request.auth)
    if wanted.client_ids:
        among = list_chosen_clients(request.auth, wanted.client_ids)
        seen = {client.pk for client in among}
        problems = [
            LineProblem(line=place, field="client_ids", message="there is no such client")
            for place, client_id in enumerate(wanted.client_ids, 1)
            if client_id not in seen
        ]
        if problems:
            raise ApiProblem("invalid", "Some clients do not exist. No run was started.", problems=problems)
    clients, words = choose(
        among=among,
        service_provider_id=wanted.service_provider_id,
        failed=wanted.failed,
        older_than=timedelta(hours=wanted.older_than_hours) if wanted.older_than_hours else None,
    )
    with one_act():
        run = request_run(
            trigger=Run.Trigger.BULK,
            clients=clients,
            scope=many(len(wanted.client_ids), "selected client") if wanted.client_ids else words,
            parts=wanted.parts,
            requested_by=request.auth,
        )
        _log_request(request, "Bulk run started", run)
    return run


@router.post(
    "/{run_id}/{step}",
    auth=BearerToken(may_run_in_bulk),
    response={202: RunOut, **refusals(404, 409)},
    operation_id="steer_run",
)
def steer(
    request: AuthenticatedRequest,
    run_id: Annotated[Number, Path()],
    step: Annotated[Literal["cancel", "pause", "resume", "retry"], Path()],
) -> Status[dict[str, Any]]:
    """Cancel, pause or resume a run, or ask again for what failed in it (`retry`, which answers with the new run).

    Not for tokens of some branches alone, since a run may be about others. An erasure is neither retried nor resumed.
    """
    require(request.auth, reads_every_branch)
    run = find_run_to_watch(request.auth, run_id)
    require(request.auth, find_kind(run.kind).may_ask)
    try:
        with one_act():
            if step == "retry":
                run = retry(run, requested_by=request.auth)
                _log_request(request, f"Failures of run {run_id} retried", run)
            else:
                run = STEPS[step](run)
                store_act(request.auth, _ACTS[step], f"run {run.pk}")
    except CannotChangeRun as refusal:
        raise ApiProblem("conflict", str(refusal), advice=refusal.advice) from None
    except NothingToDo:
        raise ApiProblem("conflict", "No items failed in this run.", advice="There is nothing to do.") from None
    return Status(202, describe_run(run))


def _log_request(request: AuthenticatedRequest, act: str, run: Run) -> None:
    after = {"who": run.scope, "what": run.parts, "items": run.total}
    store_act(request.auth, act, f"run {run.pk}", after=after)
