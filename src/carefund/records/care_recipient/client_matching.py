"""Which clients of a provider file are new, which are here, and which may be somebody who is here; and of those whom a
funder lists, who may be a client without an id.

Source: rule SYNC-16.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from typing import Protocol

from carefund.domain.care_recipient.clients import is_care_recipient_id, may_be_born_alike, name_key
from carefund.records.models import Client, ClientMatch, SyncState

MOST_CANDIDATES = 20  # for one row of a file: of more of one name, nobody could say who it is
_LONGEST_NAME = 80
_SHOWN = ("first_name", "last_name", "birth_date", "care_recipient_id")


class Named(Protocol):
    """Somebody with a name, and perhaps a birth date."""

    @property
    def first_name(self) -> str: ...
    @property
    def last_name(self) -> str: ...
    @property
    def birth_date(self) -> date | None: ...


class Described(Named, Protocol):
    """A client as a file or a list describes them; an empty care recipient id is not known yet."""

    @property
    def care_recipient_id(self) -> str: ...
    @property
    def service_provider_id(self) -> str: ...


@dataclass(slots=True)
class Sorted:
    """New ones as unsaved clients, and possible matches as unsaved rows for a person to decide. `alike`: rows without
    an id who have the name of somebody, each with the clients who are here."""

    new: list[Client] = field(default_factory=list)
    matches: list[ClientMatch] = field(default_factory=list)
    alike: list[tuple[Described, list[int]]] = field(default_factory=list)


class _ByName:
    """Clients by name and then birth date, so that many of one name cost no more than others; somebody who is in the
    file alone is client 0."""

    def __init__(self) -> None:
        self._found: dict[str, dict[date | None, list[int]]] = {}

    def add(self, row: Named, client_id: int) -> None:
        """Add somebody."""
        key = name_key(row.first_name, row.last_name)
        self._found.setdefault(key, {}).setdefault(row.birth_date, []).append(client_id)

    def list_alike(self, row: Named) -> Iterator[int]:
        """Yield those of this name whose birth date may be this one."""
        born = self._found.get(name_key(row.first_name, row.last_name), {})
        for birth_date in born if row.birth_date is None else {row.birth_date: 0, None: 0}:
            if may_be_born_alike(birth_date, row.birth_date):
                yield from born.get(birth_date, ())


def sort_clients(rows: Sequence[Described]) -> Sorted:
    """Compare a file with who is here: by care recipient id, then by name and birth date."""
    ids = set(Client.objects.filter(care_recipient_id__isnull=False).values_list("care_recipient_id", flat=True))
    unknown = [row for row in rows if row.care_recipient_id not in ids]
    found = Sorted()
    if not unknown:
        return found
    everybody, changeable = _index(unknown)
    refused = set(
        ClientMatch.objects.filter(verdict=ClientMatch.Verdict.OTHER).values_list("client_id", "care_recipient_id")
    )
    for row in unknown:
        if not row.care_recipient_id:
            alike = list(islice(everybody.list_alike(row), MOST_CANDIDATES))
            if alike:
                found.alike.append((row, [client_id for client_id in alike if client_id]))
            else:
                found.new.append(_client(row))
                everybody.add(row, 0)
            continue
        candidates = (
            client_id for client_id in changeable.list_alike(row) if (client_id, row.care_recipient_id) not in refused
        )
        matches = [_match(client_id, row) for client_id in islice(candidates, MOST_CANDIDATES)]
        found.matches += matches
        if not matches:
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


def _index(unknown: Iterable[Described]) -> tuple[_ByName, _ByName]:
    """Everybody here, and who comes in the file with an id; and those here whose id may still be learnt or changed."""
    settled = set(SyncState.objects.filter(version__gt=0).values_list("client_id", flat=True))
    everybody, changeable = _ByName(), _ByName()
    for client in Client.objects.only(*_SHOWN).order_by("id").iterator(5000):
        everybody.add(client, client.pk)
        if not client.care_recipient_id or client.pk not in settled:
            changeable.add(client, client.pk)
    for row in unknown:
        if row.care_recipient_id:
            everybody.add(row, 0)
    return everybody, changeable


def _client(row: Described) -> Client:
    return Client(
        care_recipient_id=row.care_recipient_id or None,
        first_name=row.first_name,
        last_name=row.last_name,
        birth_date=row.birth_date,
        service_provider_id=row.service_provider_id,
        external_reference_id=getattr(row, "external_reference_id", ""),
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
