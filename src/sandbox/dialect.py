"""The funders in other words: paths, parameters and members renamed, other dates, signs, codes, and envelopes.

What an interfaces file of Carefund says (docs/first-contact.md), the other way round: that client's file makes this
server. How the file is read stands in `dialect_file`, how routes come to speak in `dialect_routes`. Only the format of
the file is shared, no code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from sandbox.description.products import INNER_ROWS

PACE_ROWS = {
    "Determination", "PlanRow", "BudgetTree", "BudgetTypeLevel", "ManagementLevel", "SupportTypeLevel",
    "SupportCategory", "StatedItem", "FundingPeriodRow", "FundingComponentRow",
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_ANCESTORS = {
    "BudgetDetails": ("Budget", "BudgetPeriod"),
    "Budget": ("BudgetPeriod",),
    "InvoiceWritten": ("InvoicePayload",),
    "ClaimWritten": ("ClaimPayload",),
}
_WRITTEN = {"dd": "%d", "MM": "%m", "yyyy": "%Y"}


@dataclass(frozen=True)
class Dialect:
    """The words of one dialect. Members by row and camel-case name, such as "Budget.writeOff"; codes by member."""

    paths: Mapping[str, str] = field(default_factory=dict)
    queries: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    members: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    turned: frozenset[str] = frozenset()
    dates: Mapping[str, str] = field(default_factory=dict)
    sent_dates: Mapping[str, str] = field(default_factory=dict)
    envelopes: Mapping[str, str] = field(default_factory=dict)
    present: Mapping[str, frozenset[str]] = field(default_factory=dict)
    as_text: frozenset[str] = frozenset()
    as_number: frozenset[str] = frozenset()

    @property
    def is_plain(self) -> bool:
        """Whether nothing is said otherwise."""
        return self == PLAIN

    def find(self, words: Mapping[str, Any], row: str, member: str) -> Any:
        """What is said of a member of a row, or of a row that it descends from; None if nothing is."""
        rows = (row, *_ANCESTORS.get(row, ()))
        return next((words[f"{ancestor}.{member}"] for ancestor in rows if f"{ancestor}.{member}" in words), None)

    def name(self, row: str, member: str) -> str:
        """What a member is called."""
        return self.find(self.members, row, member) or member

    def is_turned(self, row: str, member: str) -> bool:
        """Whether an amount has the other sign."""
        return bool(self.find(dict.fromkeys(self.turned, True), row, member))

    def format_of(self, row: str) -> str:
        """How dates of a row are written: what is sent has a format of its own."""
        dates = self.sent_dates if row.startswith("New") else self.dates
        return dates.get(interface_of(row), "")

    def write_date(self, row: str, text: str) -> str:
        """A date as the dialect writes it in a row."""
        # By hand, since no date of Python's is "0000-00-00", and its year 1 has one digit.
        year, month, day = text.split("-")
        written = self.format_of(row)
        return written.replace("yyyy", year).replace("MM", month).replace("dd", day) or text

    def hear(self, row: str, value: Any) -> Any:
        """What was sent in the dialect, in plain words. A member under its plain name is not understood."""
        if isinstance(value, list):
            return [self.hear(row, inner) for inner in value]
        if not isinstance(value, dict):
            return value
        rows = (row, *_ANCESTORS.get(row, ()))
        ours: dict[str, str] = {
            theirs: name.partition(".")[2] for name, theirs in self.members.items() if name.split(".")[0] in rows
        }
        renamed = set(ours.values())
        return {
            (member := ours.get(str(name), str(name))): self._hear_member(row, member, inner)
            for name, inner in value.items()
            if name in ours or name not in renamed
        }

    def _hear_member(self, row: str, member: str, value: Any) -> Any:
        if isinstance(value, list | dict):
            inner = INNER_ROWS.get(f"{row}.{member}") or INNER_ROWS.get(member)
            return self.hear(inner, value) if inner else value
        codes = {theirs: ours for ours, theirs in (self.find(self.codes, row, member) or {}).items()}
        if isinstance(value, str) and value in codes:
            return codes[value]
        if isinstance(value, str) and self.format_of(row) and member.endswith("Date"):
            return read_date(value, self.format_of(row))
        return value

    def say(self, row: str, value: Any) -> Any:
        """A row, or a list of them, in the dialect."""
        if isinstance(value, list):
            return [self.say(row, inner) for inner in value]
        if not isinstance(value, dict):
            return value
        return {
            self.name(row, member): self._write(row, member, self._say_member(row, member, inner))
            for member, inner in value.items()
            if self.is_there(row, member)
        }

    def is_there(self, row: str, member: str) -> bool:
        """Whether a row has a member at all: of rows that the file describes, those that it has seen."""
        return row not in self.present or member in self.present[row]

    def _write(self, row: str, member: str, value: Any) -> Any:
        """A number as a text, or a text of digits as a number, where they come so."""
        if f"{row}.{member}" in self.as_text and isinstance(value, int | Decimal) and not isinstance(value, bool):
            return str(value)
        if f"{row}.{member}" in self.as_number and isinstance(value, str) and value == str(_whole(value)):
            return _whole(value)
        return value

    def _say_member(self, row: str, member: str, value: Any) -> Any:
        if isinstance(value, list | dict):
            inner = INNER_ROWS.get(f"{row}.{member}") or INNER_ROWS.get(member)
            return self.say(inner, value) if inner else value
        if isinstance(value, str) and _DAY.fullmatch(value):
            return self.write_date(row, value)
        codes = self.find(self.codes, row, member)
        if codes and isinstance(value, str):
            return codes.get(value, value)
        if self.is_turned(row, member):
            return _turned(value)
        return value


PLAIN = Dialect()


def interface_of(row: str) -> str:
    """Which interface a row is of, by the name of its table in the file."""
    if row in PACE_ROWS:
        return "ndia"
    return "ndia-partner" if row == "PartnerBudget" else "services-australia"


def _pattern_of(written: str) -> str:
    for part, code in _WRITTEN.items():
        written = written.replace(part, code)
    return written


def read_date(text: str, written: str) -> str:
    """A date in ISO 8601; what is not written so is refused as a date by whoever reads it."""
    try:
        return datetime.strptime(text, _pattern_of(written)).date().isoformat()  # noqa: DTZ007 a date has no zone
    except ValueError:
        return f"not {written}"


def _whole(text: str) -> int | None:
    return int(text) if text.isdecimal() else None


def _turned(value: Any) -> Any:
    if isinstance(value, str):
        return str(0 - Decimal(value)) if value else value
    return 0 - value if isinstance(value, int | Decimal) else value
