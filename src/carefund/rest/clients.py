"""Clients by API: found, one by one or page by page, with their plan. Their records: funding.py. No rules here."""

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Path, Query, Router, Schema

from carefund.access.access_log import store_view, store_views
from carefund.access.gate import find_client_to_read, list_clients_for
from carefund.access.roles import may_read
from carefund.domain.care_recipient.identity import IDENTITY_FIELDS, IdentityState
from carefund.records.care_recipient.client_list import list_by_number
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.models import Client
from carefund.rest.funding import AsOf, find_funding_of
from carefund.rest.problems import NOT_CHANGED, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId, Number, Page, Searched

router = Router(tags=["clients"])


class IdentityOut(Schema):
    """How a client's name and date of birth stand to Services Australia's. `differing`: members of the client that are
    not the same there; `sentences` say how, without a name. The rest is what Services Australia gave; null: nothing."""

    state: IdentityState
    differing: list[str]
    sentences: list[str]
    first_name: str | None = None
    middle_name: str | None = None
    last_name: str | None = None
    birth_date: date | None = None
    given_at: datetime | None = None


class ClientOut(Schema):
    """A client and how far they are in step. `outcome` is that of the last sync, empty before the first."""

    client_id: int
    care_recipient_id: str | None
    external_reference_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    service_provider_id: str
    is_active: bool
    checked_at: datetime | None
    changed_at: datetime | None
    outcome: str
    consent_missing: bool
    identity: IdentityOut


class ClientsOut(Schema):
    """A page of clients. Ask again with `after` set to `next_after`; null: there are no more."""

    clients: list[ClientOut]
    next_after: int | None


class ClientPage(Page):
    """Which clients: an empty text stands for no condition. `search`: words that begin a name, or an id; `identity`:
    how name and date of birth stand to Services Australia's."""

    search: Searched = ""
    external_reference_id: Searched = ""
    care_recipient_id: Searched = ""
    service_provider_id: BranchId = ""
    identity: IdentityState | None = None


class PlanOut(Schema):
    """The dates of a client's plan; both null without a plan or without dates. `is_known`: anything was ever synced."""

    client_id: int
    is_known: bool
    start_date: date | None
    end_date: date | None


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: ClientsOut, **NOT_CHANGED, **refusals(422)},
    operation_id="list_clients",
)
def list_page(request: AuthenticatedRequest, wanted: Query[ClientPage]) -> dict[str, Any]:
    """The clients that the token may read, by number, active or not. The access log names those of the page."""
    found = list_by_number(
        list_clients_for(request.auth),
        after_id=wanted.after,
        search=wanted.search,
        external_reference_id=wanted.external_reference_id,
        care_recipient_id=wanted.care_recipient_id,
        service_provider_id=wanted.service_provider_id,
        identity=wanted.identity,
    )
    clients = list(found[: wanted.limit + 1])
    shown = clients[: wanted.limit]
    store_views(request.auth, shown, "List of clients (API)")
    return {
        "clients": [describe_client(client) for client in shown],
        "next_after": shown[-1].pk if len(clients) > wanted.limit else None,
    }


@router.get(
    "/{client_id}",
    auth=BearerToken(may_read),
    response={200: ClientOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_client",
)
def show(request: AuthenticatedRequest, client_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return one client by our number."""
    client = find_client_to_read(request.auth, client_id)
    store_view(request.auth, client, "Client (API)")
    return describe_client(client)


@router.get(
    "/{client_id}/plan",
    auth=BearerToken(may_read),
    response={200: PlanOut, **NOT_CHANGED, **refusals(404, 422)},
    operation_id="find_plan",
)
def show_plan(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], as_of: AsOf = None
) -> dict[str, Any]:
    """Return the Support at Home plan of a client, now or as it was known at the end of a day."""
    client = find_client_to_read(request.auth, client_id)
    plan = find_funding_of(client, as_of).plan
    store_view(request.auth, client, "Plan (API)")
    return {
        "client_id": client.pk,
        "is_known": plan is not None,
        "start_date": plan and plan.start_date,
        "end_date": plan and plan.end_date,
    }


def describe_client(client: Client) -> dict[str, Any]:
    """Return a client as the API shows one."""
    state = getattr(client, "sync_state", None)
    return {
        "client_id": client.pk,
        **{name: getattr(client, name) for name in ClientOut.model_fields if hasattr(client, name)},
        "checked_at": state and state.checked_at,
        "changed_at": state and state.changed_at,
        "outcome": state.outcome if state else "",
        "consent_missing": bool(state and state.consent_missing),
        "identity": _describe_identity(client),
    }


def _describe_identity(client: Client) -> dict[str, Any]:
    identity = describe_identity(client)
    theirs = {name: getattr(identity.theirs, name, None) or None for name in IDENTITY_FIELDS}
    check = identity.check
    known = {"state": check.state, "differing": check.differing, "sentences": check.sentences}
    return {**known, **theirs, "given_at": identity.given_at}
