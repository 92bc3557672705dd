"""CSV for spreadsheets, written line by line. A cell that a spreadsheet would run as a formula is made plain text."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal

from django.http import StreamingHttpResponse

from carefund.domain.spreadsheet_formulas import make_plain


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def stream_csv(lines: Iterable[Iterable[object]], file_name: str) -> StreamingHttpResponse:
    """A download of these lines: UTF-8 with the mark that spreadsheets need to see it."""
    response = StreamingHttpResponse(_encode(lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _encode(lines: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for line in lines:
        yield writer.writerow([_cell(value) for value in line])


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, (int, float, Decimal, date)):
        return value
    return make_plain(str(value))
