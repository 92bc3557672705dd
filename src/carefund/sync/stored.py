"""Read what is stored of a batch of people, as far as comparing needs it; lock them first where they are written."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from carefund.domain.comparison import Stored
from carefund.domain.plans import Period
from carefund.records import store
from carefund.records.models import Client, Plan, SyncState
from carefund.sync.deciding import StoredPerson, StoredPlan
from carefund.sync.fetching import Fetched
from carefund.sync.recordsets import CLASSIFICATIONS, RECORD_SETS


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
    plan_columns = ("client_id", "id", "start_date", "end_date", "is_latest")
    plans = {
        client_id: StoredPlan(plan_id, Period(start, end))
        for client_id, plan_id, start, end, is_latest in store.read(
            Plan, plan_columns, "client_id", client_ids, also={"type": Plan.SUPPORT_AT_HOME}
        )
        if is_latest
    }
    found = {}
    for client_id in client_ids:
        version, digests, row_counts, at, consent_missing = states.get(client_id) or (0, {}, {}, None, False)
        found[client_id] = StoredPerson(
            client_id, version, digests, at, consent_missing, providers[client_id], plans.get(client_id), row_counts
        )
    return found


_STATE = ("client_id", "version", "digests", "row_counts", "fetch_started_at", "consent_missing")


def read_rows(people: Sequence[StoredPerson]) -> None:
    """Fill in the rows of those who were synced before; a first sync has none."""
    known = {person.client_id: person for person in people if person.digests}
    if not known:
        return
    for record_set in RECORD_SETS:
        rows: defaultdict[int, list[Stored]] = defaultdict(list)
        ended: defaultdict[int, set[int]] = defaultdict(set)
        for row in store.read(record_set.model, record_set.read_columns, "client_id", known):
            stored = record_set.stored(row)
            rows[row[0]].append(stored)
            if record_set is CLASSIFICATIONS and _hangs_on_ended_plan(known[row[0]], row[2]):
                ended[row[0]].add(stored.id)
        for client_id, person in known.items():
            person.rows[record_set.kind] = rows[client_id]
            if record_set is CLASSIFICATIONS:
                person.rows_of_ended_plans = frozenset(ended[client_id])


def _hangs_on_ended_plan(person: StoredPerson, plan_id: int) -> bool:
    return person.latest_plan is not None and plan_id != person.latest_plan.id
