"""Which clients of a provider file are new, which are here, and which may be somebody who is here; and of those whom a
funder lists, who may be a client without an id.

Source: rule SYNC-16.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from carefund.domain.care_recipient.clients import is_care_recipient_id, may_be_born_alike, name_key
from carefund.records.models import Client, ClientMatch, SyncState

_LONGEST_NAME = 80


class Described(Protocol):
    """A client as a file or a list describes them; an empty care recipient id is not known yet."""

    @property
    def care_recipient_id(self) -> str: ...
    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def birth_date(self) -> date | None: ...
    @property
    def service_provider_id(self) -> str: ...


@dataclass(slots=True)
class Sorted:
    """New ones as unsaved clients, and possible matches as unsaved rows for a person to decide."""

    new: list[Client] = field(default_factory=list)
    matches: list[ClientMatch] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Person:
    """Somebody who is here, or in the file with an id: client 0. `is_open`: their id may still be learnt or changed."""

    client_id: int
    birth_date: date | None
    is_open: bool


def sort_clients(rows: Sequence[Described]) -> Sorted:
    """Compare a file with who is here: by care recipient id, then by name and birth date."""
    ids = set(Client.objects.filter(care_recipient_id__isnull=False).values_list("care_recipient_id", flat=True))
    unknown = [row for row in rows if row.care_recipient_id not in ids]
    found = Sorted()
    if not unknown:
        return found
    by_name = _index(unknown)
    refused = set(
        ClientMatch.objects.filter(verdict=ClientMatch.Verdict.OTHER).values_list("client_id", "care_recipient_id")
    )
    for row in unknown:
        alike = [
            person for person in by_name.get(_key(row), ()) if may_be_born_alike(person.birth_date, row.birth_date)
        ]
        if not row.care_recipient_id:
            if not alike:
                found.new.append(_client(row))
                by_name.setdefault(_key(row), []).append(_Person(0, row.birth_date, is_open=False))
            continue
        candidates = [
            person for person in alike if person.is_open and (person.client_id, row.care_recipient_id) not in refused
        ]
        found.matches += [_match(candidate.client_id, row) for candidate in candidates]
        if not candidates:
            found.new.append(_client(row))
    return found


def list_names_without_id() -> set[str]:
    """The names of those active clients whose care recipient id is not known."""
    without = Client.objects.filter(is_active=True, care_recipient_id__isnull=True)
    return {name_key(*names) for names in without.values_list("first_name", "last_name").iterator(5000)}


def propose_matches(listed: Sequence[Described]) -> int:
    """Propose people whom a list names to be clients without a care recipient id, for a person to say whether they are;
    return how many are new."""
    fits = [row for row in listed if is_care_recipient_id(row.care_recipient_id) and _fits(row)]
    matches = [match for match in sort_clients(fits).matches if match.client_id]
    known = set(ClientMatch.objects.values_list("client_id", "care_recipient_id")) if matches else set()
    new = [match for match in matches if (match.client_id, match.care_recipient_id) not in known]
    ClientMatch.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _fits(row: Described) -> bool:
    """Whether a name has room where it is kept."""
    return max(len(row.first_name), len(row.last_name)) <= _LONGEST_NAME


def _index(unknown: Iterable[Described]) -> dict[str, list[_Person]]:
    """Everybody here by name, and who comes in the file with an id."""
    settled = set(SyncState.objects.filter(version__gt=0).values_list("client_id", flat=True))
    by_name: dict[str, list[_Person]] = {}
    people = Client.objects.values_list("id", "first_name", "last_name", "birth_date", "care_recipient_id")
    for client_id, first_name, last_name, birth_date, care_recipient_id in people.iterator(5000):
        is_open = not care_recipient_id or client_id not in settled
        known = _Person(client_id, birth_date, is_open)
        by_name.setdefault(name_key(first_name, last_name), []).append(known)
    for row in unknown:
        if row.care_recipient_id:
            by_name.setdefault(_key(row), []).append(_Person(0, row.birth_date, is_open=False))
    return by_name


def _key(row: Described) -> str:
    return name_key(row.first_name, row.last_name)


def _client(row: Described) -> Client:
    return Client(
        care_recipient_id=row.care_recipient_id or None,
        first_name=row.first_name,
        last_name=row.last_name,
        birth_date=row.birth_date,
        service_provider_id=row.service_provider_id,
    )


def _match(client_id: int, row: Described) -> ClientMatch:
    return ClientMatch(
        client_id=client_id,
        care_recipient_id=row.care_recipient_id,
        first_name=row.first_name,
        last_name=row.last_name,
        birth_date=row.birth_date,
        service_provider_id=row.service_provider_id,
    )
