"""Write a person's plans: make and date them, and hang rows on the plan that covers them.

Which plan that is, `plan_assignment` decides. Callers hold the transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from carefund.domain.periods import Period
from carefund.records import synced_tables
from carefund.records.models import Plan
from carefund.sync.care_recipient.decision import Decision
from carefund.sync.care_recipient.recordsets import RECORD_SETS

_PLAN_KIND = (Plan.SUPPORT_AT_HOME, Plan.QUARTERLY)
PlanIds = dict[int, list[int]]  # each person's plans, oldest first


def write_plans(decisions: Sequence[Decision], now: datetime) -> PlanIds:
    """Create, renew and date plans; gives the plans, oldest first, of each person whose records are filed."""
    fresh, plan_ids, dated, renewed = [], {}, [], []
    for decision in decisions:
        records, filing = decision.stored.records, decision.filed.filing
        if records is None or filing is None:
            continue
        plan_ids[decision.stored.client_id] = [plan.id for plan in records.plans]
        latest = records.latest_plan
        if filing.is_new:
            fresh.append((decision.stored.client_id, filing.plans[-1]))
            renewed += [latest.id] if latest else []
        elif latest and filing.dates and filing.dates != latest.period:
            dated.append((filing.dates.start_date, filing.dates.end_date, latest.id))
    if renewed:
        Plan.objects.filter(id__in=renewed).update(is_latest=False)
    for client_id, plan_id in _create_plans(fresh, now).items():
        plan_ids[client_id].append(plan_id)
    synced_tables.update(Plan, ("start_date", "end_date"), dated)
    return plan_ids


def _create_plans(periods: Sequence[tuple[int, Period]], now: datetime) -> dict[int, int]:
    """Make a plan for each of these people; gives their numbers."""
    if not periods:
        return {}
    rows = [(client_id, *_PLAN_KIND, period.start_date, period.end_date, True, now) for client_id, period in periods]
    synced_tables.insert(
        Plan, ("client_id", "type", "claim_period", "start_date", "end_date", "is_latest", "created_at"), rows
    )
    stored = synced_tables.read(
        Plan,
        ("client_id", "id", "is_latest"),
        "client_id",
        [client_id for client_id, _ in periods],
        also={"type": Plan.SUPPORT_AT_HOME},
    )
    return {client_id: plan_id for client_id, plan_id, is_latest in stored if is_latest}


def move_rows(decisions: Sequence[Decision], plan_ids: PlanIds) -> None:
    """Hang rows on the plan that covers them."""
    for record_set in RECORD_SETS:
        synced_tables.update(
            record_set.model,
            (record_set.parent,),
            [
                (plan_ids[decision.stored.client_id][place], row_id)
                for decision in decisions
                for row_id, place in decision.filed.moves.get(record_set.kind, ())
            ],
        )
