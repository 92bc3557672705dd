"""The adjustment record: what a new contract notes about money that was already delivered before it.

Made only at creation, one for each category with money delivered, never claimable and never rewritten.
Source: rule NDIS-10.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carefund.domain.ndis.plan import CategoryBudget

DESCRIPTION = "NDIS PACE API Budget Adjustment Record"
PROVIDER_NAME = "NDIA refer to PACE"
PROVIDER_NAME_FOR_CHOICE_AND_CONTROL = "Previous Plan Manager"
NOTE = (
    "NDIS PACE API Budget Adjustment record. Note: a) Only the Total Amount of services delivered to date for the "
    "Support Category have been provided in the PACE API record.  b) The Service Support Item used has been applied "
    "for budget adjustment purposes only."
)


@dataclass(frozen=True, slots=True)
class Adjustment:
    """The fields of one adjustment record; the support item number is blank by rule."""

    amount: Decimal
    delivered_date: date
    service_provider_name: str
    support_item_number: str = ""
    support_item_description: str = DESCRIPTION
    note: str = NOTE


def spent_so_far(budget: CategoryBudget) -> Decimal | None:
    """What was delivered for a category: spent as reported, else released less remaining, None when neither is told."""
    if budget.spent_amount is not None:
        return budget.spent_amount
    if budget.released_amount is not None and budget.remaining_amount is not None:
        return budget.released_amount - budget.remaining_amount
    return None


def adjustment_date(today: date, start_date: date, end_date: date | None) -> date:
    """Today, or the contract's nearest day when today lies outside it."""
    day = max(today, start_date)
    return min(day, end_date) if end_date and end_date >= start_date else day


def adjustment_for(budget: CategoryBudget, delivered_date: date) -> Adjustment | None:
    """The record that a category needs, None if no money was delivered or nobody tells how much."""
    spent = spent_so_far(budget)
    if spent is None or spent <= 0:
        return None
    name = PROVIDER_NAME_FOR_CHOICE_AND_CONTROL if budget.is_choice_and_control else PROVIDER_NAME
    return Adjustment(amount=spent, delivered_date=delivered_date, service_provider_name=name)
