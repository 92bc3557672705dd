"""The funding of an earlier day, out of archived answers: the same shapes that the page of today and the API show.

The rows made here are never saved; they only carry the figures.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.utils import timezone

from carefund.records.care_recipient.funding import BudgetFigures, Funding, sort_by_standing
from carefund.records.models import ApprovedService, BudgetUsage, Client, Plan, PlanBudget
from carefund.sync.care_recipient import recordsets
from carefund.sync.care_recipient.history import FundingAsOf


def end_of(day: date) -> datetime:
    """The last instant of a business day."""
    midnight = datetime.combine(day + timedelta(days=1), time(), timezone.get_current_timezone())
    return midnight - timedelta(microseconds=1)


def rebuild_funding(known: FundingAsOf, day: date) -> Funding:
    """What the funder had said by the end of a day. What we had delivered and not yet claimed is not in it."""
    client = known.client
    if not known.is_known:
        return Funding(client, day, None)
    summary = known.summary
    services = summary.approved_services if summary else ()
    budgets = sorted(_rows(recordsets.BUDGETS, client, known.budgets), key=_by_type)
    return Funding(
        client,
        day,
        Plan(client=client, start_date=known.plan.start_date, end_date=known.plan.end_date),
        (),
        _newest_first(_rows(recordsets.CLASSIFICATIONS, client, summary.classifications if summary else ())),
        sort_by_standing(sorted(_rows(recordsets.APPROVED_SERVICES, client, services), key=_by_category), day),
        sort_by_standing(
            _newest_first(_rows(recordsets.SUPPLEMENTS, client, summary.supplements if summary else ())), day
        ),
        _newest_first(_rows(recordsets.INDIVIDUAL_CONTRIBUTIONS, client, known.contributions), "effective_date_from"),
        tuple(_rebuild_budget(known, budget) for budget in _newest_first(budgets)),
    )


def _newest_first(rows: Iterable[Any], name: str = "start_date") -> tuple[Any, ...]:
    """In the order of the page of today."""
    return tuple(sorted(rows, key=lambda row: getattr(row, name) or date.min, reverse=True))


def _by_type(budget: PlanBudget) -> tuple[str, str]:
    return budget.budget_type_code, budget.budget_id


def _by_category(service: ApprovedService) -> tuple[str, str, date]:
    return service.category, service.service_text, service.start_date or date.min


def _rows(kind: recordsets.RecordSet, client: Client, payloads: Iterable[Any]) -> Iterable[Any]:
    names = (*kind.key, *kind.fields)
    return (kind.model(client=client, **{name: getattr(payload, name) for name in names}) for payload in payloads)


def _rebuild_budget(known: FundingAsOf, budget: PlanBudget) -> BudgetFigures:
    details = known.details.get(budget.budget_id)
    usage: list[BudgetUsage] = list(_rows(recordsets.BUDGET_USAGE, known.client, details.usage)) if details else []
    for line in usage:
        line.invoice_line_item_id = known.own_lines.get((line.invoice_id, line.item_id))
    usage.sort(key=lambda line: line.delivery_date or date.min, reverse=True)
    rows = _rows(recordsets.ENTITLEMENTS, known.client, known.list_entitlements(budget.budget_id))
    entitlements = tuple(sorted(rows, key=lambda entitlement: entitlement.start_date or date.min))
    is_shown = details is not None or bool(entitlements)
    return BudgetFigures(budget, entitlements, tuple(usage), None, is_shown, known.own_ids)
