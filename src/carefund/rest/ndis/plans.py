"""PACE plans by API: ask the NDIA, look, then create a contract or change one with exactly what was shown."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from ninja import Field, Path, Router, Schema, Status

from carefund.access.access_log import store_synchronisation, store_view
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import find_client_to_synchronise, find_contract_to_synchronise, list_clients_for
from carefund.access.roles import may_read, may_synchronise
from carefund.domain.ndis.comparing import Difference, list_values
from carefund.domain.ndis.plan import PacePlan, budget_ids
from carefund.domain.ndis.totals import total_funding
from carefund.records.models import Client, ServiceContract
from carefund.records.ndis.queries import is_pace_api_enabled, list_comparable
from carefund.rest.ndis.contracts import WholeContractOut, describe_whole
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.runs import RunItemOut, RunOut, describe_item, describe_run
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Flag, Given, Number, WholeNumber
from carefund.runs.models import RunItem
from carefund.runs.ndis.comparing import request_comparisons
from carefund.runs.ndis.plans import apply_plan, create_from_plan, find_plan, find_question, request_plan
from carefund.runs.requests import NothingToDo
from carefund.sync.ndis.contracts import compare_contract, find_contract_for, prepare_question
from carefund.sync.ndis.problems import PlanMoved

router = Router(tags=["ndis"])
_MAY = BearerToken(may_synchronise)
_MAY_LOOK = BearerToken(lambda user: may_read(user) and may_synchronise(user))  # as the pages: it waits for an act
ClientId = Annotated[Number, Path()]
ContractId = Annotated[Number, Path()]
QuestionId = Annotated[Number, Path()]


class ChosenBudgets(Given):
    """The `plan_budget_id` of each budget that the contract shall have."""

    plan_budget_ids: Annotated[list[Annotated[str, Field(max_length=300)]], Field(min_length=1, max_length=200)]


class ChosenDifferences(Given):
    """The `difference_id` of each difference that shall be written."""

    difference_ids: Annotated[
        list[Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]], Field(min_length=1, max_length=2000)
    ]


class ComparisonsIn(Given):
    """Which contracts to compare with PACE: these, or all."""

    contract_ids: Annotated[list[WholeNumber], Field(max_length=5000)] = []
    everybody: Flag = False


class QuestionOut(Schema):
    """A question to the NDIA about a client: read the plan once `item` is done."""

    question_id: int
    run_id: int
    client_id: int
    item: RunItemOut


class PaceBudgetOut(Schema):
    """A budget of a plan; amounts as the NDIA reported them."""

    plan_budget_id: str
    category_text: str
    category_number: str
    category_name: str
    support_type: str
    budget_type: str
    management: str
    start_date: date | None
    end_date: date | None
    approved_amount: Decimal | None
    released_amount: Decimal | None
    spent_amount: Decimal | None
    remaining_amount: Decimal | None
    is_excluded: bool


class PacePlanOut(Schema):
    """A plan. `contract_id`: the contract that there is for it already."""

    start_date: date
    end_date: date | None
    first_start_date: date | None
    total_funding: Decimal
    contract_id: int | None
    notices: list[str]
    budgets: list[PaceBudgetOut]


class RetrievedPlanOut(QuestionOut):
    """What a question brought; `plan` is null while it is under way."""

    plan: PacePlanOut | None


class DifferenceOut(Schema):
    """A value that differs: `before` in the contract, `after` in PACE. `is_chosen` false: left out on purpose."""

    difference_id: str
    kind: str
    field: str
    before: str | None
    after: str | None
    category_name: str
    period_start_date: date | None
    is_chosen: bool


class DifferencesOut(QuestionOut):
    """How a contract differs from PACE; null while the question is under way."""

    differences: list[DifferenceOut] | None


@router.post(
    "/clients/{client_id}/ndis/plans",
    auth=_MAY,
    response={202: QuestionOut, **refusals(404, 409)},
    operation_id="request_pace_plan",
)
def ask(request: AuthenticatedRequest, client_id: ClientId) -> Status[dict[str, Any]]:
    """Have the NDIA asked for a client's plan, for a new contract. Nothing is created yet."""
    return _ask(request, find_client_to_synchronise(request.auth, client_id))


@router.get(
    "/clients/{client_id}/ndis/plans/{question_id}",
    auth=_MAY_LOOK,
    response={200: RetrievedPlanOut, **NOT_CHANGED, **refusals(404, 409)},
    operation_id="find_pace_plan",
)
def show(request: AuthenticatedRequest, client_id: ClientId, question_id: QuestionId) -> dict[str, Any]:
    """Return the plan that a question brought. It can be used once, for 30 minutes."""
    client = find_client_to_synchronise(request.auth, client_id)
    item = _find_question(request, question_id, client)
    is_done = item.status == RunItem.Status.DONE
    return _describe_question(item) | {"plan": _describe_plan(client.pk, find_plan(item).plan) if is_done else None}


@router.post(
    "/clients/{client_id}/ndis/plans/{question_id}/create",
    auth=_MAY,
    response={201: WholeContractOut, **refusals(404, 409, 413, 415)},
    operation_id="create_contract",
)
def create(
    request: AuthenticatedRequest, client_id: ClientId, question_id: QuestionId, wanted: ChosenBudgets
) -> Status[dict[str, Any]]:
    """Create a service contract with the chosen budgets, exactly as shown."""
    client = find_client_to_synchronise(request.auth, client_id)
    with one_act():
        contract = create_from_plan(client, question_id, wanted.plan_budget_ids, request.auth.pk)
        store_act(request.auth, "Service contract made from PACE", f"service contract {contract.pk}")
    store_view(request.auth, client, "NDIS service contract (API)")
    return Status(201, describe_whole(contract))


@router.post(
    "/ndis/contracts/{contract_id}/plans",
    auth=_MAY,
    response={202: QuestionOut, **refusals(404, 409)},
    operation_id="request_contract_plan",
)
def ask_again(request: AuthenticatedRequest, contract_id: ContractId) -> Status[dict[str, Any]]:
    """Have the NDIA asked for the plan of a contract, to compare them. Nothing is changed yet."""
    contract = find_contract_to_synchronise(request.auth, contract_id)
    return _ask(request, contract.client, contract)


@router.get(
    "/ndis/contracts/{contract_id}/plans/{question_id}",
    auth=_MAY_LOOK,
    response={200: DifferencesOut, **NOT_CHANGED, **refusals(404, 409)},
    operation_id="list_differences",
)
def show_differences(request: AuthenticatedRequest, contract_id: ContractId, question_id: QuestionId) -> dict[str, Any]:
    """Return how a contract differs from the plan that a question brought."""
    contract = find_contract_to_synchronise(request.auth, contract_id)
    item = _find_question(request, question_id, contract.client, contract)
    return _describe_question(item) | {"differences": _list_differences(contract, item)}


@router.post(
    "/ndis/contracts/{contract_id}/plans/{question_id}/apply",
    auth=_MAY,
    response={200: WholeContractOut, **refusals(404, 409, 413, 415)},
    operation_id="apply_differences",
)
def apply(
    request: AuthenticatedRequest, contract_id: ContractId, question_id: QuestionId, wanted: ChosenDifferences
) -> Status[dict[str, Any]]:
    """Write the chosen differences to a contract, exactly as shown."""
    contract = find_contract_to_synchronise(request.auth, contract_id)
    store_synchronisation(request.auth, contract.client, "NDIS service contract (API)")
    with one_act():
        before, after = list_values(apply_plan(contract, question_id, wanted.difference_ids))
        act = "Service contract changed from PACE"
        store_act(request.auth, act, f"service contract {contract.pk}", before=before, after=after)
    return Status(200, describe_whole(contract))


@router.post(
    "/ndis/comparisons",
    auth=_MAY,
    response={202: RunOut, **refusals(409, 413, 415)},
    operation_id="request_comparisons",
)
def compare(request: AuthenticatedRequest, wanted: ComparisonsIn) -> Status[dict[str, Any]]:
    """Have contracts compared with PACE. Only the outcome of each comparison is kept."""
    if wanted.everybody == bool(wanted.contract_ids):
        problem = LineProblem(line=None, field="contract_ids", message="give either these or everybody")
        raise ApiProblem("invalid", problems=[problem])
    if not is_pace_api_enabled():
        raise ApiProblem("conflict", "The PACE API is off.", advice="An administrator can turn it on.")
    chosen = list_comparable(list_clients_for(request.auth), only=wanted.contract_ids)
    try:
        with one_act():
            run = request_comparisons(chosen, requested_by=request.auth)
            store_act(request.auth, "Contracts compared with PACE", f"run {run.pk}", after={"items": run.total})
    except NothingToDo:
        raise ApiProblem("invalid", "None of these contracts can be compared.") from None
    return Status(202, describe_run(run))


def _ask(
    request: AuthenticatedRequest, client: Client, contract: ServiceContract | None = None
) -> Status[dict[str, Any]]:
    prepare_question(client.pk)
    store_synchronisation(request.auth, client, "NDIS PACE plan (API)")
    return Status(202, _describe_question(request_plan(client, contract, request.auth)))


def _find_question(
    request: AuthenticatedRequest, question_id: int, client: Client, contract: ServiceContract | None = None
) -> RunItem:
    """Return a question of this client or contract, with an entry in the access log. Raise PaceProblem."""
    prepare_question(client.pk)
    item = find_question(question_id, client.pk, contract)
    what = "NDIS service contract against PACE (API)" if contract else "NDIS PACE plan (API)"
    store_view(request.auth, client, what)
    return item


def _describe_question(item: RunItem) -> dict[str, Any]:
    about = {"question_id": item.pk, "run_id": item.run_id, "client_id": item.client_id}
    return {**about, "item": describe_item(item)}


def _describe_plan(client_id: int, plan: PacePlan) -> dict[str, Any]:
    existing = find_contract_for(client_id, plan)
    names = [name for name in PaceBudgetOut.model_fields if name != "plan_budget_id"]
    return {
        **{name: getattr(plan, name) for name in ("start_date", "end_date", "first_start_date")},
        "total_funding": total_funding(plan.budgets, lambda budget: not budget.is_excluded),
        "contract_id": existing and existing.pk,
        "notices": list(plan.notices),
        "budgets": [
            {"plan_budget_id": budget_id, **{name: getattr(budget, name) for name in names}}
            for budget_id, budget in zip(budget_ids(plan.budgets), plan.budgets, strict=True)
        ],
    }


def _list_differences(contract: ServiceContract, item: RunItem) -> list[dict[str, Any]] | None:
    if item.status != RunItem.Status.DONE:
        return None
    shown = find_plan(item)
    if contract.version != shown.version:
        raise PlanMoved
    return [_describe_difference(difference) for difference in compare_contract(contract, shown.plan).differences]


def _describe_difference(difference: Difference) -> dict[str, Any]:
    names = ("kind", "field", "category_name", "period_start_date", "is_chosen")
    return {
        **{name: getattr(difference, name) for name in names},
        "difference_id": difference.id,
        "before": None if difference.before is None else str(difference.before),
        "after": None if difference.after is None else str(difference.after),
    }
