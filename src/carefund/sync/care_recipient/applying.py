"""Apply: write what was decided about a batch of people. The caller holds the transaction, and people are locked."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from carefund.domain.comparison import Incoming, New
from carefund.records import bulk
from carefund.records.archive import record_answers
from carefund.records.models import Change, Client, InvoiceLineItem, PlanBudget, SyncState
from carefund.sync.care_recipient.deciding import Decision
from carefund.sync.care_recipient.linking import link_budget_usage
from carefund.sync.care_recipient.plans import PlanIds, move_rows, write_plans
from carefund.sync.care_recipient.recordsets import BUDGET_USAGE, INDIVIDUAL_CONTRIBUTIONS, RECORD_SETS, RecordSet


def write_decisions(decisions: Sequence[Decision], now: datetime, today: date) -> None:
    """Write rows, change log, archive and states; of a person about whom nothing is new, the time of the check."""
    current = [decision for decision in decisions if not decision.is_superseded]
    moving = [decision for decision in current if decision.known is not decision.stored.known]
    if moving:
        plan_ids = write_plans(moving, now)
        for record_set in RECORD_SETS:
            if record_set.replaced_whole:
                _replace_contributions(moving, plan_ids, now, today)
            else:
                _write_kind(record_set, moving, plan_ids, now, today)
        move_rows(moving, plan_ids)
        _link_usage(moving)
        _write_changes(moving, now)
        record_answers(
            [page for decision in moving for page in decision.pages],
            [decision.stored.client_id for decision in moving if decision.stored.known.digests],
        )
        _write_service_provider_ids(moving)
    _write_states(current, now)


def _write_service_provider_ids(decisions: Sequence[Decision]) -> None:
    rows = [(decision.service_provider_id, decision.stored.client_id) for decision in decisions]
    bulk.update(Client, ("service_provider_id",), [row for row in rows if row[0] is not None])


def _write_kind(
    record_set: RecordSet, decisions: Sequence[Decision], plan_ids: PlanIds, now: datetime, today: date
) -> None:
    new, changed, gone = [], [], []
    touched = [decision for decision in decisions if decision.compared.differences.get(record_set.kind)]
    budget_ids = _budget_ids(touched) if record_set.is_child else {}
    for decision in touched:
        differences = decision.compared.differences[record_set.kind]
        client_id = decision.stored.client_id
        for row in differences.new:
            if record_set.is_child:
                parent, key = budget_ids[client_id, row.key[0]], row.key[1:]
            else:
                parent, key = plan_ids[client_id][_place(decision, record_set, row)], row.key
            new.append((client_id, parent, row.ordinal, now, *key, *row.values))
        changed += [(*change.values, now, None, change.stored.id) for change in differences.changed]
        gone += [(today, now, row.id) for row in differences.gone]
    bulk.insert(record_set.model, record_set.columns, new)
    bulk.update(record_set.model, (*record_set.fields, "changed_at", "no_longer_returned_date"), changed)
    bulk.update(record_set.model, ("no_longer_returned_date", "changed_at"), gone)


def _place(decision: Decision, record_set: RecordSet, row: New | Incoming) -> int:
    assert decision.filed.filing is not None  # whoever has differences has been filed
    return decision.filed.filing.place(record_set, row)


def _budget_ids(decisions: Sequence[Decision]) -> dict[tuple[int, Any], int]:
    """Our row for each of these people's budgets, by the funder's id; the first of duplicates."""
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
        if not decision.compared.differences.get(record_set.kind):
            continue
        incoming = decision.compared.incoming[record_set.kind]
        if not incoming:
            missing.append(client_id)
        else:
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
                for ordinal, row in enumerate(incoming)
            ]
    if replaced:
        record_set.model._default_manager.filter(client_id__in=replaced).delete()
    if missing:
        record_set.model._default_manager.filter(client_id__in=missing, no_longer_returned_date__isnull=True).update(
            no_longer_returned_date=today, changed_at=now
        )
    bulk.insert(record_set.model, record_set.columns, rows)


def _link_usage(decisions: Sequence[Decision]) -> None:
    """Point usage at our own invoice line where there is one."""
    kind = BUDGET_USAGE.kind
    clients = [decision.stored.client_id for decision in decisions if decision.compared.differences.get(kind)]
    if clients and InvoiceLineItem.objects.filter(client_id__in=clients).exists():
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
    bulk.insert(Change, columns, rows)


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
    checked, moved, read_anew = [], [], []
    for decision in decisions:
        was, known, client_id = decision.stored.known, decision.known, decision.stored.client_id
        outcome = decision.result.outcome.value
        check = (decision.fetched.started_at, now, now, outcome, "", "", known.consent_missing)
        applied = tuple(getattr(known, name) for name in _APPLIED)
        has_moved = (known.version, known.reader) != (was.version, was.reader)
        if decision.fetched.is_archived:
            read_anew.append((*applied, client_id))
        elif has_moved:
            moved.append((*check, *applied, now, client_id))
        else:
            checked.append((*check, client_id))
    bulk.update(SyncState, _CHECKED, checked)
    bulk.update(SyncState, (*_CHECKED, *_APPLIED, "changed_at"), moved)
    bulk.update(SyncState, _APPLIED, read_anew)
