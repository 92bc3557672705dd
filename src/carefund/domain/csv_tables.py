"""Reading CSV as spreadsheets write it: encoding, separator, the order of columns, days and amounts. No storing.

A value that could mean two things is a problem, never a guess.
"""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

MOST_PROBLEMS = 1_000
ROW = "row"  # the column of a problem that a row has as a whole
_ENCODINGS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
_NOT_LETTERS = re.compile(r"[^a-z]")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_ISO = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ]00:00(?::00)?)?")
_ONE_COLUMN = re.compile(r"\w\s*[|:^~]\s*\w")  # of a heading whose separator is none of ours
_FIRST_YEAR, _LAST_YEAR = 1900, 2200
_MONEY = re.compile(r"-?[0-9]{1,3}(?:[ ,][0-9]{3})+(?:\.[0-9]+)?|[+-]?[0-9]+(?:\.[0-9]+)?")


class UnreadableFile(ValueError):
    """The file as a whole cannot be read; the text says why and names no content."""


class BadRow(NamedTuple):
    """One thing wrong in one row: its line in the file (the heading is line 1), the column, and a sentence."""

    line: int
    column: str
    message: str


@dataclass(slots=True, kw_only=True)
class RowProblems:
    """What is wrong with rows. `problem_count` goes on counting where `problems` stops at a thousand."""

    problems: list[BadRow] = field(default_factory=list)
    problem_count: int = 0

    @property
    def is_loadable(self) -> bool:
        return not self.problem_count

    def complain(self, line: int, column: str, message: str) -> None:
        """Note a problem."""
        self.problem_count += 1
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(BadRow(line, column, message))

    def check_texts(
        self, line: int, texts: Mapping[str, str], required: Iterable[str], lengths: Mapping[str, int]
    ) -> None:
        """Note what a row has too much of, what it lacks, and what is too long."""
        if texts.get(ROW):
            self.complain(
                line, ROW, "has more values than the heading. Put quotation marks around a value with a comma"
            )
        for name in required:
            if not texts[name]:
                self.complain(line, name, "is missing")
        for name, length in lengths.items():
            if len(texts.get(name, "")) > length:
                self.complain(line, name, f"is longer than {length} characters")


@dataclass(frozen=True, slots=True)
class CsvTable:
    """A file whose heading was read. `places` says in which column each name stands."""

    encoding: str
    separator: str
    places: dict[str, int]
    width: int
    reader: "Iterator[list[str]]"

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """Each row that is not empty: its line in the file, and its texts by name; ROW has what stands beyond the
        heading. Raises UnreadableFile."""
        try:
            for values in self.reader:
                if any(value.strip() for value in values):
                    texts = {
                        name: values[place].strip() if place < len(values) else ""
                        for name, place in self.places.items()
                    }
                    if len(values) > self.width and (beyond := "".join(values[self.width :]).strip()):
                        texts[ROW] = beyond
                    yield self.reader.line_num, texts  # type: ignore[attr-defined]
        except csv.Error:
            raise _broken() from None


def open_table(content: bytes, columns: Mapping[str, tuple[str, ...]], required: Iterable[str]) -> CsvTable:
    """The table in a file, by its heading: `columns` says which titles mean a name. Raises UnreadableFile."""
    text, encoding = _decode(content)
    separator = _separator(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        heading = next(reader, [])
    except csv.Error:
        raise _broken() from None
    if len(heading) == 1 and _ONE_COLUMN.search(heading[0]):
        raise UnreadableFile("The columns are not separated by commas, semicolons or tabs. Save the file as CSV again.")
    return CsvTable(encoding, separator, _places(heading, columns, required), len(heading), reader)


def _broken() -> UnreadableFile:
    return UnreadableFile("The file ends unexpectedly. Check for a quotation mark that is not closed.")


def _decode(content: bytes) -> tuple[str, str]:
    """Text and encoding: a byte order mark says it; without one UTF-8, then the old Windows encoding."""
    if not content.strip():
        raise UnreadableFile("The file is empty.")
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise UnreadableFile("This is a spreadsheet file. Save it as CSV first.")
    marked = next((name for mark, name in _ENCODINGS if content.startswith(mark)), "")
    for encoding in (marked,) if marked else ("utf-8", "cp1252"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            before = text.partition("\0")[0]
            if text.count("\0") * 4 < len(text):  # more of them: two bytes to a letter
                line = before.count("\n") + 1
                raise UnreadableFile(
                    f"Line {line} has a NUL character. Remove it, or save the file as CSV in UTF-8 again."
                )
            break
        return text, encoding
    raise UnreadableFile("Carefund cannot read this file's encoding. Save it as CSV in UTF-8.")


def _separator(text: str) -> str:
    """The separator that the heading uses most."""
    heading = text.lstrip("\r\n").partition("\n")[0]
    return max((",", ";", "\t"), key=heading.count)


def _places(heading: list[str], columns: Mapping[str, tuple[str, ...]], required: Iterable[str]) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, title in enumerate(heading):
        letters = _NOT_LETTERS.sub("", title.lower())
        name = next((name for name, titles in columns.items() if letters in titles), None)
        if name is None:
            continue
        if name in places:
            raise UnreadableFile(f"Two columns mean {name}.")
        places[name] = place
    missing = [name for name in required if name not in places]
    if missing:
        raise UnreadableFile(f"These columns are missing: {', '.join(missing)}.")
    return places


def read_day(text: str) -> date:
    """A date written 2026-07-09 or 9/7/2026, day first. Raises ValueError with a sentence."""
    if iso := _ISO.fullmatch(text):
        parts = [int(part) for part in iso.groups()]
    elif local := _DAY_FIRST.fullmatch(text):
        parts = [int(part) for part in reversed(local.groups())]
    else:
        raise ValueError("is not a date. Enter it as 2026-07-09 or 09/07/2026")
    try:
        day = date(*parts)
    except ValueError:
        raise ValueError("is not a real date (day first)") from None
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise ValueError(f"is before {_FIRST_YEAR} or after {_LAST_YEAR}")
    return day


def read_amount(text: str) -> Decimal:
    """A number with or without dollar sign and thousands separators. Raises ValueError with a sentence."""
    plain = text.replace("\u00a0", " ").replace("$", "").replace("\u2212", "-").strip()
    if not _MONEY.fullmatch(plain):
        raise ValueError("is not an amount. Enter it as 1234.50")
    return Decimal(plain.replace(",", "").replace(" ", ""))
