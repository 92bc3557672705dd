"""Apply: read what is stored, decide, and write the differences of a batch of people in one transaction.

A fetch that began earlier than the one last applied is told as superseded and writes nothing, so an older answer never
overwrites a newer one. People are locked in order of their number, so that two batches cannot deadlock.
"""

from collections.abc import Callable, Container, Sequence
from datetime import UTC, date, datetime
from typing import Any

from django.db import transaction
from django.db.models import OuterRef, Subquery

from carefund.domain.comparison import Incoming, New
from carefund.records import store
from carefund.records.archive import record_answers
from carefund.records.models import (
    BudgetUsage,
    Change,
    Client,
    InvoiceLineItem,
    PlanBudget,
    SyncState,
)
from carefund.sync.deciding import (
    Decision,
    StoredPerson,
    decide,
    service_provider_of,
    unchanged_result,
)
from carefund.sync.fetching import Fetched
from carefund.sync.plans import PlanIds, move_rows, write_plans
from carefund.sync.received import changed_answers
from carefund.sync.recordsets import INDIVIDUAL_CONTRIBUTIONS, RECORD_SETS, RecordSet
from carefund.sync.results import Outcome, SyncResult
from carefund.sync.stored import find_misfiled, lock_states, read_rows, read_states

_LINKED_AT_ONCE = 1000
Applied = Callable[[Sequence[SyncResult]], None]


class DataMoved(Exception):
    """What was reviewed is no longer what is stored, so it was not applied."""


def apply_fetched(
    batch: Sequence[Fetched],
    today: date,
    *,
    on_applied: Applied | None = None,
    expected_version: int | None = None,
) -> list[SyncResult]:
    """Write what a batch of fetches changed, all of it or nothing, and tell what came of each person.

    `on_applied` runs inside the transaction, so that a ledger says "done" exactly when the rows say so. With
    `expected_version` (for a batch of one) raises DataMoved if something was applied since it was read.
    """
    with transaction.atomic():
        versions = lock_states(batch)
        if expected_version is not None and any(version != expected_version for version, _ in versions.values()):
            raise DataMoved
        misfiled = find_misfiled(versions)
        same = [
            fetched
            for fetched in batch
            if fetched.client_id not in misfiled and _is_same(fetched, *versions[fetched.client_id], today)
        ]
        results = {fetched.client_id: _unchanged(fetched) for fetched in same}
        now = datetime.now(UTC)
        if len(same) < len(batch):
            rest = [fetched for fetched in batch if fetched.client_id not in results]
            decisions, decided = _decide_batch(rest, read_states(rest), misfiled, today)
            results |= {result.client_id: result for result in decided}
            _write(decisions, now, today)
        _note_check(same, now)
        in_order = [results[fetched.client_id] for fetched in batch]
        if on_applied:
            on_applied(in_order)
    return in_order


def preview_fetched(fetched: Fetched, today: date) -> SyncResult:
    """What applying this fetch would do, every changed field of it; writes nothing."""
    with transaction.atomic():  # one consistent look at the tables
        _, results = _decide_batch([fetched], read_states([fetched]), find_misfiled([fetched.client_id]), today)
    return results[0]


def _decide_batch(
    batch: Sequence[Fetched], stored: dict[int, StoredPerson], misfiled: Container[int], today: date
) -> tuple[list[Decision], list[SyncResult]]:
    current = [fetched for fetched in batch if not _is_superseded(fetched, stored[fetched.client_id])]
    changed = {fetched.client_id: changed_answers(fetched, stored[fetched.client_id].digests) for fetched in current}
    read_rows(
        [stored[each] for each, answers in changed.items() if answers or each in misfiled or not stored[each].plans]
    )
    decisions = [decide(stored[fetched.client_id], fetched, changed[fetched.client_id], today) for fetched in current]
    by_client = {decision.stored.client_id: decision.result for decision in decisions}
    results = [
        by_client.get(fetched.client_id) or SyncResult(fetched.client_id, fetched.care_recipient_id, Outcome.SUPERSEDED)
        for fetched in batch
    ]
    return decisions, results


def _is_superseded(fetched: Fetched, person: StoredPerson) -> bool:
    return person.fetch_started_at is not None and person.fetch_started_at > fetched.started_at


def _is_same(fetched: Fetched, version: int, fetch_started_at: datetime | None, today: date) -> bool:
    """Whether there is nothing to do but to note the check: all answers known, and nothing applied since they were."""
    known = fetched.known
    if known is None or known.version != version or known.consent_missing:
        return False
    if fetched.refused_budget_ids or fetched.vanished_budget_ids or len(fetched.recognised) < len(fetched.answers):
        return False
    if fetch_started_at is not None and fetch_started_at > fetched.started_at:
        return False
    return service_provider_of(fetched, today) in ("", known.service_provider_id)


def _unchanged(fetched: Fetched) -> SyncResult:
    assert fetched.known is not None
    return unchanged_result(fetched, fetched.known)


# --- Writing --------------------------------------------------------------------------------------------------------


def _write(decisions: Sequence[Decision], now: datetime, today: date) -> None:
    plan_ids = write_plans(decisions, now)
    for record_set in RECORD_SETS:
        if record_set.replaced_whole:
            _replace_contributions(decisions, plan_ids, now, today)
        else:
            _write_kind(record_set, decisions, plan_ids, now, today)
    move_rows(decisions, plan_ids)
    _link_usage(decisions)
    _write_changes(decisions)
    record_answers(
        [page for decision in decisions for page in decision.pages],
        [decision.stored.client_id for decision in decisions if decision.stored.digests],
    )
    store.update(
        Client,
        ("service_provider_id",),
        [
            (decision.service_provider_id, decision.stored.client_id)
            for decision in decisions
            if decision.service_provider_id is not None
        ],
    )
    _write_states(decisions, now)


def _write_kind(
    record_set: RecordSet, decisions: Sequence[Decision], plan_ids: PlanIds, now: datetime, today: date
) -> None:
    new, changed, gone = [], [], []
    touched = [decision for decision in decisions if decision.differences.get(record_set.kind)]
    budget_ids = _budget_ids(touched) if record_set.is_child else {}
    for decision in touched:
        differences = decision.differences[record_set.kind]
        client_id = decision.stored.client_id
        for row in differences.new:
            if record_set.is_child:
                parent, key = budget_ids[client_id, row.key[0]], row.key[1:]
            else:
                parent, key = plan_ids[client_id][_place(decision, record_set, row)], row.key
            new.append((client_id, parent, row.ordinal, now, *key, *row.values))
        changed += [(*change.values, now, None, change.stored.id) for change in differences.changed]
        gone += [(today, now, row.id) for row in differences.gone]
    store.insert(record_set.model, record_set.columns, new)
    store.update(record_set.model, (*record_set.fields, "changed_at", "no_longer_returned_date"), changed)
    store.update(record_set.model, ("no_longer_returned_date", "changed_at"), gone)


def _place(decision: Decision, record_set: RecordSet, row: New | Incoming) -> int:
    assert decision.filing is not None  # whoever has differences has been filed
    return decision.filing.place(record_set, row)


def _budget_ids(decisions: Sequence[Decision]) -> dict[tuple[int, Any], int]:
    """Our row for each of these people's budgets, by the funder's id; the first of twins."""
    rows = PlanBudget.objects.filter(
        client_id__in=[decision.stored.client_id for decision in decisions], ordinal=0
    ).values_list("client_id", "budget_id", "id")
    return {(client_id, budget_id): row_id for client_id, budget_id, row_id in rows}


def _replace_contributions(decisions: Sequence[Decision], plan_ids: PlanIds, now: datetime, today: date) -> None:
    """The whole set anew, since rows have no identity. An empty answer keeps the last set, marked.

    Source: rule SYNC-06.
    """
    record_set = INDIVIDUAL_CONTRIBUTIONS
    replaced, missing, rows = [], [], []
    for decision in decisions:
        client_id = decision.stored.client_id
        if decision.contributions_missing:
            missing.append(client_id)
        elif decision.contributions is not None:
            replaced.append(client_id)
            rows += [
                (
                    client_id,
                    plan_ids[client_id][_place(decision, record_set, row)],
                    ordinal,
                    now,
                    *row.key,
                    *row.values,
                )
                for ordinal, row in enumerate(decision.contributions)
            ]
    if replaced:
        record_set.model._default_manager.filter(client_id__in=replaced).delete()
    if missing:
        record_set.model._default_manager.filter(client_id__in=missing, no_longer_returned_date__isnull=True).update(
            no_longer_returned_date=today, changed_at=now
        )
    store.insert(record_set.model, record_set.columns, rows)


def _link_usage(decisions: Sequence[Decision]) -> None:
    """Point usage at our own invoice line where there is one."""
    clients = [decision.stored.client_id for decision in decisions if decision.differences.get("budget_usage")]
    if not clients or not InvoiceLineItem.objects.filter(client_id__in=clients).exists():
        return
    link_budget_usage(clients)


def link_all_budget_usage() -> None:
    """Link everybody's unlinked usage, after invoices arrived by another way than a claim."""
    ours = list(InvoiceLineItem.objects.order_by().values_list("client_id", flat=True).distinct())
    for start in range(0, len(ours), _LINKED_AT_ONCE):
        link_budget_usage(ours[start : start + _LINKED_AT_ONCE])


def link_budget_usage(client_ids: Sequence[int]) -> int:
    """Link these people's unlinked usage to our invoice lines by invoice and item id; gives how many it looked at."""
    ours = InvoiceLineItem.objects.filter(
        client_id=OuterRef("client_id"), invoice__invoice_id=OuterRef("invoice_id"), item_id=OuterRef("item_id")
    ).values("id")[:1]
    return (
        BudgetUsage.objects.filter(client_id__in=client_ids, invoice_line_item__isnull=True)
        .exclude(invoice_id="")
        .update(invoice_line_item=Subquery(ours))
    )


def _write_changes(decisions: Sequence[Decision]) -> None:
    store.insert(
        Change,
        ("client_id", "kind", "action", "key", "field", "before", "after", "fetched_at"),
        [
            (
                decision.stored.client_id,
                change.kind,
                change.action,
                change.key,
                change.field,
                change.before,
                change.after,
                decision.fetched.started_at,
            )
            for decision in decisions
            for change in decision.result.changes
        ],
    )


_CHECKED = (
    "fetch_started_at",
    "checked_at",
    "attempted_at",
    "outcome",
    "error_code",
    "failed_step",
    "consent_missing",
)


def _write_states(decisions: Sequence[Decision], now: datetime) -> None:
    """The time of the check for everybody; digests and version only where something moved."""
    same, moved = [], []
    for decision in decisions:
        outcome = decision.result.outcome.value
        common = (decision.fetched.started_at, now, now, outcome, "", "", decision.consent_missing)
        was = decision.stored
        if not decision.touched and (decision.digests, decision.row_counts) == (was.digests, was.row_counts):
            same.append((*common, was.client_id))
        else:
            version = was.version + 1
            decision.result.version = version
            moved.append((*common, now, version, decision.digests, decision.row_counts, was.client_id))
    store.update(SyncState, _CHECKED, same)
    store.update(SyncState, (*_CHECKED, "changed_at", "version", "digests", "row_counts"), moved)


def _note_check(same: Sequence[Fetched], now: datetime) -> None:
    """All that a sync with nothing new writes."""
    outcome = Outcome.UNCHANGED.value
    rows = [(fetched.started_at, now, now, outcome, "", "", False, fetched.client_id) for fetched in same]
    store.update(SyncState, _CHECKED, rows)
