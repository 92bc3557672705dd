"""Descriptions compared on a page: what was found waits here, with its questions, for somebody to accept or discard it.

What is accepted becomes the interfaces file of this installation, which every process reads when it starts.
"""

import re
import tempfile
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
from django.conf import settings

from carefund.funders.dialect import Interfaces
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.interfaces.comparing import Remark, compare_descriptions, describe_operation, list_remarks
from carefund.funders.interfaces.contracts import CONTRACTS
from carefund.funders.interfaces.documents import WrongDescription
from carefund.funders.interfaces.file import SETTING, as_text, read_file, read_text
from carefund.funders.interfaces.file_lines import Line, add_lines, read_key
from carefund.funders.interfaces.operation_matching import FoundOperation
from carefund.funders.interfaces.proposing import Proposal, list_proposals, settle
from carefund.funders.interfaces.similarity import LIKELY
from carefund.records.ndis.queries import find_setting
from carefund.records.ndis.store import store_setting
from carefund.records.not_found import NotHere
from carefund.sync.trials import write_line

_KEY = "interfaces-compared"
_MOST_FILES = 40
_UNKEPT = re.compile(rb"\\u0000")


class NotAccepted(Exception):
    """The file that would come out is none that can be used; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class Question:
    """One doubtful spelling: a key for the form, the question, how sure it is, and whether it is likely."""

    key: str
    text: str
    confidence: float
    is_likely: bool


@dataclass(frozen=True, slots=True)
class OfferedLine:
    """A line of a trial's report: its words, the key by which it is taken ("" where only a person can complete it),
    and where a setting names the file), whether it is likely, and whether the file has it already."""

    text: str
    key: str
    is_likely: bool
    is_in_file: bool

    @property
    def is_offered(self) -> bool:
        """Whether it can be added to the file."""
        return bool(self.key) and not self.is_in_file


@dataclass(frozen=True, slots=True)
class ComparedDescriptions:
    """Descriptions that were compared and wait for a decision."""

    files: tuple[str, ...]
    found: tuple[FoundOperation, ...]

    @property
    def operations(self) -> list[tuple[str, bool, list[Remark]]]:
        """Each operation in a line, whether it is there, and what is to be said about it."""
        return [
            (describe_operation(found), found.described is not None, list(list_remarks(found))) for found in self.found
        ]

    @property
    def questions(self) -> list[Question]:
        """One for each spelling that is not sure."""
        return [
            Question(_key(proposal), proposal.question, proposal.confidence, proposal.is_likely)
            for proposal in list_proposals(self.found)
            if not proposal.is_sure
        ]


def list_base_urls() -> dict[str, str]:
    """Our address of each interface."""
    return {
        "services-australia": settings.SERVICES_AUSTRALIA.base_url,
        "ndia": settings.NDIA.base_url,
        "ndia-partner": settings.NDIA_PARTNER_URL,
    }


def list_interfaces() -> dict[str, Interfaces]:
    """What is said of each interface in the file that this process read when it started."""
    return {
        "services-australia": settings.SERVICES_AUSTRALIA.interfaces,
        "ndia": settings.NDIA.interfaces,
        "ndia-partner": settings.NDIA_PARTNER_INTERFACES,
    }


def summarise_interfaces() -> str:
    """How much the file in use says, in words; the NDIA's and a partner's are named only where it speaks of them."""
    first, *others = list_interfaces().items()
    said = [f"{CONTRACTS[name].label}: {found.summary}" for name, found in others if found != Interfaces()]
    return "; ".join([first[1].summary, *said])


def read_uploads(uploads: Sequence[tuple[str, bytes]]) -> ComparedDescriptions:
    """Compare descriptions, given by name and content, and keep what was found. Raises WrongDescription."""
    if len(uploads) > _MOST_FILES:
        raise WrongDescription(f"Upload {_MOST_FILES} files at most.")
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for name, content in uploads:
            path = Path(folder) / (Path(name.replace("\\", "/")).name or "description")
            if path.exists():
                raise WrongDescription(f"Two of the files are called {path.name}.")
            path.write_bytes(content)
            paths.append(path)
        found = compare_descriptions(paths, list_base_urls())
    light = tuple(map(_without_schemas, found))
    compared = ComparedDescriptions(tuple(path.name for path in paths), light)
    kept = msgspec.to_builtins(compared)
    if _UNKEPT.search(msgspec.json.encode(kept)):
        raise WrongDescription("These files have a character that cannot be stored.")
    store_setting(_KEY, kept)
    return compared


def _without_schemas(found: FoundOperation) -> FoundOperation:
    """What waits, without what was only needed to find it."""
    if found.described is None:
        return found
    return replace(found, described=replace(found.described, answer=None, body=None))


def find_compared() -> ComparedDescriptions | None:
    """What waits for a decision."""
    kept: Any = find_setting(_KEY)
    try:
        return msgspec.convert(kept, ComparedDescriptions) if kept else None
    except msgspec.ValidationError:  # of another version of Carefund: it is quickly made again
        return None


def discard_compared() -> None:
    """Forget what was found."""
    store_setting(_KEY, False)


def preview(compared: ComparedDescriptions, agreed: Collection[str]) -> tuple[str, tuple[str, ...]]:
    """The file that comes of these answers, and what stays open. Raises NotAccepted."""
    outcome = settle(list(compared.found), lambda proposal: _key(proposal) in agreed)
    return _judge(outcome.interfaces), outcome.open_points


def _judge(interfaces: Mapping[str, Interfaces]) -> str:
    """The text of a file that would be read again without a fault. Raises NotAccepted."""
    text = as_text(interfaces)
    try:
        read_text(text, "interfaces.toml")
    except NotConfigured as fault:
        raise NotAccepted(str(fault)) from None
    return text


def accept(compared: ComparedDescriptions, agreed: Collection[str]) -> Path:
    """Write the file, in place of one that was accepted before, which is kept beside it. Raises NotAccepted."""
    text, _ = preview(compared, agreed)
    discard_compared()  # before the file, which no rollback takes back
    return _write(text)


def _write(text: str) -> Path:
    path: Path = settings.ACCEPTED_INTERFACES_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists():
        path.replace(path.with_name("interfaces-before.toml"))
    new = path.with_suffix(".new")
    new.write_text(text, "utf-8")
    new.replace(path)
    return path


def is_set_elsewhere() -> bool:
    """Whether a setting names the file in use, so that an accepted one would not be used."""
    return settings.INTERFACES_FILE not in ("", str(settings.ACCEPTED_INTERFACES_FILE))


def waits_for_restart() -> bool:
    """Whether the file was accepted and differs from what this process read when it started."""
    try:
        found = _read_accepted()
    except NotConfigured:
        return True
    return any(found[name] != interfaces for name, interfaces in list_interfaces().items())


def _read_accepted() -> Mapping[str, Interfaces]:
    """What the next start will read. Raises NotConfigured."""
    path: Path = settings.ACCEPTED_INTERFACES_FILE
    return list_interfaces() if is_set_elsewhere() or not path.exists() else read_file(path)


def take_lines(keys: Collection[str]) -> Path:
    """Write the file with these lines of a trial in it; the one before is kept beside it. Raises NotAccepted."""
    lines = [line for line in map(read_key, keys) if line]
    if is_set_elsewhere():
        raise NotAccepted(f"{SETTING} names the file in use. Change the lines there.")
    try:
        known = _read_accepted()
    except NotConfigured as fault:
        raise NotAccepted(str(fault)) from None
    if not _list_new(lines):
        raise NotAccepted("Choose at least one line that is not in the file already.")
    return _write(_judge(add_lines(known, lines)))


def list_offers(report: Mapping[str, Any]) -> list[OfferedLine]:
    """The lines of a trial's report, for somebody to choose from."""
    listed = [(write_line(row), read_key(row.get("key", "")), row["sure"]) for row in report["lines"]]
    new = _list_new([line for _, line, _ in listed if line])
    is_fixed = is_set_elsewhere()
    return [
        OfferedLine(
            text, line.key if line and not is_fixed else "", sure >= LIKELY, line is not None and line not in new
        )
        for text, line, sure in listed
    ]


def _list_new(lines: Sequence[Line]) -> list[Line]:
    """The lines that the file does not have, also where it waits for a restart."""
    try:
        known = dict(_read_accepted())
    except NotConfigured:
        return list(lines)
    return [line for line in lines if add_lines(known, [line]) != known]


def require_compared() -> ComparedDescriptions:
    """What waits for a decision. Raises NotHere."""
    compared = find_compared()
    if compared is None:
        raise NotHere("No descriptions are waiting for a decision.")
    return compared


def _key(proposal: Proposal) -> str:
    return f"{proposal.interface}|{proposal.table}|{proposal.ours}|{proposal.theirs}"
