"""Rows of provider files that may be clients who are here, by API: list them, and decide on each. No rules here."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from ninja import Path, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.gate import find_match_to_decide, list_clients_for
from carefund.access.roles import may_read, may_synchronise
from carefund.access.tokens import name_account
from carefund.records.care_recipient.clients import CannotEdit, decide_match
from carefund.records.care_recipient.queries import list_waiting_matches
from carefund.records.models import ClientMatch
from carefund.rest.problems import NOT_CHANGED, ApiProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Number
from carefund.runs.queries import is_under_way

router = Router(tags=["clients"])


class ClientMatchOut(Schema):
    """A row of a provider file that may be the client with this number."""

    match_id: int
    client_id: int
    care_recipient_id: str
    first_name: str
    last_name: str
    birth_date: date | None
    service_provider_id: str
    found_at: datetime


class DecisionOut(Schema):
    """What came of a decision: whose the Care Recipient ID is now, null where it is nobody's yet."""

    match_id: int
    client_id: int | None


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: list[ClientMatchOut], **NOT_CHANGED, **refusals()},
    operation_id="list_client_matches",
)
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """The rows of provider files that wait for a decision, of clients whom the token may read."""
    matches = list(list_waiting_matches(list_clients_for(request.auth)))
    store_views(request.auth, [match.client for match in matches], "Care Recipient IDs to confirm (API)")
    return [_describe(match) for match in matches]


@router.post(
    "/{match_id}/{verdict}",
    auth=BearerToken(may_synchronise),
    response={200: DecisionOut, **refusals(404, 409)},
    operation_id="decide_client_match",
)
def decide(
    request: AuthenticatedRequest,
    match_id: Annotated[Number, Path()],
    verdict: Annotated[Literal["same", "other"], Path()],
) -> Status[dict[str, Any]]:
    """Say that it is the same person, who gets the Care Recipient ID, or another, who is added. Once decided, nothing
    happens."""
    match, is_same = find_match_to_decide(request.auth, match_id), verdict == "same"
    try:
        if is_same and is_under_way(match.client):
            raise CannotEdit("A sync of this client is in progress.")
        found = decide_match(match.pk, is_same=is_same, made_by=name_account(request.auth), user=request.auth)
    except CannotEdit as refusal:
        raise ApiProblem("conflict", str(refusal), advice="Look at the client, then decide again.") from None
    store_views(request.auth, [found or match.client], "Care Recipient ID confirmed (API)")
    return Status(200, {"match_id": match.pk, "client_id": found and found.pk})


def _describe(match: ClientMatch) -> dict[str, Any]:
    values = {name: getattr(match, name) for name in ClientMatchOut.model_fields if hasattr(match, name)}
    return {"match_id": match.pk, **values}
