"""Exports by API: all records of one kind as a file for a spreadsheet or a BI tool. No rules here."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal

from django.http import FileResponse
from django.utils import timezone
from ninja import Path, Query, Router

from carefund.access.exports import open_export
from carefund.access.roles import may_export
from carefund.records.parquet_files import MISSING, MISSING_ADVICE, is_parquet_installed
from carefund.records.table_files import MEDIA_TYPES, open_file
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import Day, Given
from carefund.sync.exports import EXPORTS

router = Router(tags=["exports"])
ExportKind = StrEnum("ExportKind", {kind.upper(): kind for kind in EXPORTS})  # type: ignore[misc]
_FIRST_DAY = date(2000, 1, 1)
_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILES: dict[str, Any] = {"description": "The file.", "content": dict.fromkeys(MEDIA_TYPES.values(), _FILE)}


class ExportPage(Given):
    """Which format, and as of which day; without it, now."""

    format: Literal["csv", "xlsx", "parquet"] = "csv"
    as_of: Day | None = None


@router.get(
    "/{kind}",
    auth=BearerToken(may_export),
    response={200: None, **NOT_CHANGED, **refusals(422)},
    operation_id="export_records",
    openapi_extra={"responses": {200: _FILES}},
)
def export(request: AuthenticatedRequest, kind: Annotated[ExportKind, Path()], wanted: Query[ExportPage]) -> Any:
    """All records of one kind that the token may read, as CSV, XLSX or Parquet; now, or those of funding as of a day.

    Claims need the scope `claims` too, and care management the role Administrator. The access log names the clients.
    """
    chosen, today = EXPORTS[kind.value], timezone.localdate()
    if wanted.as_of is not None and not (chosen.as_of is not None and _FIRST_DAY <= wanted.as_of <= today):
        message = "must be a day from 2000 to today; only funding records have earlier days"
        problem = LineProblem(line=None, field="as_of", message=message)
        raise ApiProblem("invalid", "There is nothing to read for this day.", problems=[problem])
    if wanted.format == "parquet" and not is_parquet_installed():
        problem = LineProblem(line=None, field="format", message=MISSING)
        raise ApiProblem("invalid", MISSING, advice=MISSING_ADVICE, problems=[problem])
    lines = open_export(request.auth, chosen, wanted.as_of, "API export")
    file = open_file(lines, wanted.format, list(chosen.types.values()))
    name = f"{chosen.kind}-{wanted.as_of or today}.{wanted.format}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=MEDIA_TYPES[wanted.format])
