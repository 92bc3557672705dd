"""Lines of an interfaces file, as a trial proposes them: written, known by a key, added to what is there. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from carefund.funders.dialect import Dialect, Interfaces
from carefund.funders.services_australia.expected_answers import SERVICES_AUSTRALIA

UNKNOWN = "…"
_AMENDED = ("members", "codes", "signs", "dates", "envelopes")


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One line for the interfaces file: its table, our name, theirs, how sure that is, and of which interface."""

    table: str
    ours: str
    theirs: str
    confidence: float = 1.0
    interface: str = SERVICES_AUSTRALIA.name

    @property
    def text(self) -> str:
        """The line as it is written into the file."""
        kind, _, member = self.ours.rpartition(".")
        table = f"{self.table}.{kind}" if kind else self.table
        return f'[{self.interface}.{table}] {member} = "{self.theirs}"'

    @property
    def key(self) -> str:
        """What a form or a report knows the line by; "" where only a person can complete it."""
        is_whole = self.table in _AMENDED and self.theirs != UNKNOWN
        return f"{self.interface}|{self.table}|{self.ours}|{self.theirs}" if is_whole else ""


def read_key(key: str) -> Line | None:
    """The line that a key stands for; None where it is none."""
    parts = key.split("|", 3)
    line = Line(parts[1], parts[2], parts[3], interface=parts[0]) if len(parts) == 4 else None
    return line if line and line.key == key else None


def add_lines(known: Mapping[str, Interfaces], lines: Iterable[Line]) -> dict[str, Interfaces]:
    """What a file says with these lines in it, each in place of one about the same. Nothing is judged here."""
    said = dict(known)
    for line in lines:
        found = said.get(line.interface, Interfaces())
        said[line.interface] = replace(found, dialect=_with_line(found.dialect, line))
    return said


def _with_line(dialect: Dialect, line: Line) -> Dialect:
    match line.table:
        case "members":
            return replace(dialect, members=_put(dialect.members, line))
        case "envelopes":
            return replace(dialect, envelopes=_put(dialect.envelopes, line))
        case "dates":
            return replace(dialect, date_format=line.theirs)
        case "signs":
            turned = {*dialect.turned, line.ours} if line.theirs == "opposite" else {*dialect.turned} - {line.ours}
            return replace(dialect, turned=tuple(sorted(turned)))
        case "codes":
            member, _, ours = line.ours.rpartition(".")
            kept = {(name, code): said for name, said, code in dialect.codes if (name, said) != (member, line.theirs)}
            kept[member, ours] = line.theirs
            return replace(dialect, codes=tuple(sorted((name, said, code) for (name, code), said in kept.items())))
    return dialect


def _put(entries: tuple[tuple[str, str], ...], line: Line) -> tuple[tuple[str, str], ...]:
    return tuple(sorted({**dict(entries), line.ours: line.theirs}.items()))
