"""A description of what was seen in answers that holds no value of anybody, as a file that a person can read whole.

It begins with the interfaces file, so that the sandbox can be started from it, and adds for each type of answer what
its members are: kinds, classes of length, how often they are there, which come together, and the codes of those that
are codes. A code is left out if it is about a person, or occurs in a value that is none. Pure.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from carefund.funders.dialect import Interfaces, bind, find_ancestor
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.contracts import PAYLOADS
from carefund.funders.interfaces.file import as_text
from carefund.funders.interfaces.observed_members import (
    BLANK,
    DAY,
    INSTANT,
    LEFT_OUT,
    NULL,
    SeenPlace,
    find_written_date,
    is_name,
    walk,
)
from carefund.funders.interfaces.similarity import LIKELY, words_of
from carefund.funders.normalising import shape_of

_HEAD = """\
# How a funder's answers are written, as Carefund has seen them: names, kinds, lengths by class, and codes.
# It holds no value of a person. Read all of it before you share it.
"""
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_CODE_WORDS = {"status", "code", "type", "level", "category", "source", "priority", "determination", "reason", "unit"}
_PERSON_WORDS = {
    "gender", "sex", "title", "name", "recipient", "client", "participant", "person", "birth", "dob", "address",
    "street", "suburb", "postcode", "phone", "email", "language", "country", "reference", "id", "number",
}  # fmt: skip
_TEXT_WORDS = {"description", "text", "label"}
_PERSON_TYPES = {"CareRecipientSummary"}
_LENGTHS = ((4, "up to 4"), (10, "5 to 10"), (20, "11 to 20"), (40, "21 to 40"), (255, "41 to 255"))


@dataclass
class Words:
    """Every value that is no code: whole texts, and the words of those that may be about somebody."""

    texts: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def add(self, document: Any) -> None:
        """Take up all values of an answer."""
        for name, value in walk(document):
            if value is None or isinstance(value, bool) or _is_code_member(name):
                continue
            text = str(value).casefold().strip()
            self.texts.add(text)
            if not set(words_of(name)) & _TEXT_WORDS:
                self.words.update(re.findall(r"\w+", text))

    def may_say(self, code: str) -> bool:
        """Whether a code is nobody's."""
        folded = code.casefold()
        return folded not in self.texts and not set(re.findall(r"[^\W_]+", folded)) & self.words - {""}

    def may_name(self, name: str) -> bool:
        """Whether a member's name is no value, as it is in a table that is kept by somebody's id."""
        return is_name(name) and name.casefold() not in self.texts | self.words


def describe(examined: Sequence[tuple[Examination, Interfaces]], words: Words) -> str:
    """The whole file: what was seen of each interface, and what is said of it in an interfaces file."""
    known = {
        examination.contract.name: _with_lines(examination, interfaces, words) for examination, interfaces in examined
    }
    lines = [_HEAD + as_text(known)]
    for examination, _ in examined:
        for title, seen in sorted(examination.types.items()):
            lines += _describe_type(title, seen, _list_ours(examination, PAYLOADS[title], words), words)
    return "\n".join(lines) + "\n"


def _list_ours(examination: Examination, kind: type[Any], words: Words) -> dict[str, str]:
    """What members of theirs are in our type: those that are read, and those that were found since."""
    shape = shape_of(bind(kind, examination.dialect), examination.spellings, examination.dialect)
    found = {
        line.theirs: line.ours.partition(".")[2]
        for line in examination.lines
        if line.table == "members" and line.ours in _list_known(kind) and words.may_name(line.theirs)
    }
    return found | {name: member.name for member in shape.members for name in (member.wire_name, *member.other_names)}


def _with_lines(examination: Examination, interfaces: Interfaces, words: Words) -> Interfaces:
    """The interfaces file with what was found since and is likely."""
    dialect = interfaces.dialect
    members = dict(dialect.members)
    members |= {
        line.ours: line.theirs
        for line in sorted(examination.lines, key=lambda line: line.confidence)
        if line.table == "members" and line.confidence >= LIKELY and words.may_name(line.theirs)
    }
    envelopes = {
        operation: place
        for operation, place in examination.envelopes.items()
        if place != examination.contract.operations[operation].envelope
        if place and all(map(words.may_name, place.split(".")))
    }
    written = next((line.theirs for line in examination.lines if line.table == "dates"), dialect.date_format)
    found = replace(
        dialect,
        members=tuple(sorted(members.items())),
        envelopes=tuple(sorted({**envelopes, **dict(dialect.envelopes)}.items())),
        date_format=written,
    )
    return replace(interfaces, dialect=found)


def _list_known(kind: type[Any]) -> set[str]:
    return {find_ancestor(kind, name) for name in kind.__struct_fields__}


def _describe_type(title: str, seen: SeenPlace, ours: Mapping[str, str], words: Words) -> Iterator[str]:
    yield f"[seen.{title}]"
    names = {name: name if name in ours or words.may_name(name) else LEFT_OUT for name in seen.members}
    together = [[names[name] for name in group if names[name] != LEFT_OUT] for group in seen.list_companions()]
    groups = [group for group in together if len(group) > 1]
    if groups:
        yield f"together = {json.dumps(groups)}"
    yield f"\n[seen.{title}.members]"
    sometimes = set(seen.list_sometimes_absent())
    if LEFT_OUT in names.values():
        yield f'{json.dumps(LEFT_OUT, ensure_ascii=False)} = {{ kinds = ["member whose name is not given away"] }}'
    for name, inner in seen.members.items():
        if names[name] != LEFT_OUT:
            parts = _describe_member(title, name, ours.get(name, ""), inner, words)
            parts["present"] = "sometimes" if name in sometimes else "always"
            said = ", ".join(f"{part} = {json.dumps(value)}" for part, value in parts.items())
            yield f"{name if _BARE.fullmatch(name) else json.dumps(name)} = {{ {said} }}"
    yield ""


def _describe_member(title: str, name: str, ours: str, seen: SeenPlace, words: Words) -> dict[str, Any]:
    parts: dict[str, Any] = {"is": ours} if ours else {}
    parts["kinds"] = sorted(seen.kinds)
    written = find_written_date(name, seen)
    if written:
        parts["kinds"] = ["date", *(kind for kind in (NULL, BLANK) if kind in seen.kinds)]
        parts["format"] = written
    elif seen.lengths[1] and not {DAY, INSTANT} & seen.kinds.keys():
        parts["length"] = next((words for most, words in _LENGTHS if seen.lengths[1] <= most), "longer")
    is_about_person = title in _PERSON_TYPES or set(words_of(name)) & _PERSON_WORDS
    codes = [code for code in seen.codes if words.may_say(code)]
    return {**parts, "codes": codes} if codes and _is_code_member(name) and not is_about_person else parts


def _is_code_member(name: str) -> bool:
    return bool(set(words_of(name)[-1:]) & _CODE_WORDS)
