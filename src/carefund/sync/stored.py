"""Read what is stored of a batch of people, as far as comparing needs it; lock them first where they are written."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from carefund.domain.comparison import Stored
from carefund.domain.plans import Period, plan_period
from carefund.records import store
from carefund.records.models import Classification, Client, Plan, SyncState
from carefund.sync.deciding import StoredPerson, StoredPlan
from carefund.sync.fetching import Fetched
from carefund.sync.recordsets import RECORD_SETS


def lock_states(batch: Sequence[Fetched]) -> dict[int, tuple[int, datetime | None]]:
    """Each person's version and when the fetch last applied began, locked; made where there was none."""
    client_ids = sorted({fetched.client_id for fetched in batch})
    found = _lock(client_ids)
    if len(found) < len(client_ids):
        blank: list[tuple[Any, ...]] = [
            (client_id, 0, {}, {}, False, "", "", "") for client_id in client_ids if client_id not in found
        ]
        store.insert_unless_known(SyncState, _BLANK, blank)
        found = _lock(client_ids)
    return found


def _lock(client_ids: Sequence[int]) -> dict[int, tuple[int, datetime | None]]:
    rows = store.read(SyncState, ("client_id", "version", "fetch_started_at"), "client_id", client_ids, lock=True)
    return {client_id: (version, at) for client_id, version, at in rows}


_BLANK = ("client_id", "version", "digests", "row_counts", "consent_missing", "outcome", "error_code", "failed_step")


def read_states(batch: Sequence[Fetched]) -> dict[int, StoredPerson]:
    client_ids = sorted({fetched.client_id for fetched in batch})
    states = {client_id: state for client_id, *state in store.read(SyncState, _STATE, "client_id", client_ids)}
    providers = dict(store.read(Client, ("id", "service_provider_id"), "id", client_ids))
    plans: defaultdict[int, list[StoredPlan]] = defaultdict(list)
    ordered = sorted(
        store.read(Plan, _PLAN, "client_id", client_ids, also={"type": Plan.SUPPORT_AT_HOME}), key=_oldest_first
    )
    for client_id, plan_id, start, end, _ in ordered:
        plans[client_id].append(StoredPlan(plan_id, Period(start, end)))
    found = {}
    for client_id in client_ids:
        version, digests, row_counts, at, consent_missing = states.get(client_id) or (0, {}, {}, None, False)
        found[client_id] = StoredPerson(
            client_id, version, digests, at, consent_missing, providers[client_id], plans[client_id], row_counts
        )
    return found


def _oldest_first(plan: tuple[Any, ...]) -> tuple[bool, int]:
    _, plan_id, _, _, is_latest = plan
    return is_latest, plan_id


_PLAN = ("client_id", "id", "start_date", "end_date", "is_latest")
_STATE = ("client_id", "version", "digests", "row_counts", "fetch_started_at", "consent_missing")


def read_rows(people: Sequence[StoredPerson]) -> None:
    """Fill in the rows of those who were synced before; a first sync has none."""
    known = {person.client_id: person for person in people if person.digests}
    if not known:
        return
    returned = {client_id for client_id, person in known.items() if len(person.plans) > 1}
    for record_set in RECORD_SETS:
        rows: defaultdict[int, list[Stored]] = defaultdict(list)
        for row in store.read(record_set.model, record_set.read_columns, "client_id", known):
            stored = record_set.stored(row)
            rows[row[0]].append(stored)
            if row[0] in returned and not record_set.is_child:
                known[row[0]].plan_ids[record_set.kind][stored.id] = row[2]
        for client_id, person in known.items():
            person.rows[record_set.kind] = rows[client_id]


def find_misfiled(client_ids: Collection[int]) -> set[int]:
    """Who of these people has a plan whose dates are not those of the stored classifications, or several plans."""
    classifications: defaultdict[int, list[Period]] = defaultdict(list)
    plans: defaultdict[int, dict[int, Period]] = defaultdict(dict)
    for client_id, plan_id, begins, ends, start, end, gone in store.read(
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
