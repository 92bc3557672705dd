"""Write a person's plans: make and date them, and hang rows on the plan that covers them. Which, `filing` decides.

Callers hold the transaction.
"""

from collections.abc import Sequence
from datetime import datetime

from carefund.records import store
from carefund.records.models import Plan
from carefund.sync.deciding import Decision
from carefund.sync.recordsets import RECORD_SETS

_PLAN_KIND = (Plan.SUPPORT_AT_HOME, Plan.QUARTERLY)
PlanIds = dict[int, list[int]]  # each person's plans, oldest first


def write_plans(decisions: Sequence[Decision], now: datetime) -> PlanIds:
    """Create, renew and date plans; gives each person's plans, oldest first."""
    fresh = [decision for decision in decisions if decision.filing and decision.filing.is_new]
    renewed = [decision.stored.latest_plan.id for decision in fresh if decision.stored.latest_plan]
    if renewed:
        Plan.objects.filter(id__in=renewed).update(is_latest=False)
    created = _create_plans(fresh, now) if fresh else {}
    plan_ids, dated = {}, []
    for decision in decisions:
        stored, filing = decision.stored, decision.filing
        ids = [plan.id for plan in stored.plans]
        if stored.client_id in created:
            ids.append(created[stored.client_id])
        elif filing and filing.dates and stored.latest_plan and filing.dates != stored.latest_plan.period:
            dated.append((filing.dates.start_date, filing.dates.end_date, ids[-1]))
        plan_ids[stored.client_id] = ids
        decision.result.plan_id = ids[-1]
    store.update(Plan, ("start_date", "end_date"), dated)
    return plan_ids


def _create_plans(decisions: Sequence[Decision], now: datetime) -> dict[int, int]:
    rows = []
    for decision in decisions:
        assert decision.filing is not None
        period = decision.filing.plans[-1]
        rows.append((decision.stored.client_id, *_PLAN_KIND, period.start_date, period.end_date, True, now))
    store.insert(Plan, ("client_id", "type", "claim_period", "start_date", "end_date", "is_latest", "created_at"), rows)
    created = Plan.objects.filter(client_id__in=[row[0] for row in rows], type=Plan.SUPPORT_AT_HOME, is_latest=True)
    return dict(created.order_by().values_list("client_id", "id"))


def move_rows(decisions: Sequence[Decision], plan_ids: PlanIds) -> None:
    """Hang rows on the plan that covers them."""
    for record_set in RECORD_SETS:
        store.update(
            record_set.model,
            (record_set.parent,),
            [
                (plan_ids[decision.stored.client_id][place], row_id)
                for decision in decisions
                for row_id, place in decision.moves.get(record_set.kind, ())
            ],
        )
