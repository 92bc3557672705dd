"""What follows from a participant's facts on a day: the plan in force, funding periods, released, spent, remaining.

Money is released when its period begins; what is unspent carries on within the plan and not into the next one. A
category may go below zero. Source: rules NDIS-06 and NDIS-08.
"""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal
from typing import Any

from sandbox.ndia.participants import MONTHS_OF, Facts

CENT, ZERO = Decimal("0.01"), Decimal("0.00")
NO_DATE = "0001-01-01"


def plan_in_force(facts: Facts, today: date) -> Facts:
    """The newest plan period that has begun, or the first one when none has."""
    begun = [plan for plan in facts["plans"] if date.fromisoformat(plan["start"]) <= today]
    found: Facts = (begun or facts["plans"][:1])[-1]
    return found


def periods_of(row: Facts, plan: Facts) -> list[dict[str, Any]]:
    """A category's funding periods from the plan's start on; the last one takes the odd cents."""
    start, end = (
        date.fromisoformat(row.get("start") or plan["start"]),
        date.fromisoformat(row.get("end") or plan["end"]),
    )
    approved = Decimal(row["approved"])
    months = MONTHS_OF[row["instalments"]]
    if row["instalments"] == "none":
        return []
    starts = [start]
    while months and (following := _months_later(start, months * len(starts))) <= end:
        starts.append(following)
    share = (approved / len(starts)).quantize(CENT, ROUND_DOWN)
    ends = [following - timedelta(days=1) for following in starts[1:]] + [end]
    amounts = [share] * (len(starts) - 1) + [approved - share * (len(starts) - 1)]
    return [
        {"start_date": first, "end_date": last, "amount": amount}
        for first, last, amount in zip(starts, ends, amounts, strict=True)
    ]


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def category_row(facts: Facts, plan: Facts, row: Facts, today: date) -> dict[str, Any]:
    """One category as the budget tells it."""
    periods = periods_of(row, plan) if facts["usePeriods"] else []
    approved = Decimal(row["approved"])
    released = (
        sum((period["amount"] for period in periods if period["start_date"] <= today), ZERO) if periods else approved
    )
    spent = spent_by(row, plan, today)
    remaining = released - spent - (Decimal("22.50") if facts.get("odd") else ZERO)
    reported: dict[str, Any] = {
        "support_category_text": row["category"],
        "funding_component_name": _component(row),
        "start_date": row.get("start") or plan["start"],
        "end_date": row.get("end") or plan["end"],
        "approved_amount": approved,
        "released_amount": released,
        "spent_amount": spent,
        "remaining_amount": remaining,
        "supp_itm_lvl_dtls": [{"support_item_text": text} for text in row["items"]],
    }
    if facts.get("sparse"):
        del reported["spent_amount"], reported["supp_itm_lvl_dtls"]
    else:
        reported["instalment_type"] = "Regular" if MONTHS_OF[row["instalments"]] else "One-off"
    if periods and facts["periodsAt"] == "category":
        reported["funding_periods"] = [_period(period, today) for period in periods]
    if facts.get("extra"):
        reported["something_new"] = {"nested": [1, 2.5, None]}
    return reported


def spent_by(row: Facts, plan: Facts, today: date) -> Decimal:
    """What anybody claimed up to a day."""
    start = date.fromisoformat(plan["start"])
    total = ZERO
    for line in row["spending"]:
        day = date.fromisoformat(line["date"]) if "date" in line else start + timedelta(days=line["days"])
        if day <= today:
            total += Decimal(line["amount"])
    return total


def budget_tree(facts: Facts, today: date, *, only_plan_managed: bool = False) -> dict[str, Any]:
    """The whole budget: budget type, then management, then support type, then category."""
    plan = plan_in_force(facts, today)
    rows = [row for row in plan["categories"] if not only_plan_managed or row["management"] == "Plan-managed"]
    reported = [(row, category_row(facts, plan, row, today)) for row in rows]
    tree: dict[str, Any] = {
        **_sums([category for _, category in reported], with_approved=False),
        "use_funding_periods": facts["usePeriods"],
        "bgt_typ_lvl_dtls": [
            _budget_type(facts, plan, kind, [pair for pair in reported if pair[0]["kind"] == kind])
            for kind in dict.fromkeys(row["kind"] for row in rows)
        ],
    }
    if facts["usePeriods"] and facts["periodsAt"] == "component":
        tree["funding_components"] = [
            {
                "funding_component_name": _component(row),
                "support_category": row["category"],
                "funding_periods": [_period(period, today) for period in periods_of(row, plan)],
            }
            for row in rows
        ]
    if facts["usePeriods"] and facts["periodsAt"] == "plan":
        tree["funding_periods"] = [
            {**_period(period, today), "support_category_text": row["category"]}
            for row in rows
            for period in periods_of(row, plan)
        ]
    if facts.get("extra"):
        tree["something_new"] = "new"
    return tree


def _budget_type(facts: Facts, plan: Facts, kind: str, reported: list[tuple[Facts, dict[str, Any]]]) -> dict[str, Any]:
    level: dict[str, Any] = {"start_date": plan["start"], "end_date": plan["end"]}
    if not facts.get("sparse"):
        level["budget_type"] = kind
    level |= _sums([category for _, category in reported], with_approved=False)
    level["plan_management"] = [
        _management(facts, plan, management, [pair for pair in reported if pair[0]["management"] == management])
        for management in dict.fromkeys(row["management"] for row, _ in reported)
    ]
    return level


def _management(
    facts: Facts, plan: Facts, management: str, reported: list[tuple[Facts, dict[str, Any]]]
) -> dict[str, Any]:
    level: dict[str, Any] = {"end_date": plan["end"], "released_amount": _sum(reported, "released_amount")}
    if not facts.get("sparse"):
        level["fund_management_type"] = management
    level["supp_typ_lvl_dtls"] = [
        {
            "support_type_text": support,
            "start_date": plan["start"],
            "end_date": plan["end"],
            **_sums([category for row, category in reported if row["support"] == support]),
            "supp_cat_lvl_dtls": [category for row, category in reported if row["support"] == support],
        }
        for support in dict.fromkeys(row["support"] for row, _ in reported)
    ]
    return level


def historical_budgets(facts: Facts, today: date) -> list[dict[str, Any]]:
    """The money of plan periods that a review closed."""
    current = plan_in_force(facts, today)
    return [
        {
            "start_date": plan["start"],
            "end_date": plan["end"],
            "total_plan_available": sum((Decimal(row["approved"]) for row in plan["categories"]), ZERO),
            "bgt_typ_lvl_dtls": [
                {
                    "budget_type": row["kind"],
                    "plan_management": [
                        {
                            "fund_management_type": row["management"],
                            "funded_supports": [
                                {
                                    "support_category": row["category"],
                                    "support_type": row["support"],
                                    "budget_status": "Available",
                                    **_sums([category_row(facts, plan, row, date.fromisoformat(plan["end"]))]),
                                    "start_date": plan["start"],
                                    "end_date": plan["end"],
                                }
                            ],
                        }
                    ],
                }
                for row in plan["categories"]
            ],
        }
        for plan in facts["plans"]
        if plan is not current and plan["start"] < current["start"]
    ]


def _component(row: Facts) -> str:
    return f"{row['support']} {row['kind']} ({row['management']})"


def _period(period: dict[str, Any], today: date) -> dict[str, Any]:
    return {**period, "released_amount": period["amount"] if period["start_date"] <= today else ZERO}


def _sums(rows: list[dict[str, Any]], *, with_approved: bool = True) -> dict[str, Any]:
    names = ("approved_amount", "released_amount", "spent_amount", "remaining_amount")
    return {
        name: sum((row[name] for row in rows if name in row), ZERO)
        for name in names[0 if with_approved else 1 :]
        if not rows or any(name in row for row in rows)
    }


def _sum(reported: list[tuple[Facts, dict[str, Any]]], name: str) -> Decimal:
    return sum((row[name] for _, row in reported if name in row), ZERO)
