"""What is stored of a batch of people, as far as comparing needs it; locked first where it will be written."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from carefund.domain.care_recipient.identity import PersonDetails
from carefund.domain.care_recipient.plans import plan_period
from carefund.domain.comparison import Stored
from carefund.domain.periods import Period
from carefund.records import synced_tables
from carefund.records.care_recipient.identities import read_identities
from carefund.records.models import Classification, Client, Plan, SyncState
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import COLUMNS, LastApplied, find_last_applied
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet

Rows = Mapping[str, Sequence[Stored]]


@dataclass(frozen=True, slots=True)
class StoredPlan:
    id: int
    period: Period


@dataclass(frozen=True, slots=True)
class StoredRecords:
    """One person's plans, oldest first, and rows per kind; `plan_ids` says per kind on which plan a row hangs, for
    whoever has several. `identity` is who the funder said they are, None as long as that was never read."""

    plans: Sequence[StoredPlan] = ()
    rows: Rows = field(default_factory=dict)
    plan_ids: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    identity: PersonDetails | None = None

    @property
    def latest_plan(self) -> StoredPlan | None:
        return self.plans[-1] if self.plans else None


@dataclass(frozen=True, slots=True)
class StoredPerson:
    """One person as stored: what was last applied, and the records, None where nothing must be compared with them."""

    client_id: int
    known: LastApplied
    fetch_started_at: datetime | None = None
    records: StoredRecords | None = None

    def is_read_otherwise(self, reader: str) -> bool:
        """Whether there are answers that were read otherwise than by this reader."""
        return self.known.version > 0 and self.known.reader != reader


def read_people(batch: Sequence[Fetched], *, lock: bool = False) -> dict[int, StoredPerson]:
    """What is stored of the people of a batch. With `lock` nobody else writes them until the transaction ends."""
    client_ids = sorted({fetched.client_id for fetched in batch})
    states = _lock_states(client_ids) if lock else _read_states(client_ids)
    known = _find_last_applied(batch, states)
    misfiled = find_misfiled([client_id for client_id in client_ids if known[client_id].version])
    people = {}
    compared = []
    for fetched in batch:
        client_id = fetched.client_id
        _, _, started_at = states.get(client_id, _NO_STATE)
        people[client_id] = person = StoredPerson(client_id, known[client_id], started_at, None)
        if client_id in misfiled or person.known.find_news(fetched.digests, fetched.reader):
            compared.append(person)
    records = _read_records([person.client_id for person in compared if person.known.version])
    for person in compared:
        people[person.client_id] = replace(person, records=records.get(person.client_id, StoredRecords()))
    return people


_State = tuple[int, str, datetime | None]
_NO_STATE: _State = (0, "", None)


def _read_states(client_ids: Sequence[int], *, lock: bool = False) -> dict[int, _State]:
    """Each person's version, the reader of it, and when the fetch last applied began."""
    columns = ("client_id", "version", "reader", "fetch_started_at")
    rows = synced_tables.read(SyncState, columns, "client_id", client_ids, lock=lock)
    return {client_id: (version, reader, at) for client_id, version, reader, at in rows}


def _lock_states(client_ids: Sequence[int]) -> dict[int, _State]:
    """The same, locked in order of their number; made where there was none."""
    found = _read_states(client_ids, lock=True)
    if len(found) < len(client_ids):
        blank: list[tuple[Any, ...]] = [
            (client_id, 0, {}, {}, "", 0, False, {}, None, "", "", "")
            for client_id in client_ids
            if client_id not in found
        ]
        synced_tables.plan_by_index()
        synced_tables.insert_new(SyncState, _BLANK, blank)
        found = _read_states(client_ids, lock=True)
    return found


_BLANK = ("client_id", *COLUMNS, "outcome", "error_code", "failed_step")


def _find_last_applied(batch: Sequence[Fetched], states: Mapping[int, _State]) -> dict[int, LastApplied]:
    """What was last applied: mostly what was known before asking, else read again."""
    known = {}
    for fetched in batch:
        version, reader, _ = states.get(fetched.client_id, _NO_STATE)
        was = fetched.known
        if was is not None and was.version == version and was.reader == reader:
            known[fetched.client_id] = was
    moved = [fetched.client_id for fetched in batch if fetched.client_id not in known]
    known |= find_last_applied([client_id for client_id in moved if states.get(client_id, _NO_STATE)[0]])
    new = [client_id for client_id in moved if client_id not in known]
    providers = synced_tables.read(Client, ("id", "service_provider_id"), "id", new)
    return known | {client_id: LastApplied(service_provider_id=provider_id) for client_id, provider_id in providers}


def _read_records(client_ids: Sequence[int]) -> dict[int, StoredRecords]:
    """Plans and rows of people who were synchronised before."""
    plans = _read_plans(client_ids)
    returned = {client_id for client_id, own in plans.items() if len(own) > 1}
    rows: defaultdict[int, dict[str, list[Stored]]] = defaultdict(dict)
    plan_ids: defaultdict[int, defaultdict[str, dict[int, int]]] = defaultdict(lambda: defaultdict(dict))
    for record_set in RECORD_SETS:
        for row in synced_tables.read(record_set.model, record_set.read_columns, "client_id", client_ids):
            client_id, stored = row[0], record_set.stored(row)
            rows[client_id].setdefault(record_set.kind, []).append(stored)
            if client_id in returned and not record_set.is_child:
                plan_ids[client_id][record_set.kind][stored.id] = row[2]
    identities = read_identities(client_ids)
    return {
        client_id: StoredRecords(plans[client_id], rows[client_id], plan_ids[client_id], identities.get(client_id))
        for client_id in client_ids
    }


def _read_plans(client_ids: Sequence[int]) -> defaultdict[int, list[StoredPlan]]:
    """Each person's plans, oldest first."""
    columns = ("client_id", "id", "start_date", "end_date", "is_latest")
    rows = synced_tables.read(Plan, columns, "client_id", client_ids, also={"type": Plan.SUPPORT_AT_HOME})
    plans: defaultdict[int, list[StoredPlan]] = defaultdict(list)
    for client_id, plan_id, start, end, _ in sorted(rows, key=lambda row: (row[4], row[1])):
        plans[client_id].append(StoredPlan(plan_id, Period(start, end)))
    return plans


def find_misfiled(client_ids: Collection[int]) -> set[int]:
    """Who of these people has a plan whose dates are not those of the stored classifications, or several plans."""
    classifications: defaultdict[int, list[Period]] = defaultdict(list)
    plans: defaultdict[int, dict[int, Period]] = defaultdict(dict)
    for client_id, plan_id, begins, ends, start, end, gone in synced_tables.read(
        Classification, _DATED, "client_id", client_ids
    ):
        plans[client_id][plan_id] = Period(begins, ends)
        if gone is None:
            classifications[client_id].append(Period(start, end))
    return {
        client_id
        for client_id, found in plans.items()
        if len(found) > 1 or plan_period(classifications[client_id]) not in (None, *found.values())
    }


_DATED = (
    "client_id",
    "plan_id",
    "plan__start_date",
    "plan__end_date",
    "start_date",
    "end_date",
    "no_longer_returned_date",
)


def count_stored(kind: RecordSet, client_id: int) -> int:
    """How many records of a kind are stored of somebody."""
    return kind.model._default_manager.filter(client_id=client_id).count()
