"""Programme figures as dated data: daily rates, supplements, tiers, services.

Figures only, with the day from which they hold. No arithmetic (`money.py`), no people (`people.py`).
Source: rules SAH-02 and SAH-03; rates from 1 November 2025. The 2026-27 rates were not public when this was written, so
the last known ones go on.
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import NamedTuple

D = Decimal

PROGRAM_START_DATE = date(2025, 11, 1)

# The participant's share of an ongoing classification; the other tenth is pooled for care management.
PARTICIPANT_SHARE = D("0.9")
CARE_MANAGEMENT_SHARE = D("0.1")
INTERIM_SHARE = D("0.6")

DAILY_RATES: tuple[tuple[date, dict[str, Decimal]], ...] = (
    (
        PROGRAM_START_DATE,
        {
            "1": D("29.40"),
            "2": D("43.93"),
            "3": D("60.18"),
            "4": D("81.36"),
            "5": D("108.76"),
            "6": D("131.82"),
            "7": D("159.31"),
            "8": D("213.99"),
            "HCP1": D("30.10"),
            "HCP2": D("52.93"),
            "HCP3": D("115.22"),
            "HCP4": D("174.68"),
        },
    ),
)

RESTORATIVE_DAILY = D("53.67")
RESTORATIVE_DAYS = 112
END_OF_LIFE_DAILY = D("298.04")
END_OF_LIFE_DAYS = 84

TIERS = {"LOW": D("500.00"), "MEDIUM": D("2000.00"), "HIGH": D("15000.00")}

ROLLOVER_FLOOR = D("1000.00")
ROLLOVER_SHARE = D("0.10")
CLAIM_WINDOW_DAYS = 60


class SupplementRate(NamedTuple):
    """One kind of supplement: what it is called on the wire and what it pays a day."""

    description: str
    daily: Decimal


# OXY_NORM, ENT_NNBO and ENT_NBO are codes seen in vendor data; no other supplement's code is public.
SUPPLEMENTS = {
    "OXY_NORM": SupplementRate("Supplement oxygen normal", D("14.66")),
    "ENT_NNBO": SupplementRate("Supplement enteral feeding normal non-bolus", D("26.11")),
    "ENT_NBO": SupplementRate("Supplement enteral feeding normal bolus", D("23.25")),
}

BUDGET_TYPES = {
    "ON": "Home support ongoing",
    "AT": "Assistive technology",
    "HM": "Home modifications",
    "CM": "Care management",
    "RC": "Restorative care pathway",
    "EL": "End-of-life pathway",
    "AS": "Assistive technology - specified needs",
}


class Service(NamedTuple):
    """One approved service of the sandbox's catalogue, with a fictitious price per unit."""

    service_group_id: str
    service_group_text: str
    service_type_id: str
    service_type_text: str
    service_id: str
    service_text: str
    category: str
    price: Decimal
    unit: str


_HOME = ("SERG-0001", "Home support")
_CLINICAL, _INDEPENDENCE, _EVERYDAY = "Clinical supports", "Independence", "Everyday living"

# Only SERV-0001 and SERV-0036 are known with their texts; the other pairings are the sandbox's own.
SERVICES = (
    Service(
        *_HOME,
        "SERT-0001",
        "Domestic assistance",
        "SERV-0001",
        "General house cleaning",
        _EVERYDAY,
        D("80.00"),
        "hours",
    ),
    Service(
        *_HOME, "SERT-0001", "Domestic assistance", "SERV-0002", "Laundry services", _EVERYDAY, D("76.00"), "hours"
    ),
    Service(
        *_HOME, "SERT-0001", "Domestic assistance", "SERV-0003", "Shopping assistance", _EVERYDAY, D("78.00"), "hours"
    ),
    Service(
        *_HOME, "SERT-0002", "Home maintenance and repairs", "SERV-0004", "Gardening", _EVERYDAY, D("84.00"), "hours"
    ),
    Service(*_HOME, "SERT-0003", "Meals", "SERV-0007", "Meal delivery", _EVERYDAY, D("16.00"), "meal"),
    Service(
        *_HOME,
        "SERT-0004",
        "Personal care",
        "SERV-0011",
        "Assistance with self-care",
        _INDEPENDENCE,
        D("92.00"),
        "hours",
    ),
    Service(
        *_HOME, "SERT-0005", "Social support", "SERV-0014", "Accompanied activities", _INDEPENDENCE, D("88.00"), "hours"
    ),
    Service(*_HOME, "SERT-0006", "Respite", "SERV-0021", "In-home respite", _INDEPENDENCE, D("86.00"), "hours"),
    Service(*_HOME, "SERT-0007", "Transport", "SERV-0024", "Direct transport", _INDEPENDENCE, D("38.00"), "trip"),
    Service(*_HOME, "SERT-0008", "Nursing care", "SERV-0026", "Registered nurse care", _CLINICAL, D("140.00"), "hours"),
    Service(
        *_HOME,
        "SERT-0009",
        "Allied health and therapy",
        "SERV-0028",
        "Occupational therapy",
        _CLINICAL,
        D("190.00"),
        "hours",
    ),
    Service(*_HOME, "SERT-0009", "Allied health and therapy", "SERV-0033", "Podiatry", _CLINICAL, D("150.00"), "hours"),
    Service(
        *_HOME,
        "SERT-0009",
        "Allied health and therapy",
        "SERV-0036",
        "Exercise physiology",
        _CLINICAL,
        D("170.00"),
        "hours",
    ),
    Service(*_HOME, "SERT-0010", "Nutrition", "SERV-0039", "Prescribed nutrition", _CLINICAL, D("60.00"), "item"),
)
CARE_MANAGEMENT_SERVICE = Service(
    *_HOME, "SERT-0011", "Care management", "SERV-0018", "Home support care management", _CLINICAL, D("120.00"), "hours"
)
AT_SERVICES = (
    Service(
        "SERG-0002",
        "Assistive technology",
        "SERT-0020",
        "Equipment and products",
        "SERV-0062",
        "Self-care products",
        _INDEPENDENCE,
        D("35.00"),
        "item",
    ),
    Service(
        "SERG-0002",
        "Assistive technology",
        "SERT-0020",
        "Equipment and products",
        "SERV-0063",
        "Mobility products",
        _INDEPENDENCE,
        D("120.00"),
        "item",
    ),
)
HM_SERVICES = (
    Service(
        "SERG-0003",
        "Home modifications",
        "SERT-0021",
        "Home adjustments",
        "SERV-0067",
        "Home modification products",
        _INDEPENDENCE,
        D("150.00"),
        "item",
    ),
)


def daily_rate(level: str, day: date) -> Decimal:
    """Dollars a day for an ongoing level ("1".."8", "HCP1".."HCP4"); days before the first table use the first."""
    current = DAILY_RATES[0][1]
    for from_date, table in DAILY_RATES:
        if from_date <= day:
            current = table
    return current[level]


def rate_change_dates() -> tuple[date, ...]:
    """Days on which a new table of daily rates begins, the first one left out."""
    return tuple(from_date for from_date, _ in DAILY_RATES[1:])
