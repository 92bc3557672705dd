"""What was seen in answers: which members, of which kinds, how long, how often, which together. Pure, no network.

It is made of answers and read in two ways: as the schema that a description would give, so that what was not found in
a description can be found in an answer; and, without any value, as what may be given away (`shareable_description`).
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from carefund.funders.dialect import DATE_FORMATS
from carefund.funders.interfaces.descriptions import Schema
from carefund.funders.interfaces.similarity import words_of

_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+\.\d+", re.ASCII)
_DIGITS = re.compile(r"[+-]?\d+", re.ASCII)
_NAME = re.compile(r"[A-Za-z_$@][A-Za-z0-9_.$@-]{0,59}")
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")
_MOST_DIGITS_OF_A_CODE = 4
_MOST_DIGITS_OF_A_NAME = 3
_MOST_CODES = 40
LEFT_OUT = "…"
_DEEPEST = 12
_DATE_WORDS = {"date", "day", "dob", "from", "to", "start", "end", "birth", "until", "on"}
DAY, INSTANT, NUMBER, DIGITS, TEXT, BLANK = (
    "date", "date and time", "text of a number", "text of digits", "text", "blank text"
)  # fmt: skip
WHOLE, DECIMAL, FLAG, NULL, OBJECT, LIST = "whole number", "number", "true or false", "null", "object", "list"


@dataclass(slots=True)
class SeenPlace:
    """All that one place held. `texts` and `codes` are values, and stay in memory."""

    kinds: Counter[str] = field(default_factory=Counter)
    lengths: list[int] = field(default_factory=lambda: [0, 0])
    texts: set[str] = field(default_factory=set)
    date_formats: set[str] | None = None
    members: dict[str, "SeenPlace"] = field(default_factory=dict)
    sets_of_members: Counter[frozenset[str]] = field(default_factory=Counter)
    rows: "SeenPlace | None" = None

    def add(self, value: Any, depth: int = 0) -> None:
        """Take note of one value, and of everything in it down to a depth."""
        kind = kind_of_value(value)
        self.kinds[kind] += 1
        if isinstance(value, str):
            self._add_text(value, kind)
        elif depth >= _DEEPEST:
            return
        elif isinstance(value, dict):
            self.sets_of_members[frozenset(map(str, value))] += 1
            for name, inner in value.items():
                self.members.setdefault(str(name), SeenPlace()).add(inner, depth + 1)
        elif isinstance(value, list):
            self.rows = self.rows or SeenPlace()
            for inner in value:
                self.rows.add(inner, depth + 1)

    def _add_text(self, value: str, kind: str) -> None:
        if kind == BLANK:
            return
        self.lengths = [min(self.lengths[0] or len(value), len(value)), max(self.lengths[1], len(value))]
        self.texts.add(value)
        possible = self.date_formats if self.date_formats is not None else set(DATE_FORMATS)
        self.date_formats = {written for written in possible if _is_written(value, written)}

    @property
    def codes(self) -> tuple[str, ...]:
        """The texts, if every one of them has the form of a code and there are few."""
        if not self.texts or len(self.texts) > _MOST_CODES or not all(map(is_code, self.texts)):
            return ()
        return tuple(sorted(self.texts))

    def list_sometimes_absent(self) -> list[str]:
        """The members that some of the objects left out."""
        return sorted(name for name in self.members if any(name not in names for names in self.sets_of_members))

    def list_companions(self) -> list[list[str]]:
        """Members that some objects leave out and that come together or not at all."""
        by_presence: dict[tuple[bool, ...], list[str]] = {}
        for name in self.list_sometimes_absent():
            presence = tuple(name in names for names in self.sets_of_members)
            by_presence.setdefault(presence, []).append(name)
        return [names for names in by_presence.values() if len(names) > 1]

    def find(self, place: str) -> "SeenPlace | None":
        """What a place within holds: names with points between them, "" for this one."""
        found: SeenPlace | None = self
        for name in filter(None, place.split(".")):
            found = found.members.get(name) if found else None
        return found


def kind_of_value(value: Any) -> str:
    """What a value is, in words that say nothing of it."""
    match value:
        case None:
            return NULL
        case bool():
            return FLAG
        case int():
            return WHOLE
        case Decimal() | float():
            return DECIMAL
        case dict():
            return OBJECT
        case list():
            return LIST
    text = str(value)
    for pattern, kind in ((_ISO_DAY, DAY), (_INSTANT, INSTANT), (_NUMBER, NUMBER), (_DIGITS, DIGITS)):
        if pattern.fullmatch(text):
            return kind
    return TEXT if text.strip() else BLANK


def is_code(text: str) -> bool:
    """Whether a text has the form of a code: it begins with a letter, is one word, and has few digits."""
    return bool(_CODE.fullmatch(text)) and sum(letter.isdigit() for letter in text) <= _MOST_DIGITS_OF_A_CODE


def is_name(text: str) -> bool:
    """Whether a member's name has the form of one: an id, as in a table that is kept by somebody's, has not."""
    return bool(_NAME.fullmatch(text)) and sum(letter.isdigit() for letter in text) <= _MOST_DIGITS_OF_A_NAME


def _is_written(text: str, written: str) -> bool:
    try:
        day = datetime.strptime(text, DATE_FORMATS[written])  # noqa: DTZ007 a date has no zone
    except ValueError:
        return False
    return len(text) == len(written) and 1900 <= day.year <= 2200


def find_written_date(name: str, seen: SeenPlace) -> str | None:
    """How the dates of a place are written: "" as usual, a format that is known, None where they are no dates."""
    kinds = {kind for kind in seen.kinds if kind not in (NULL, BLANK)}
    if kinds == {DAY}:
        return ""
    fitting = [written for written in DATE_FORMATS if written in (seen.date_formats or ())]
    is_of_digits = bool(kinds) and kinds == {DIGITS}
    if not fitting or (is_of_digits and not set(words_of(name)) & _DATE_WORDS):
        return None
    return fitting[0]


def as_schema(seen: SeenPlace, name: str = "") -> Schema:
    """What a description would say of a place."""
    kinds = {kind for kind in seen.kinds if kind != NULL}
    if OBJECT in kinds:
        return Schema("object", members={name: as_schema(inner, name) for name, inner in seen.members.items()})
    if LIST in kinds:
        return Schema("array", rows=as_schema(seen.rows, name) if seen.rows and seen.rows.kinds else None)
    if kinds and kinds <= {WHOLE, DECIMAL}:
        return Schema("number")
    if kinds == {FLAG}:
        return Schema("boolean")
    if not kinds or kinds == {BLANK}:
        return Schema("string" if kinds else "")
    written = find_written_date(name, seen)
    if written is not None:
        return Schema("string", format="" if written else "date", description=written)
    if kinds - {BLANK} == {INSTANT}:
        return Schema("string", format="date-time")
    return Schema("string", codes=seen.codes)


def walk(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Every member with a plain value, by its name, at whatever depth."""
    if depth > _DEEPEST:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            if isinstance(inner, dict | list):
                yield from walk(inner, depth + 1)
            else:
                yield str(name), inner
    elif isinstance(value, list):
        for inner in value:
            if isinstance(inner, dict | list):
                yield from walk(inner, depth + 1)
            else:
                yield "", inner
