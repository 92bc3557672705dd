"""Apply: write what was decided about a batch of people. The caller holds the transaction, and people are locked."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from itertools import repeat
from typing import Any

from carefund.domain.comparison import Incoming, New
from carefund.records import synced_tables
from carefund.records.archive import record_answers
from carefund.records.care_recipient.identities import store_identities
from carefund.records.models import Change, Client, InvoiceLineItem, PlanBudget, SyncState
from carefund.sync.care_recipient.decision import Decision
from carefund.sync.care_recipient.plans import PlanIds, move_rows, write_plans
from carefund.sync.care_recipient.recordsets import BUDGET_USAGE, INDIVIDUAL_CONTRIBUTIONS, RECORD_SETS, RecordSet
from carefund.sync.care_recipient.usage_links import link_budget_usage

# Our row for each budget, by the client's row and the funder's id.
BudgetIds = dict[tuple[int, Any], int]


def write_decisions(decisions: Sequence[Decision], now: datetime, today: date) -> None:
    """Write rows, change log, archive and states; of a person about whom nothing is new, the time of the check."""
    current = [decision for decision in decisions if not decision.is_superseded]
    moving = [decision for decision in current if decision.known is not decision.stored.known]
    if moving:
        synced_tables.plan_by_index()
        plan_ids = write_plans(moving, now)
        budget_ids: BudgetIds = {}
        for record_set in RECORD_SETS:
            if record_set.replaced_whole:
                _replace_contributions(moving, plan_ids, now, today)
                continue
            if record_set.is_child and not budget_ids:  # budgets come before what hangs on them
                budget_ids = _find_budget_ids(moving)
            _write_kind(record_set, moving, plan_ids, budget_ids, now, today)
        move_rows(moving, plan_ids)
        _link_usage(moving)
        _write_changes(moving, now)
        record_answers(
            [page for decision in moving for page in decision.pages],
            [decision.stored.client_id for decision in moving if decision.stored.known.digests],
        )
        store_identities(
            (
                (decision.stored.client_id, decision.compared.identity, decision.fetched.started_at)
                for decision in moving
                if decision.compared.identity is not None
            ),
            others_to_compare=[
                decision.stored.client_id
                for decision in moving
                if decision.compared.identity is None and decision.known.reader != decision.stored.known.reader
            ],
        )
        _write_service_provider_ids(moving)
    _write_states(current, now)


def _write_service_provider_ids(decisions: Sequence[Decision]) -> None:
    rows = [(decision.service_provider_id, decision.stored.client_id) for decision in decisions]
    synced_tables.update(Client, ("service_provider_id",), [row for row in rows if row[0] is not None])


def _write_kind(
    record_set: RecordSet,
    decisions: Sequence[Decision],
    plan_ids: PlanIds,
    budget_ids: BudgetIds,
    now: datetime,
    today: date,
) -> None:
    new, changed, gone = [], [], []
    for decision in decisions:
        differences = decision.compared.differences.get(record_set.kind)
        if not differences:
            continue
        client_id = decision.stored.client_id
        if record_set.is_child:
            new += [
                (client_id, budget_ids[client_id, key[0]], ordinal, now, *key[1:], *values)
                for key, ordinal, values in differences.new
            ]
        else:
            plans = _plan_ids_of(decision, record_set, differences.new, plan_ids[client_id])
            new += [
                (client_id, plan_id, ordinal, now, *key, *values)
                for plan_id, (key, ordinal, values) in zip(plans, differences.new, strict=True)
            ]
        changed += [(*change.values, now, None, change.stored.id) for change in differences.changed]
        gone += [(today, now, row.id) for row in differences.gone]
    synced_tables.insert(record_set.model, record_set.columns, new)
    synced_tables.update(record_set.model, (*record_set.fields, "changed_at", "no_longer_returned_date"), changed)
    synced_tables.update(record_set.model, ("no_longer_returned_date", "changed_at"), gone)


def _plan_ids_of(
    decision: Decision, record_set: RecordSet, rows: Sequence[New | Incoming], plan_ids: Sequence[int]
) -> Iterator[int]:
    """The plan that each of one person's rows hangs on."""
    filing = decision.filed.filing
    assert filing is not None  # whoever has differences has been filed
    if len(plan_ids) == 1:
        return repeat(plan_ids[0], len(rows))
    return (plan_ids[filing.place(record_set, row)] for row in rows)


def _find_budget_ids(decisions: Sequence[Decision]) -> BudgetIds:
    """Our row for each budget of those people of whom something new hangs on one; the first of duplicates."""
    children = [record_set.kind for record_set in RECORD_SETS if record_set.is_child]
    client_ids = [
        decision.stored.client_id
        for decision in decisions
        if any(decision.compared.differences.get(kind) for kind in children)
    ]
    rows = synced_tables.read(PlanBudget, ("client_id", "budget_id", "id", "ordinal"), "client_id", client_ids)
    return {(client_id, budget_id): row_id for client_id, budget_id, row_id, ordinal in rows if ordinal == 0}


def _replace_contributions(decisions: Sequence[Decision], plan_ids: PlanIds, now: datetime, today: date) -> None:
    """The whole set anew, since rows have no identity. An empty answer keeps the last set, marked.

    Source: rule SYNC-06.
    """
    record_set = INDIVIDUAL_CONTRIBUTIONS
    replaced, missing, rows = [], [], []
    for decision in decisions:
        client_id = decision.stored.client_id
        if not decision.compared.differences.get(record_set.kind):
            continue
        incoming = decision.compared.incoming[record_set.kind]
        if not incoming:
            missing.append(client_id)
            continue
        if decision.stored.known.version:  # of a first sync there is nothing to replace
            replaced.append(client_id)
        plans = _plan_ids_of(decision, record_set, incoming, plan_ids[client_id])
        rows += [
            (client_id, plan_id, ordinal, now, *row.key, *row.values)
            for ordinal, (plan_id, row) in enumerate(zip(plans, incoming, strict=True))
        ]
    if replaced:
        record_set.model._default_manager.filter(client_id__in=replaced).delete()
    if missing:
        record_set.model._default_manager.filter(client_id__in=missing, no_longer_returned_date__isnull=True).update(
            no_longer_returned_date=today, changed_at=now
        )
    synced_tables.insert(record_set.model, record_set.columns, rows)


def _link_usage(decisions: Sequence[Decision]) -> None:
    """Point usage at our own invoice line where there is one."""
    kind = BUDGET_USAGE.kind
    clients = [decision.stored.client_id for decision in decisions if decision.compared.differences.get(kind)]
    if synced_tables.holds_any(InvoiceLineItem, "client_id", clients):
        link_budget_usage(clients)


def _write_changes(decisions: Sequence[Decision], now: datetime) -> None:
    rows = []
    for decision in decisions:
        if decision.fetched.is_archived:
            learnt_at, cause = now, Change.READING
        else:
            learnt_at, cause = decision.fetched.started_at, Change.FUNDER
        rows += [
            (
                decision.stored.client_id,
                change.kind,
                change.action,
                change.key,
                change.field,
                change.before,
                change.after,
                learnt_at,
                cause,
            )
            for change in decision.result.changes
        ]
    columns = ("client_id", "kind", "action", "key", "field", "before", "after", "fetched_at", "cause")
    synced_tables.insert(Change, columns, rows)


_CHECKED = (
    "fetch_started_at",
    "checked_at",
    "attempted_at",
    "outcome",
    "error_code",
    "failed_step",
    "consent_missing",
)
_APPLIED = ("version", "digests", "row_counts", "reader", "wrong_figures", "unanswered", "unread_budgets")


def _write_states(decisions: Sequence[Decision], now: datetime) -> None:
    """The time of the check for everybody who was asked about; what was applied only where it moved."""
    checked, moved, reprocessed = [], [], []
    for decision in decisions:
        was, known, client_id = decision.stored.known, decision.known, decision.stored.client_id
        outcome = decision.result.outcome.value
        check = (decision.fetched.started_at, now, now, outcome, "", "", known.consent_missing)
        applied = tuple(getattr(known, name) for name in _APPLIED)
        has_moved = (known.version, known.reader) != (was.version, was.reader)
        if decision.fetched.is_archived:
            reprocessed.append((*applied, client_id))
        elif has_moved:
            moved.append((*check, *applied, now, client_id))
        else:
            checked.append((*check, client_id))
    synced_tables.update(SyncState, _CHECKED, checked)
    synced_tables.update(SyncState, (*_CHECKED, *_APPLIED, "changed_at"), moved)
    synced_tables.update(SyncState, _APPLIED, reprocessed)
