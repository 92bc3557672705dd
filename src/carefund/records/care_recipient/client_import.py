"""Bringing in clients from a file: what it would add, where it differs from who is here, what stands against it, and
the writing, all or nothing.

A client is known by Care Recipient ID or external reference, then by name and date of birth. Who is here changes only
in the fields that a person chose. Source: rule SYNC-16.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from carefund.domain.care_recipient.client_file import FIELDS, REQUIRED, FileRow, read_client_file
from carefund.domain.csv_tables import RowProblems, UnreadableFile
from carefund.records.care_recipient.client_matching import sort_clients
from carefund.records.care_recipient.clients import CannotEdit, add_clients, edit_clients
from carefund.records.models import Client, ClientMatch, ServiceProvider
from carefund.records.provider_file import add_service_providers

LARGEST_FILE = 16 * 1024 * 1024
_COLUMNS = ("pk", *FIELDS)


class NotImported(Exception):
    """The file cannot be imported as it is, or as it was shown; nothing was stored."""


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """One field in which a file differs from a client who is here; None: not known."""

    line: int
    client_id: int
    field: str
    before: Any
    after: Any


@dataclass(slots=True)
class ClientImport(RowProblems):
    """What a file would add and change. Nothing may be stored while `problem_count` is not 0.

    `matches` wait for a person: an unknown Care Recipient ID beside the name of somebody who is here. `alike` are left
    out: rows without a Care Recipient ID, with the name and perhaps the date of birth of somebody else.
    """

    new: list[Client] = field(default_factory=list)
    differences: dict[str, list[FieldDifference]] = field(default_factory=dict)
    matches: list[ClientMatch] = field(default_factory=list)
    alike: list[FileRow] = field(default_factory=list)
    same_count: int = 0
    new_branches: list[str] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        """A digest of what a person was shown, by which the import knows whether it still holds."""
        changes = [(row.client_id, row.field, row.before, row.after) for row in self.list_differences(FIELDS)]
        new = [[getattr(client, name) for name in FIELDS] for client in self.new]
        matches = [(match.client_id, match.care_recipient_id) for match in self.matches]
        return sha256(repr((changes, new, matches)).encode()).hexdigest()

    def list_differences(self, fields: Iterable[str]) -> Iterator[FieldDifference]:
        """Yield where these fields differ."""
        for name in fields:
            yield from self.differences.get(name, ())


@dataclass(frozen=True, slots=True)
class Imported:
    """How much an import did."""

    new: int
    changed: int
    to_confirm: int


@dataclass(slots=True)
class _Here:
    """Somebody who is here; `line`: the row of the file that is theirs."""

    client_id: int
    values: dict[str, Any]
    line: int = 0


def plan_clients(content: bytes, today: date) -> ClientImport:
    """Compare a file with who is here. Writes nothing. Raises UnreadableFile."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile("The file is larger than 16 MB. Split it into smaller files.")
    file = read_client_file(content, today)
    plan = ClientImport(problems=file.problems, problem_count=file.problem_count)
    by_key, people = _read_people()
    unknown: list[FileRow] = []
    for row in file.rows:
        here = _find(plan, row, by_key)
        if isinstance(here, _Here):
            _compare(plan, row, here)
        elif here is None and _is_complete(plan, row):
            unknown.append(row)
    _sort_unknown(plan, unknown, people)
    named = {row.service_provider_id for row in file.rows if row.service_provider_id}
    plan.new_branches = sorted(named - set(ServiceProvider.objects.values_list("service_provider_id", flat=True)))
    return plan


def store_clients(plan: ClientImport, fields: Sequence[str], *, made_by: str, user: User | None = None) -> Imported:
    """Add who is new and change these fields of who is here, all or nothing. Raises NotImported."""
    if not plan.is_loadable:
        raise NotImported("Some rows have problems. Nothing was imported.")
    edits: dict[int, dict[str, Any]] = {}
    for row in plan.list_differences(fields):
        edits.setdefault(row.client_id, {})[row.field] = row.after
    branches = {client.service_provider_id for client in plan.new}
    branches |= {row.after for row in plan.list_differences({"service_provider_id"} & set(fields))}
    try:
        with transaction.atomic():
            add_service_providers(dict.fromkeys(sorted(branches & set(plan.new_branches)), ""))
            add_clients(plan.new, made_by=made_by, user=user)
            ClientMatch.objects.bulk_create(plan.matches, ignore_conflicts=True, batch_size=1000)
            changed = edit_clients(edits, made_by=made_by)
    except (IntegrityError, CannotEdit):
        raise NotImported("Clients have changed since the preview. Preview the import again.") from None
    return Imported(len(plan.new), len(changed), len({match.care_recipient_id for match in plan.matches}))


def _read_people() -> tuple[dict[tuple[str, str], _Here], dict[int, _Here]]:
    """Everybody who is here, by Care Recipient ID and external reference, and by number."""
    by_key: dict[tuple[str, str], _Here] = {}
    people: dict[int, _Here] = {}
    for number, *values in Client.objects.order_by().values_list(*_COLUMNS).iterator(5000):
        here = people[number] = _Here(number, dict(zip(FIELDS, values, strict=True)))
        for name in ("care_recipient_id", "external_reference_id"):
            if here.values[name]:
                by_key[name, here.values[name]] = here
    return by_key, people


def _find(plan: ClientImport, row: FileRow, by_key: dict[tuple[str, str], _Here]) -> _Here | bool | None:
    """Whom a row means; None: nobody who is known by a key; False: it contradicts itself."""
    by_id = by_key.get(("care_recipient_id", row.care_recipient_id))
    by_reference = by_key.get(("external_reference_id", row.external_reference_id))
    if by_id and by_reference and by_id is not by_reference:
        plan.complain(row.line, "external_reference_id", "is that of a client with another Care Recipient ID")
        return False
    here = by_id or by_reference
    if here is None:
        return None
    known_id = here.values["care_recipient_id"]
    if row.care_recipient_id and known_id and row.care_recipient_id != known_id:
        plan.complain(row.line, "care_recipient_id", "is not that of the client with this reference")
        return False
    if here.line:
        plan.complain(row.line, "care_recipient_id", f"is of the same client as line {here.line}")
        return False
    return here


def _compare(plan: ClientImport, row: FileRow, here: _Here) -> None:
    """Note in what a row differs from a client; what it does not give does not differ."""
    here.line = row.line
    is_same = True
    for name in FIELDS:
        before, after = here.values[name] or None, getattr(row, name)
        if after and after != before:
            is_same = False
            plan.differences.setdefault(name, []).append(FieldDifference(row.line, here.client_id, name, before, after))
    plan.same_count += is_same


def _is_complete(plan: ClientImport, row: FileRow) -> bool:
    missing = [name for name in REQUIRED if not getattr(row, name)]
    for name in missing:
        plan.complain(row.line, name, "is missing. A new client needs it")
    return not missing


def _sort_unknown(plan: ClientImport, rows: Sequence[FileRow], people: dict[int, _Here]) -> None:
    """Sort the rows whom no key names: new ones, those for a person to confirm, and those like somebody else."""
    found = sort_clients(rows)
    plan.new, plan.matches = found.new, found.matches
    lines = {id(row): row for row in rows}
    for described, alike in found.alike:
        row = lines[id(described)]
        here = people[alike[0]] if len(alike) == 1 else None
        has_other = here is not None and here.values["external_reference_id"] and row.external_reference_id
        if here is None or here.line or has_other:
            plan.alike.append(row)
        else:
            _compare(plan, row, here)
