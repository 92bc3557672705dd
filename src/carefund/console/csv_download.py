"""CSV for spreadsheets, written line by line. A cell that a spreadsheet would run as a formula is made plain text.

An instant is written in the time zone of this installation, with its offset; the heading of its column names the zone.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal

from django.conf import settings
from django.http import StreamingHttpResponse
from django.utils import timezone

from carefund.domain.spreadsheet_formulas import make_plain


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def stream_csv(lines: Iterable[Iterable[object]], file_name: str) -> StreamingHttpResponse:
    """Return a download of these lines, the first of them the headings: UTF-8 with the mark that spreadsheets need."""
    response = StreamingHttpResponse(_encode(lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _encode(lines: Iterable[Iterable[object]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for number, line in enumerate(lines):
        write = _heading if number == 0 else _cell
        yield writer.writerow([write(value) for value in line])


def _heading(name: object) -> object:
    """A column of instants, whose name ends in _at, says in which time zone they are."""
    return f"{name} ({settings.BUSINESS_TIME_ZONE})" if str(name).endswith("_at") else _cell(name)


def _cell(value: object) -> object:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    if isinstance(value, (int, float, Decimal, date)):
        return value
    return make_plain(str(value))
