"""Exports by API: every client's records of one kind as a file for a spreadsheet. No rules here."""

from datetime import date
from typing import Annotated, Any, Literal

from django.http import FileResponse
from django.utils import timezone
from ninja import Path, Query, Router

from carefund.access.access_log import store_export
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_export
from carefund.records.table_files import MEDIA_TYPES, open_file
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Given
from carefund.sync.care_recipient.exporting import EXPORTS

router = Router(tags=["exports"])
Kind = Literal[
    "clients",
    "budgets",
    "approved_services",
    "classifications",
    "individual_contributions",
    "supplements",
    "entitlements",
    "budget_usage",
]
_FIRST_DAY = date(2000, 1, 1)
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {"description": "The file.", "content": dict.fromkeys(MEDIA_TYPES.values(), _FILE)}


class ExportPage(Given):
    """Which format, and as of which day; without it, now."""

    format: Literal["csv", "xlsx"] = "csv"
    as_of: Day | None = None


@router.get(
    "/{kind}",
    auth=BearerToken(may_export),
    response={200: None, **NOT_CHANGED, **refusals(422)},
    operation_id="export_records",
    openapi_extra={"responses": {200: _FILES}},
)
def export(request: AuthenticatedRequest, kind: Annotated[Kind, Path()], wanted: Query[ExportPage]) -> Any:
    """Every client's records of one kind, of the clients whom the token may read, as CSV or XLSX; now or as of a day.

    The access log names the clients.
    """
    chosen, today = EXPORTS[kind], timezone.localdate()
    if wanted.as_of is not None and not (chosen.has_history and _FIRST_DAY <= wanted.as_of <= today):
        problem = LineProblem(line=None, field="as_of", message="must be a day from 2000 to today, of records")
        raise ApiProblem("invalid", "There is nothing to read for this day.", problems=[problem])
    clients = list_clients_for(request.auth)
    store_export(request.auth, f"{chosen.label} (API export)", clients=clients)
    file = open_file(chosen.list_lines(clients, wanted.as_of), wanted.format)
    name = f"{kind}-{wanted.as_of or today}.{wanted.format}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=MEDIA_TYPES[wanted.format])
