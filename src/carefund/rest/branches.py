"""Service Provider IDs by API, and the care management pool of each. No rules here."""

from collections.abc import Container
from dataclasses import asdict, fields, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from ninja import Path, Router, Schema
from pydantic import create_model

from carefund.access.access_log import store_views
from carefund.access.gate import find_clients_by_care_recipient_id, list_hidden_ids, may_read_branch
from carefund.access.roles import may_read, may_read_pools
from carefund.domain.care_management.pools import PooledBudget, Sums, add_up
from carefund.records.care_management.store import Saved, list_saves
from carefund.records.care_recipient.queries import list_service_providers
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId

router = Router(tags=["service providers"])


class ServiceProviderOut(Schema):
    """A Service Provider ID; `detected_at` is null where only our own records name it."""

    service_provider_id: str
    name: str
    detected_at: datetime | None
    no_longer_returned_date: date | None


def _describe_fields(of: type[Any]) -> dict[str, Any]:
    return {field.name: (field.type, ...) for field in fields(of)}


_create: Any = create_model  # whose types know no fields that are computed
PooledBudgetOut: Any = _create("PooledBudgetOut", __base__=Schema, **_describe_fields(PooledBudget))
FiguresOut: Any = _create("FiguresOut", __base__=Schema, **_describe_fields(Sums))


class PooledUseOut(Schema):
    """What was drawn for one person. The `care_recipient_id` is empty for lines that named no one, and for a client who
    has moved to a branch that the token may not read."""

    care_recipient_id: str
    amount: Decimal
    lines: int


class PoolOut(Schema):
    """A saved pool of one quarter; `figures` are its budgets added up, null where no budget gave one."""

    service_provider_id: str
    quarter: str
    quarter_start_date: date
    synced_at: datetime
    last_synced_at: datetime
    figures: FiguresOut
    budgets: list[PooledBudgetOut]
    uses: list[PooledUseOut]


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: list[ServiceProviderOut], **NOT_CHANGED, **refusals()},
    operation_id="list_service_providers",
)
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """The Service Provider IDs whose clients the token may read."""
    return [
        {name: getattr(service_provider, name) for name in ServiceProviderOut.model_fields}
        for service_provider in list_service_providers()
        if may_read_branch(request.auth, service_provider.service_provider_id)
    ]


@router.get(
    "/{service_provider_id}/pools",
    auth=BearerToken(may_read_pools),
    response={200: list[PoolOut], **NOT_CHANGED, **refusals(404, 422)},
    operation_id="list_pools",
)
def show_pools(
    request: AuthenticatedRequest, service_provider_id: Annotated[BranchId, Path(min_length=1)]
) -> list[dict[str, Any]]:
    """The saved care management pools of a Service Provider ID, oldest first. The access log names who drew."""
    known = {row.service_provider_id for row in list_service_providers()}
    if service_provider_id not in known or not may_read_branch(request.auth, service_provider_id):
        raise ApiProblem("not-found", "There is no such Service Provider ID.")
    saves = list_saves(service_provider_id)
    named = {use.care_recipient_id for saved in saves for use in saved.pool.uses}
    shown = find_clients_by_care_recipient_id(request.auth, named).values()
    store_views(request.auth, shown, "Care management (API)")
    hidden = list_hidden_ids(request.auth, named)
    return [_describe(saved, hidden) for saved in saves]


def _describe(saved: Saved, hidden: Container[str]) -> dict[str, Any]:
    pool = saved.pool
    return {
        "service_provider_id": pool.service_provider_id,
        "quarter": pool.quarter.name,
        "quarter_start_date": pool.quarter.start_date,
        "synced_at": pool.asked_at,
        "last_synced_at": saved.last_synced_at,
        "budgets": [asdict(budget) for budget in pool.budgets],
        "uses": [
            asdict(replace(use, care_recipient_id="") if use.care_recipient_id in hidden else use) for use in pool.uses
        ],
        "figures": asdict(add_up(pool.budgets)),
    }
