"""Reading a file of clients from a provider's own spreadsheet: bytes in, rows and named problems out. No storing."""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date

from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.domain.csv_tables import RowProblems, open_table, read_day
from carefund.domain.spreadsheet_formulas import make_plain

# Each column with the headings that mean it, compared without case, spaces and punctuation.
COLUMNS: dict[str, tuple[str, ...]] = {
    "first_name": ("firstname", "givenname", "givennames", "forename"),
    "last_name": ("lastname", "surname", "familyname"),
    "birth_date": ("birthdate", "dateofbirth", "dob"),
    "care_recipient_id": ("carerecipientid", "carerecipient", "recipientid"),
    "service_provider_id": ("serviceproviderid", "serviceprovider", "providerid", "branch", "branchid"),
    "external_reference_id": (
        "externalreferenceid",
        "externalreference",
        "reference",
        "clientreference",
        "clientnumber",
    ),
}
TITLES = {
    "first_name": "First name",
    "last_name": "Last name",
    "birth_date": "Date of birth",
    "care_recipient_id": "Care Recipient ID",
    "service_provider_id": "Service Provider ID",
    "external_reference_id": "External reference",
}
REQUIRED = ("first_name", "last_name")
FIELDS = tuple(COLUMNS)
_LENGTHS = {"first_name": 80, "last_name": 80, "external_reference_id": 64}
_ROUNDED = re.compile(r"\d(?:[.,]\d+)?E\+?\d+", re.IGNORECASE)
_ROUNDED_PROBLEM = "was shortened by the spreadsheet. Format the column as text, then enter the ID again"
_PATTERN_PROBLEM = "can only have up to 20 letters, digits and hyphens"


@dataclass(frozen=True, slots=True)
class FileRow:
    """One client as the file gives them; what is not given is "" or None."""

    line: int
    first_name: str
    last_name: str
    birth_date: date | None
    care_recipient_id: str
    service_provider_id: str
    external_reference_id: str


@dataclass(slots=True)
class ClientFile(RowProblems):
    """A file as read."""

    rows: list[FileRow] = field(default_factory=list)


def read_client_file(content: bytes, today: date) -> ClientFile:
    """The rows of a CSV file and everything wrong with them. Raises UnreadableFile when there is no table in it."""
    found = ClientFile()
    seen: dict[tuple[str, str], int] = {}
    for line, texts in open_table(content, COLUMNS, REQUIRED).rows():
        row = _read_row(found, line, texts, today)
        if row is None:
            continue
        before = found.problem_count
        for name in ("care_recipient_id", "external_reference_id"):
            key = (name, getattr(row, name))
            if key[1] and seen.setdefault(key, line) != line:
                found.complain(line, name, f"is already in line {seen[key]}")
        if found.problem_count == before:
            found.rows.append(row)
    return found


def _read_row(found: ClientFile, line: int, texts: dict[str, str], today: date) -> FileRow | None:
    before = found.problem_count
    found.check_texts(line, texts, (), _LENGTHS)
    for name in _LENGTHS:
        _check_text(found, line, name, texts.get(name, ""))
    for name in ("care_recipient_id", "service_provider_id"):
        text = texts.get(name, "")
        if text and not is_care_recipient_id(text):
            found.complain(line, name, _ROUNDED_PROBLEM if _ROUNDED.fullmatch(text) else _PATTERN_PROBLEM)
    born = _read_birth_date(found, line, texts.get("birth_date", ""), today)
    if not any(texts.get(name) for name in (*REQUIRED, "care_recipient_id", "external_reference_id")):
        found.complain(line, "first_name", "is missing")
    if found.problem_count != before:
        return None
    plain = {name: texts.get(name, "") for name in FIELDS if name != "birth_date"}
    return FileRow(line, birth_date=born, **plain)


def _check_text(found: ClientFile, line: int, name: str, text: str) -> None:
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in text):
        found.complain(line, name, "has a line break, a tab or another control character")
    elif make_plain(text) != text:
        found.complain(line, name, "begins as a formula does (=, +, -, @, | or %). Enter it as text")


def _read_birth_date(found: ClientFile, line: int, text: str, today: date) -> date | None:
    if not text:
        return None
    try:
        day = read_day(text)
    except ValueError as wrong:
        found.complain(line, "birth_date", str(wrong))
        return None
    if day > today:
        found.complain(line, "birth_date", "is in the future")
    return day
