"""Clients by API, added and edited by the reference that another system knows them by. The same rules as by page."""

from typing import Annotated, Any

from django.contrib.auth.models import User
from ninja import Field, Path, Router, Status

from carefund.access.access_log import store_view
from carefund.access.gate import list_chosen_clients, list_clients_for, may_read_branch, reads_every_branch
from carefund.access.roles import may_synchronise
from carefund.access.tokens import name_account
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.records.care_recipient.client_list import list_by_number
from carefund.records.care_recipient.clients import (
    CannotEdit,
    add_client,
    edit_client,
    list_alike,
)
from carefund.records.care_recipient.queries import is_service_provider_known
from carefund.records.models import Client
from carefund.rest.clients import ClientOut, describe_client
from carefund.rest.problems import ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId, Day, Flag, Given, Text
from carefund.runs.queries import is_under_way

router = Router(tags=["clients"])
_LOOK = "Look for the client by this ID or reference."
_ALIKE = (
    "Add this reference to the existing client by their Care Recipient ID, or send is_another for a different person."
)
ClientReference = Annotated[Text, Field(min_length=1, max_length=64)]
_Name = Annotated[Text, Field(min_length=1, max_length=80, pattern=r"\S")]


class ClientIn(Given):
    """What is known of a client. What is left out stays as it is; a new client needs both names.

    `is_another`: a new client although somebody here has the same name and may have the same date of birth.
    """

    first_name: _Name | None = None
    last_name: _Name | None = None
    birth_date: Day | None = None
    care_recipient_id: Annotated[Text, Field(max_length=20)] | None = None
    service_provider_id: BranchId | None = None
    is_active: Flag | None = None
    is_another: Flag = False


@router.put(
    "/{path:external_reference_id}",
    auth=BearerToken(may_synchronise),
    response={200: ClientOut, 201: ClientOut, **refusals(409, 413, 415)},
    operation_id="store_client",
)
def store(
    request: AuthenticatedRequest, external_reference_id: Annotated[ClientReference, Path()], wanted: ClientIn
) -> Status[dict[str, Any]]:
    """Add a client (201), or change what is given of the one with this reference (200); the same again changes nothing.

    A client who is here without a reference gets it by the Care Recipient ID. Each change is in the change log.
    """
    user = request.auth
    values = {name: value for name, value in wanted.model_dump(exclude_unset=True).items() if value is not None}
    is_another = values.pop("is_another", False)
    values = {name: value.strip() if isinstance(value, str) else value for name, value in values.items()}
    client = _find(user, external_reference_id, values.get("care_recipient_id", ""))
    _check(user, values, client)
    if client is None:
        _check_new(user, values, is_another=is_another)
    values["external_reference_id"] = external_reference_id
    made_by = name_account(user)
    try:
        if client is None:
            number, status = add_client(values, made_by=made_by, user=user).pk, 201
        else:
            number, status = client.pk, 200
            edit_client(client.pk, values, made_by=made_by)
    except CannotEdit as refusal:
        raise ApiProblem("conflict", str(refusal), advice=_LOOK) from None
    stored = list_chosen_clients(user, [number])[0]
    store_view(user, stored, "Client (API)")
    return Status(status, describe_client(stored))


def _find(user: User, external_reference_id: str, care_recipient_id: str) -> Client | None:
    """The client with a reference; else the one with the Care Recipient ID, who may have no other reference."""
    clients = list_clients_for(user)
    found = list(list_by_number(clients, external_reference_id=external_reference_id)[:1])
    if not found and care_recipient_id:
        found = list(list_by_number(clients, care_recipient_id=care_recipient_id)[:1])
        if found and found[0].external_reference_id:
            raise ApiProblem("conflict", "The client with this Care Recipient ID has another reference.", advice=_LOOK)
    return found[0] if found else None


def _check(user: User, values: dict[str, Any], client: Client | None) -> None:
    """Raise ApiProblem for an ID or a branch that this client cannot have."""
    care_recipient_id = values.get("care_recipient_id")
    if care_recipient_id is not None and not is_care_recipient_id(care_recipient_id):
        raise _wrong("care_recipient_id", "can only have letters, digits and hyphens")
    is_new_id = client is not None and care_recipient_id not in (None, client.care_recipient_id)
    if client is not None and is_new_id and is_under_way(client):
        raise ApiProblem("conflict", "A sync of this client is in progress.", advice="Try again when it has finished.")
    branch = values.get("service_provider_id")
    if branch is None or (client is not None and branch == client.service_provider_id):
        return
    if not is_service_provider_known(branch) or not may_read_branch(user, branch):
        raise _wrong("service_provider_id", "is not one of the branches of this token")


def _check_new(user: User, values: dict[str, Any], *, is_another: bool) -> None:
    """Raise ApiProblem for a new client without names or branch, or who may be somebody who is here."""
    needed = ["first_name", "last_name"] + ([] if reads_every_branch(user) else ["service_provider_id"])
    problems = [LineProblem(line=None, field=name, message="is needed") for name in needed if not values.get(name)]
    if problems:
        raise ApiProblem("invalid", "A new client needs more. Nothing was saved.", problems=problems)
    if is_another:
        return
    alike = list_alike(values["first_name"], values["last_name"], values.get("birth_date"))
    if list_chosen_clients(user, [client.pk for client in alike]):
        raise ApiProblem("conflict", "There is already a client with this name. Is it the same person?", advice=_ALIKE)


def _wrong(field: str, message: str) -> ApiProblem:
    return ApiProblem("invalid", problems=[LineProblem(line=None, field=field, message=message)])
