"""Clients by API from a CSV file: what it would add and change, and the import. The same rules as by page."""

from typing import Annotated, Any, Literal

from django.core.exceptions import PermissionDenied
from django.utils import timezone
from ninja import Field, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import reads_every_branch
from carefund.access.roles import may_import_clients
from carefund.access.tokens import name_account
from carefund.domain.care_recipient.client_file import FIELDS
from carefund.domain.csv_tables import MOST_PROBLEMS, UnreadableFile
from carefund.records.care_recipient.client_import import ClientImport, NotImported, plan_clients, store_clients
from carefund.rest.problems import ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Given

router = Router(tags=["clients"])
MEDIA_TYPE = "text/csv"
_BODY = {"requestBody": {"required": True, "content": {MEDIA_TYPE: {"schema": {"type": "string"}}}}}
Name = Literal[
    "first_name", "last_name", "birth_date", "care_recipient_id", "service_provider_id", "external_reference_id"
]


class ImportChoice(Given):
    """`confirm`: import, if no row has a problem; without it, nothing is stored. `update`: the fields of existing
    clients that take the file's value."""

    confirm: bool = False
    update: list[Name] = []


class ClientDifferenceOut(Schema):
    """One field in which a row of the file differs from an existing client."""

    line: int
    client_id: int
    field: str
    before: str | None
    after: str


class ClientImportOut(Schema):
    """What the file adds and changes. Lists end at a thousand; `differences` counts each field to its end.

    `to_confirm`: Care Recipient IDs that may belong to existing clients, for a person to say. `left_out`: lines without
    one, of somebody like an existing client. `stored`: whether it was imported.
    """

    new: int
    same: int
    differences: dict[str, int]
    different: Annotated[list[ClientDifferenceOut], Field(max_length=MOST_PROBLEMS)]
    to_confirm: int
    left_out: Annotated[list[int], Field(max_length=MOST_PROBLEMS)]
    new_service_provider_ids: list[str]
    problem_count: int
    problems: Annotated[list[LineProblem], Field(max_length=MOST_PROBLEMS)]
    stored: bool


@router.post(
    "",
    auth=BearerToken(may_import_clients),
    response={200: ClientImportOut, **refusals(409, 413, 415)},
    operation_id="import_clients",
    openapi_extra=_BODY,
)
def import_clients(request: AuthenticatedRequest, wanted: Query[ImportChoice]) -> Status[dict[str, Any]]:
    """Preview a CSV file of clients, or import it with `confirm`, all or nothing.

    Not for tokens limited to branches.
    """
    user = request.auth
    if not reads_every_branch(user):
        raise PermissionDenied
    if request.content_type != MEDIA_TYPE:
        detail, advice = "The body does not have the content type CSV.", "Send Content-Type: text/csv."
        raise ApiProblem("unsupported-media-type", detail, advice=advice)
    try:
        plan = plan_clients(request.body, timezone.localdate())
    except UnreadableFile as problem:
        raise ApiProblem("invalid", str(problem)) from None
    if wanted.confirm:
        _store(request, plan, wanted.update)
    answer = _describe(plan, is_stored=wanted.confirm)
    store_views(user, [row["client_id"] for row in answer["different"]], "Client file (API)")
    return Status(200, answer)


def _store(request: AuthenticatedRequest, plan: ClientImport, fields: list[Name]) -> None:
    """Import what a file holds. Raise ApiProblem for one with problems."""
    if not plan.is_loadable:
        problems = [LineProblem(line=row.line, field=row.column, message=row.message) for row in plan.problems]
        raise ApiProblem("invalid", "Some rows have problems. Nothing was imported.", problems=problems)
    user = request.auth
    try:
        with one_act():
            imported = store_clients(plan, fields, made_by=name_account(user), user=user)
            after = {"new": imported.new, "changed": imported.changed, "fields": fields}
            store_act(user, "Client file imported", after=after | {"to_confirm": imported.to_confirm})
    except NotImported as refusal:
        raise ApiProblem("conflict", str(refusal), advice="Send the file again.") from None


def _describe(plan: ClientImport, *, is_stored: bool) -> dict[str, Any]:
    different = [row for _, row in zip(range(MOST_PROBLEMS), plan.list_differences(FIELDS), strict=False)]
    return {
        "new": len(plan.new),
        "same": plan.same_count,
        "differences": {name: len(rows) for name, rows in plan.differences.items()},
        "different": [
            {
                "line": row.line,
                "client_id": row.client_id,
                "field": row.field,
                "before": None if row.before is None else str(row.before),
                "after": str(row.after),
            }
            for row in different
        ],
        "to_confirm": len({match.care_recipient_id for match in plan.matches}),
        "left_out": [row.line for row in plan.alike[:MOST_PROBLEMS]],
        "new_service_provider_ids": plan.new_branches[:MOST_PROBLEMS],
        "problem_count": plan.problem_count,
        "problems": [{"line": row.line, "field": row.column, "message": row.message} for row in plan.problems],
        "stored": is_stored,
    }
