"""NDIS service contracts by API, with their plan budgets and funding periods. No rules here."""

from dataclasses import asdict
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Path, Query, Router, Schema

from carefund.access.access_log import store_view, store_views
from carefund.access.gate import find_contract_to_read, list_contracts_for
from carefund.access.roles import may_read
from carefund.records.models import ServiceContract, ServiceContractBudget
from carefund.records.ndis.queries import list_budgets, list_periods
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Number, OfClientPage

router = Router(tags=["ndis"])


class ContractOut(Schema):
    """A service contract. `comparison` is the outcome of the last comparison with PACE, null before the first."""

    contract_id: int
    client_id: int
    ndis_number: str
    participant_plan_id: str
    start_date: date
    end_date: date | None
    first_start_date: date | None
    is_active: bool
    version: int
    created_at: datetime
    synced_at: datetime
    comparison: str | None
    compared_at: datetime | None
    number_of_differences: int | None


class ContractsOut(Schema):
    """A page of contracts. Ask again with `after` set to `next_after`; null: there are no more."""

    contracts: list[ContractOut]
    next_after: int | None


class FundingPeriodOut(Schema):
    """A funding period of a plan budget."""

    start_date: date
    end_date: date
    amount: Decimal | None
    released_amount: Decimal | None
    spent_amount: Decimal | None


class ContractBudgetOut(Schema):
    """The money for one support category; amounts as the NDIA reported them."""

    plan_budget_id: int
    category_text: str
    category_number: str
    category_name: str
    support_type: str
    budget_type: str
    management: str
    component_name: str
    instalment_type: str
    start_date: date | None
    end_date: date | None
    approved_amount: Decimal | None
    released_amount: Decimal | None
    spent_amount: Decimal | None
    remaining_amount: Decimal | None
    stated_items: list[str]
    is_excluded: bool
    no_longer_in_pace_date: date | None
    periods: list[FundingPeriodOut]


class WholeContractOut(ContractOut):
    """A service contract with its plan budgets."""

    budgets: list[ContractBudgetOut]


@router.get(
    "/contracts",
    auth=BearerToken(may_read),
    response={200: ContractsOut, **NOT_CHANGED, **refusals(422)},
    operation_id="list_contracts",
)
def list_page(request: AuthenticatedRequest, wanted: Query[OfClientPage]) -> dict[str, Any]:
    """The service contracts of clients whom the token may read, by number."""
    found = list(
        list_contracts_for(request.auth, client_id=wanted.client_id, after_id=wanted.after)[: wanted.limit + 1]
    )
    shown = found[: wanted.limit]
    store_views(request.auth, [contract.client_id for contract in shown], "NDIS service contracts (API)")
    return {
        "contracts": [_describe(contract) for contract in shown],
        "next_after": shown[-1].pk if len(found) > wanted.limit else None,
    }


@router.get(
    "/contracts/{contract_id}",
    auth=BearerToken(may_read),
    response={200: WholeContractOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_contract",
)
def show(request: AuthenticatedRequest, contract_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return a contract with its plan budgets and funding periods."""
    contract = find_contract_to_read(request.auth, contract_id)
    store_view(request.auth, contract.client, "NDIS service contract (API)")
    return describe_whole(contract)


def describe_whole(contract: ServiceContract) -> dict[str, Any]:
    """Return a contract with its plan budgets as the API shows one."""
    return _describe(contract) | {"budgets": [_describe_budget(budget) for budget in list_budgets(contract)]}


def _describe(contract: ServiceContract) -> dict[str, Any]:
    comparison = getattr(contract, "comparison", None)
    return {
        "contract_id": contract.pk,
        **{name: getattr(contract, name) for name in ContractOut.model_fields if hasattr(contract, name)},
        "comparison": comparison and comparison.outcome,
        "compared_at": comparison and comparison.compared_at,
        "number_of_differences": comparison and comparison.number_of_differences,
    }


def _describe_budget(budget: ServiceContractBudget) -> dict[str, Any]:
    return {
        "plan_budget_id": budget.pk,
        **{name: getattr(budget, name) for name in ContractBudgetOut.model_fields if hasattr(budget, name)},
        "periods": [asdict(period) for period in list_periods(budget)],
    }
