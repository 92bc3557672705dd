"""Tables as files, written line by line with a bounded memory: CSV and XLSX for spreadsheets, and Parquet.

A text that a spreadsheet would run as a formula is made plain. An instant is written in the time zone of this
installation, with its offset; the heading of its column names the zone.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import chain, islice
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from django.utils import timezone
from xlsxwriter import Workbook

from carefund.domain.spreadsheet_formulas import make_plain
from carefund.records.cell_types import CellType
from carefund.records.parquet_files import write_parquet

FORMATS = ("csv", "xlsx", "parquet")
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "parquet": "application/vnd.apache.parquet",
}
_LINES_OF_SHEET = 1_048_575  # beside the headings
_LONGEST_CELL = 32_767
_OPTIONS = {
    "constant_memory": True,
    "strings_to_urls": False,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
}


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        return text


def encode_csv(lines: Iterable[Iterable[object]]) -> Iterator[str]:
    """Return these lines, the first of them the headings, as CSV: with the mark that spreadsheets need for UTF-8."""
    writer = csv.writer(_Echo())
    yield "\ufeff"
    for number, line in enumerate(lines):
        write = _heading if number == 0 else _cell
        yield writer.writerow([write(value) for value in line])


def write_file(path: Path, lines: Iterable[Iterable[object]], file_format: str, types: Sequence[CellType] = ()) -> int:
    """Write these lines, the first of them the headings, in one of FORMATS. Return how many came after it.

    Parquet needs to know what each column holds.
    """
    if file_format == "parquet":
        return write_parquet(path, lines, types)
    return _write_xlsx(path, lines) if file_format == "xlsx" else _write_csv(path, lines)


def _write_csv(path: Path, lines: Iterable[Iterable[object]]) -> int:
    written = -2  # the mark, and the headings
    with path.open("w", encoding="utf-8", newline="") as file:
        for text in encode_csv(lines):
            file.write(text)
            written += 1
    return written


def _write_xlsx(path: Path, lines: Iterable[Iterable[object]]) -> int:
    rest = iter(lines)
    headings = [_heading(name) for name in next(rest)]
    written = 0
    with Workbook(str(path), _OPTIONS) as book:
        as_day, bold = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"bold": True})
        first = next(rest, None)
        while first is not None or not book.worksheets():
            sheet = book.add_worksheet()
            sheet.freeze_panes(1, 0)
            sheet.write_row(0, 0, headings, bold)
            some = chain([first], islice(rest, _LINES_OF_SHEET - 1)) if first is not None else ()
            for place, line in enumerate(some, 1):
                for column, value in enumerate(line):
                    _write_cell(sheet, place, column, _cell(value), as_day)
                written += 1
            first = next(rest, None)
    return written


def _write_cell(sheet: Any, place: int, column: int, value: object, as_day: Any) -> None:
    """Write a value by its kind; nothing that is a text is taken for anything else."""
    if isinstance(value, str):
        if value:
            sheet.write_string(place, column, value[:_LONGEST_CELL])
    elif isinstance(value, bool):
        sheet.write_boolean(place, column, value)
    elif isinstance(value, date):
        sheet.write_datetime(place, column, datetime(value.year, value.month, value.day), as_day)  # noqa: DTZ001
    elif isinstance(value, Decimal) and not value.is_finite():
        return
    else:
        sheet.write_number(place, column, value)


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


def open_file(lines: Iterable[Iterable[object]], file_format: str, types: Sequence[CellType] = ()) -> IO[bytes]:
    """Write these lines to a file that is gone once it is closed, and return it at its beginning."""
    with NamedTemporaryFile(suffix=f".{file_format}") as named:
        write_file(Path(named.name), lines, file_format, types)
        return Path(named.name).open("rb")  # still readable once its name is gone
