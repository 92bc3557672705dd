"""A client's NDIS details by API: number, and whether the NDIA may be asked about them."""

from datetime import date, datetime
from typing import Annotated, Any

from ninja import Field, Path, Router, Schema, Status

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read, find_client_to_synchronise
from carefund.access.roles import may_read, may_synchronise
from carefund.records.models import Client
from carefund.records.ndis.queries import find_participant, is_pace_api_enabled
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Flag, Given, Number, Text
from carefund.runs.ndis.enabling import NdisDetails, store_details
from carefund.runs.ndis.plans import find_open_question

router = Router(tags=["ndis"])


class NdisDetailsIn(Given):
    """What a client is to the NDIA. Surname and birth date only where they differ from the client's own."""

    ndis_number: Annotated[Text, Field(max_length=12)] | None = None
    surname: Annotated[Text, Field(max_length=80)] = ""
    birth_date: Day | None = None
    is_pace_participant: Flag = False
    api_access: Flag = False


class NdisDetailsOut(Schema):
    """What a client is to the NDIA. `outcome` is what the last question came to; `question_id` is one whose plan waits
    for a decision, or that is under way. `may_retrieve`: the NDIA may be asked now."""

    client_id: int
    ndis_number: str | None
    surname: str
    birth_date: date | None
    is_pace_participant: bool
    api_access: bool
    asked_at: datetime | None
    outcome: str
    may_retrieve: bool
    question_id: int | None


@router.get(
    "/{client_id}/ndis",
    auth=BearerToken(may_read),
    response={200: NdisDetailsOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_ndis_details",
)
def show(request: AuthenticatedRequest, client_id: Annotated[Number, Path()]) -> dict[str, Any]:
    """Return a client's NDIS details. Their contracts: `/ndis/contracts`."""
    client = find_client_to_read(request.auth, client_id)
    store_view(request.auth, client, "NDIS funding (API)")
    return _describe(client)


@router.put(
    "/{client_id}/ndis",
    auth=BearerToken(may_synchronise),
    response={200: NdisDetailsOut, **refusals(404, 413, 415)},
    operation_id="store_ndis_details",
)
def store(
    request: AuthenticatedRequest, client_id: Annotated[Number, Path()], wanted: NdisDetailsIn
) -> Status[dict[str, Any]]:
    """Keep a client's NDIS details. API access counts only for a PACE participant."""
    client = find_client_to_synchronise(request.auth, client_id)
    details = NdisDetails.read(**wanted.model_dump())
    problems = details.find_problems(request.auth, client)
    if problems:
        listed = [LineProblem(line=None, field=name, message=message) for name, message in problems.items()]
        raise ApiProblem("invalid", problems=listed)
    store_details(client, details)
    store_view(request.auth, client, "NDIS details (API)")
    return Status(200, _describe(client))


def _describe(client: Client) -> dict[str, Any]:
    row, question = find_participant(client.pk), find_open_question(client.pk)
    details = {name: getattr(row or NdisDetails(), name) for name in NdisDetailsIn.model_fields}
    return {
        "client_id": client.pk,
        **details,
        "asked_at": row and row.asked_at,
        "outcome": row.outcome if row else "",
        "may_retrieve": is_pace_api_enabled() and row is not None and row.api_access,
        "question_id": question and question.pk,
    }
