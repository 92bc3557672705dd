"""Assistive technology and home modifications: a tier is a classification and a budget of twelve months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sandbox.people import Classification, Grant, Person, next_grant_id
from sandbox.quarters import add_year
from sandbox.rates import TIERS


def tiered_grant(person: Person, type_code: str, tier: str, start: date, *, total: Decimal | None = None) -> Grant:
    """An AT or HM budget of twelve months for a tier (LOW, MEDIUM, HIGH); the tiers' codes are the sandbox's own."""
    text = "Assistive technology" if type_code == "AT" else "Home modifications"
    amount = TIERS[tier] if total is None else total
    return Grant(
        type_code,
        next_grant_id(person),
        amount,
        start,
        add_year(start),
        f"{type_code}_{tier}",
        f"{text} - {tier.lower()} tier",
        start,
    )


def add_tier(person: Person, type_code: str, tier: str, start: date) -> None:
    """Give a person an AT or HM classification and the budget that comes with it."""
    text = "Assistive technology" if type_code == "AT" else "Home modifications"
    person.classifications.append(Classification(text, type_code, tier, start, add_year(start), priority="High"))
    person.grants.append(tiered_grant(person, type_code, tier, start))
