"""How alike two names are, and two types: what a proposal and its confidence rest on. Pure functions, no files."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin

from carefund.funders.bounds import kind_of
from carefund.funders.dialect import DATE_FORMATS
from carefund.funders.interfaces.descriptions import Schema

Ours = TypeVar("Ours")
Theirs = TypeVar("Theirs")
SURE, LIKELY, DOUBTFUL = 0.9, 0.6, 0.4
_MARGIN = 0.08  # a proposal with a rival that is nearly as good is doubtful
_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SAME = (
    {"id", "identifier", "number", "no", "key"},
    {"amount", "amt", "value", "total", "sum"},
    {"from", "start", "begin", "commencement", "effective"},
    {"to", "end", "until", "finish", "expiry"},
    {"date", "day", "on"},
    {"text", "description", "desc", "name", "label"},
    {"provider", "organisation", "prov"},
    {"recipient", "client", "participant", "person", "consumer", "rcpt"},
    {"used", "spent", "drawn", "consumed"},
    {"available", "remaining", "balance"},
    {"birth", "dob", "born"},
    {"percentage", "percent", "pct", "rate"},
    {"surname", "last", "family"},
    {"first", "given"},
    {"updated", "modified", "changed"},
    {"created", "made"},
    {"items", "rows", "lines"},
    {"write", "written"},
    {"limit", "size", "per"},
    {"off"},
)
_STANDS_FOR = {word: sorted(group)[0] for group in _SAME for word in group}
_FILLERS = {"the", "of", "at", "time", "detail", "details", "field", "info"}
# Words that say of what kind a value is, rather than which.
_GENERAL = {_STANDS_FOR.get(word, word) for word in ("amount", "date", "text", "period")}
_CONTAINED = 0.8  # all words of one name within the other
_ISO = {"yyyy-mm-dd", "date", "full-date"}
_SPELLED_FORMATS = {
    written: re.compile(rf"(?<![a-z]){re.escape(written)}(?![a-z])", re.IGNORECASE) for written in DATE_FORMATS
}
_SHAPES = {re.sub("[A-Za-z]", "0", written): written for written in DATE_FORMATS if written[:2] != "MM"}


@dataclass(frozen=True, slots=True)
class Match:
    """Which of theirs is which of ours, and how sure that is, from 0 to 1."""

    ours: str
    theirs: str
    confidence: float


def words_of(name: str) -> list[str]:
    """The words of a name, however it joins them."""
    return [word.lower() for word in _WORD.findall(name)]


class _Name:
    """What two names are compared by; made once for each."""

    __slots__ = ("joined", "meaning", "particular", "thirds")

    def __init__(self, name: str) -> None:
        words = words_of(name)
        self.joined = "".join(words)
        self.meaning = frozenset(_STANDS_FOR.get(word, word) for word in words) - _FILLERS
        self.particular = self.meaning - _GENERAL
        self.thirds = frozenset(self.joined[place : place + 3] for place in range(max(1, len(self.joined) - 2)))


_name = lru_cache(maxsize=50_000)(_Name)


@lru_cache(maxsize=100_000)
def likeness_of_names(ours: str, theirs: str) -> float:
    """1 for the same name, nearly that for the same words, less for words that mean or look the same."""
    if ours == theirs:
        return 1.0
    left, right = _name(ours), _name(theirs)
    if not left.joined or not right.joined:
        return 0.0
    if left.joined == right.joined:
        return 0.97
    shared = max(_share(left.meaning, right.meaning), _share(left.particular, right.particular))
    if not shared and left.thirds.isdisjoint(right.thirds):
        return 0.0  # and not worth looking at letter by letter
    is_within = left.meaning <= right.meaning or right.meaning <= left.meaning
    if is_within and left.particular & right.particular:  # "date" within "updatedDate" says nothing
        shared = max(shared, _CONTAINED)
    looks = SequenceMatcher(None, left.joined, right.joined).ratio()
    return min(0.88, max(shared * 0.88, looks * 0.75, (shared + looks) / 2 * 0.9))


def _share(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / len(left | right) if left | right else 0.0


def kind_of_member(annotation: Any) -> str:
    """What a member of ours is: text, date, amount, flag, or rows."""
    for option in kind_of(annotation).options:
        if option is date:
            return "date"
        if option is Decimal:
            return "amount"
        if option is bool:
            return "flag"
        if get_origin(option) in (tuple, list) and isinstance(get_args(option)[0], type):
            return "rows"
    return "text"


def find_date_format(schema: Schema) -> str | None:
    """How a date is written there: "" as usual, a format that is known, or None where nothing says that it is one."""
    return _find_date_format(schema.type, schema.format, schema.pattern, schema.description, schema.example)


@lru_cache(maxsize=10_000)
def _find_date_format(kind: str, form: str, pattern: str, description: str, example: str) -> str | None:
    said = f"{form} {pattern} {description}"
    for written, spelled in _SPELLED_FORMATS.items():
        if spelled.search(said):
            return written
    shown = re.sub(r"\d", "0", example)
    if shown in _SHAPES and kind == "string":
        return _SHAPES[shown]
    is_usual = form.lower() in _ISO or "yyyy-mm-dd" in said.lower() or shown == "0000-00-00"
    return "" if is_usual or (r"\d{4}-\d{2}-\d{2}" in pattern and "T" not in pattern) else None


def fits(kind: str, schema: Schema) -> bool:
    """Whether a value of theirs can be what a member of ours is."""
    match kind:
        case "rows":
            return schema.type in ("array", "") and (schema.rows is None or bool(schema.rows.members))
        case "date":
            return schema.type in ("string", "integer", "")
        case "amount":
            is_plain = not schema.format and not schema.codes and find_date_format(schema) is None
            return schema.type in ("number", "integer", "") or (schema.type == "string" and is_plain)
        case "flag":
            return schema.type in ("boolean", "")
    return schema.type in ("string", "integer", "number", "")


def likeness_of_types(kind: str, schema: Schema) -> float:
    """How well a value of theirs suits a member of ours, from 0 to 1."""
    if not fits(kind, schema):
        return 0.0
    if kind == "date":
        return 1.0 if find_date_format(schema) is not None else 0.6
    if kind == "text":
        return 0.5 if find_date_format(schema) is not None or schema.type == "number" else 1.0
    return 1.0 if kind != "amount" or schema.type in ("number", "") else 0.8


def pair(
    ours: Sequence[Ours],
    theirs: Sequence[Theirs],
    score: Callable[[Ours, Theirs], float],
    names: tuple[Callable[[Ours], str], Callable[[Theirs], str]],
) -> list[Match]:
    """Each of ours with the one of theirs that it is most alike, each used once, the surest first.

    One with a rival that is nearly as good, on either side, is at most doubtful.
    """
    scores = {(left, right): score(own, other) for left, own in enumerate(ours) for right, other in enumerate(theirs)}
    ranked = sorted((scored for scored in scores.items() if scored[1] >= DOUBTFUL), key=lambda scored: -scored[1])
    used_left: set[int] = set()
    used_right: set[int] = set()
    found = []
    for (left, right), likeness in ranked:
        if left in used_left or right in used_right:
            continue
        rivals = [
            value
            for (own, other), value in scores.items()
            if (own == left) != (other == right) and own not in used_left and other not in used_right
        ]
        has_rival = likeness < SURE and max(rivals, default=0.0) > likeness - _MARGIN
        confidence = min(likeness, LIKELY - 0.01) if has_rival else likeness
        used_left.add(left)
        used_right.add(right)
        found.append(Match(names[0](ours[left]), names[1](theirs[right]), confidence))
    return found
