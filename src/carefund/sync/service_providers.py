"""Sync Service Providers: which service provider ids this organisation has, and which of them each client belongs to.

Where an id is known, one paged call tells about everybody under it; only clients whom no page names are asked about one
by one, few at first, since a single one usually gives away the id of thousands. Nothing is stored until all has been
fetched. Source: rule SYNC-09.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Protocol

from django.db import transaction
from django.db.models import Q

from carefund.domain.service_providers import is_valid_service_provider_id, newest_service_provider_id
from carefund.funders.answers import FunderAnswer
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.answers import ImpossibleValue, WrongType
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.payloads import Budget
from carefund.funders.unreadable import UnreadableRow
from carefund.records import synced_tables
from carefund.records.care_management.store import ProviderChanges, store_providers, store_settings
from carefund.records.models import Change, Client, ServiceProvider

_FIRST_BATCH = 4
_LARGEST_BATCH = 256


class BudgetSource(Protocol):
    """What finding ids asks of the funder's client."""

    async def fetch_budget_summary(
        self, service_provider_id: str
    ) -> FunderAnswer[Sequence[Budget | UnreadableRow]]: ...

    async def fetch_budgets(self, care_recipient_id: str) -> FunderAnswer[Sequence[Budget]]: ...


@dataclass(slots=True)
class FoundProviders:
    """What the funder's answers say: ids per care recipient, and what could not be asked.

    `refused_ids` are ids that Services Australia would not tell about; `unread` are people of whom a list has a budget
    that cannot be read, so that they are asked about alone; `failed` counts clients whose call failed. It
    fills up while the funder is asked, so it also says how far that is: `people` are to be accounted for, `left` are
    not yet.
    """

    started_at: datetime
    today: date
    budgets: dict[str, list[tuple[date | None, str]]] = field(default_factory=dict)
    malformed: int = 0
    refused_ids: list[str] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    failed: int = 0
    calls: int = 0
    people: int = 0
    left: int = 0

    @property
    def service_provider_ids(self) -> list[str]:
        """The distinct valid ids, in order."""
        return sorted(
            {
                provider_id
                for rows in self.budgets.values()
                for _, provider_id in rows
                if is_valid_service_provider_id(provider_id)
            }
        )

    @property
    def is_complete(self) -> bool:
        """Whether everybody was heard about: those under a refused id were asked about one by one."""
        return not self.failed


@dataclass(frozen=True, slots=True)
class ProviderSyncResult:
    """What a sync of service providers found and changed."""

    service_provider_ids: tuple[str, ...]
    changes: ProviderChanges
    clients_updated: int
    clients_with_id: int
    malformed: int
    refused_ids: tuple[str, ...]
    failed: int
    calls: int


def list_stored_ids() -> list[str]:
    """The valid ids that our own records name already."""
    ours = set(ServiceProvider.objects.values_list("service_provider_id", flat=True))
    ours |= set(Client.objects.exclude(service_provider_id="").values_list("service_provider_id", flat=True).distinct())
    return sorted(our for our in ours if is_valid_service_provider_id(our))


def list_care_recipient_ids() -> list[str]:
    """Everybody active whom Services Australia can be asked about."""
    ids = Client.objects.filter(is_active=True, care_recipient_id__isnull=False).order_by("id")
    return [
        care_recipient_id for care_recipient_id in ids.values_list("care_recipient_id", flat=True) if care_recipient_id
    ]


async def find_providers(
    source: BudgetSource, known_ids: Iterable[str], care_recipient_ids: Sequence[str], found: FoundProviders
) -> None:
    """Ask by id where ids are known, and by person for those whom no id accounts for, and fill `found`.

    Raises FunderError when nobody could be asked at all; single refusals and failures are counted.
    """
    waiting, asked = dict.fromkeys(care_recipient_ids), set[str]()
    to_ask = list(dict.fromkeys(known_ids))
    batch = _FIRST_BATCH
    found.people = found.left = len(waiting)
    while to_ask or waiting:
        if to_ask:
            asked |= set(to_ask)
            await asyncio.gather(*(_ask_about_provider(source, found, provider_id) for provider_id in to_ask))
            for person in found.budgets.keys() - found.unread:
                waiting.pop(person, None)
        else:
            people = list(waiting)[:batch]
            await _ask_about_people(source, found, people)
            for person in people:
                waiting.pop(person)
            batch = min(batch * 4, _LARGEST_BATCH)
        found.left = len(waiting)
        to_ask = [provider_id for provider_id in found.service_provider_ids if provider_id not in asked]


async def _ask_about_provider(source: BudgetSource, found: FoundProviders, service_provider_id: str) -> None:
    found.calls += 1
    try:
        answer = await source.fetch_budget_summary(service_provider_id)
    except (NotPermitted, RequestRejected):
        found.refused_ids.append(service_provider_id)
        return
    except (ImpossibleValue, WrongType):
        return  # nothing of it can be read: people are asked about one by one
    unread = {row.care_recipient_id for row in answer.value if isinstance(row, UnreadableRow)}
    rows = [row for row in answer.value if not isinstance(row, UnreadableRow)]
    _note(found, [row for row in rows if row.care_recipient_id not in unread])
    found.unread |= unread


async def _ask_about_people(source: BudgetSource, found: FoundProviders, people: Sequence[str]) -> None:
    """One call each. Some may fail; if all do, the first failure is raised."""
    found.calls += len(people)
    answers = await asyncio.gather(*(source.fetch_budgets(person) for person in people), return_exceptions=True)
    failures = [answer for answer in answers if isinstance(answer, BaseException)]
    unexpected = [failure for failure in failures if not isinstance(failure, FunderError)]
    if unexpected or (len(failures) == len(people) and not found.budgets):
        raise (unexpected or failures)[0]
    found.failed += len(failures)
    for person, answer in zip(people, answers, strict=True):
        if isinstance(answer, BaseException):
            found.budgets.pop(person, None)  # of an unread person, other lists may have said a part
        else:
            _note(found, answer.value, person)


def _note(found: FoundProviders, rows: Sequence[Budget], person: str = "") -> None:
    for row in rows:
        care_recipient_id = row.care_recipient_id or person
        if row.service_provider_id and not is_valid_service_provider_id(row.service_provider_id):
            found.malformed += 1
        elif row.service_provider_id and care_recipient_id:
            found.budgets.setdefault(care_recipient_id, []).append((row.start_date, row.service_provider_id))


def begin_search(today: date) -> FoundProviders:
    """Nothing found yet, as of now."""
    return FoundProviders(datetime.now(UTC), today)


def apply_providers(found: FoundProviders) -> ProviderSyncResult:
    """Store the distinct ids and each client's own, all of it or nothing.

    A client whose funding was fetched after this began keeps what that fetch said.
    """
    wanted = {person: newest_service_provider_id(rows, found.today) for person, rows in found.budgets.items()}
    ids = tuple(found.service_provider_ids)
    with transaction.atomic():
        changes = store_providers(ids, found.started_at, found.today, is_complete=found.is_complete)
        updated, with_id = _update_clients(wanted, found.started_at)
        store_settings(providers_synced_at=found.started_at)
    return ProviderSyncResult(
        ids,
        changes,
        updated,
        with_id,
        found.malformed,
        tuple(sorted(found.refused_ids)),
        found.failed,
        found.calls,
    )


def _update_clients(wanted: dict[str, str], started_at: datetime) -> tuple[int, int]:
    """Each client's newest id, with a line in the change log; gives how many changed, and for how many one was found.

    The answers about an id also name people who are no clients here; they do not count.
    """
    older = Q(sync_state__isnull=True) | Q(sync_state__fetch_started_at__isnull=True)
    clients = Client.objects.filter(older | Q(sync_state__fetch_started_at__lte=started_at)).order_by("id")
    changed, with_id = [], 0
    for client in clients.filter(care_recipient_id__isnull=False).only(
        "id", "care_recipient_id", "service_provider_id"
    ):
        provider_id = wanted.get(client.care_recipient_id or "", "")
        with_id += bool(provider_id)
        if provider_id and provider_id != client.service_provider_id:
            changed.append((client, client.service_provider_id, provider_id))
    synced_tables.update(Client, ("service_provider_id",), [(after, client.pk) for client, _, after in changed])
    synced_tables.insert(
        Change,
        ("client_id", "kind", "action", "key", "field", "before", "after", "fetched_at"),
        [
            (client.pk, "client", Change.CHANGED, (), "service_provider_id", before or None, after, started_at)
            for client, before, after in changed
        ],
    )
    return len(changed), with_id
