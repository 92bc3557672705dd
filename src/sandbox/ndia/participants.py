"""Who has an NDIS plan: a participant's facts as plain JSON, and the named scenarios that make them.

Plain JSON, because all of it is saved with the world. Amounts are texts. What follows from the facts on a day
(periods, released, spent) is `budgets.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

Facts = dict[str, Any]

FIRST_NUMBER = 430_000_000
PLAN_MANAGER, MY_PROVIDER = "Plan Manager", "My Provider"
PLAN, SELF, AGENCY = "Plan-managed", "Self-managed", "Agency-managed"
MONTHS_OF = {"monthly": 1, "quarterly": 3, "half-yearly": 6, "yearly": 12, "up-front": 0, "none": 0}

_NAMES = (
    ("Willa", "Redgum"),
    ("Otis", "Bluebush"),
    ("Marnie", "Wattlebird"),
    ("Jonah", "Sheoak"),
    ("Tilda", "Kangaroopaw"),
    ("Rafi", "Boronia"),
    ("Greta", "Spinifex"),
    ("Amos", "Melaleuca"),
    ("Bindi", "Correa"),
    ("Felix", "Hovea"),
    ("Cleo", "O'Bottlebrush"),
    ("Hugo", "Tea-Tree"),
    ("Isla", "Waratah"),
    ("Levi", "Mulga"),
    ("Nina", "Pittosporum"),
    ("Owen", "Casuarina"),
    ("Pia", "Lomandra"),
    ("Quinn", "Acacia"),
    ("Rosa", "Desertpea"),
    ("Seth", "Billardiera"),
    ("Tess", "Isopogon"),
    ("Udo", "Hardenbergia"),
    ("Vida", "Kunzea"),
    ("Wes", "Darwinia"),
)


@dataclass(frozen=True, slots=True)
class ParticipantScenario:
    """A named situation: what it is, and what it does to an ordinary participant's facts."""

    name: str
    description: str
    make: Callable[[Facts, date], None]


def category(
    text: str,
    approved: str,
    *,
    support: str = "Core",
    kind: str = "Flexible",
    management: str = PLAN,
    instalments: str = "quarterly",
    spent: str = "0.00",
    items: tuple[str, ...] = (),
    **more: Any,
) -> Facts:
    """One category's facts; `spent` is what earlier providers claimed, dated at the plan's start."""
    return {
        "category": text,
        "support": support,
        "kind": kind,
        "management": management,
        "approved": approved,
        "instalments": instalments,
        "spending": [{"days": 20, "amount": spent}] if Decimal(spent) else [],
        "items": list(items),
        **more,
    }


def _usual() -> list[Facts]:
    cb = {"support": "Capacity Building", "kind": "Stated"}
    return [
        category("Assistance with Daily Life", "48000.00", spent="9120.40"),
        category("Consumables", "2400.00", spent="310.15"),
        category("Assistance with Social, Economic and Community Participation", "14000.00"),
        category("Improved Daily Living Skills", "9600.00", spent="1455.00", **cb),  # type: ignore[arg-type]
        category("Choice and Control", "1680.00", spent="420.00", instalments="monthly", **cb),  # type: ignore[arg-type]
        category(
            "Assistive Technology",
            "5200.00",
            support="Capital",
            kind="Stated",
            management=SELF,
            instalments="up-front",
            spent="800.00",
        ),
    ]


def _nothing_special(facts: Facts, today: date) -> None:
    """As `_usual` has it: taken over in the middle of a plan, after an earlier plan manager spent some."""


def _no_periods(facts: Facts, today: date) -> None:
    facts["usePeriods"] = False


def _instalments(*kinds: str) -> Callable[[Facts, date], None]:
    def make(facts: Facts, today: date) -> None:
        for position, row in enumerate(facts["plans"][-1]["categories"]):
            row["instalments"] = kinds[position % len(kinds)]

    return make


def _negative_core(facts: Facts, today: date) -> None:
    rows = facts["plans"][-1]["categories"]
    rows[1]["spending"] = [{"days": 30, "amount": "1100.00"}]
    rows[1]["approved"] = "2000.00"


def _old_system(facts: Facts, today: date) -> None:
    facts["isPace"] = False
    facts["planId"] = 8123456


def _set(name: str, value: Any) -> Callable[[Facts, date], None]:
    def make(facts: Facts, today: date) -> None:
        facts[name] = value

    return make


def _relationship_ended(role: str) -> Callable[[Facts, date], None]:
    def make(facts: Facts, today: date) -> None:
        for row in facts["relationships"]:
            if row["role"] == role:
                row["end"] = (today - timedelta(days=3)).isoformat()

    return make


def _unknown_category(facts: Facts, today: date) -> None:
    facts["plans"][-1]["categories"].append(
        category("Future Supports Trial", "3000.00", kind="Stated", spent="99.95", support="Capacity Building")
    )


def _no_budgets(facts: Facts, today: date) -> None:
    facts["plans"][-1]["categories"] = []


def _sparse(facts: Facts, today: date) -> None:
    facts["sparse"] = True


def _stated_item(facts: Facts, today: date) -> None:
    facts["plans"][-1]["categories"][3]["items"] = ["Hydrotherapy programme", "Key worker"]


def _mixed_management(facts: Facts, today: date) -> None:
    rows = facts["plans"][-1]["categories"]
    rows[2]["management"] = AGENCY
    rows.append(
        category(
            "Specialist Disability Accommodation",
            "62000.00",
            support="Capital",
            kind="Stated",
            management=AGENCY,
            instalments="monthly",
            spent="15500.00",
        )
    )
    rows.append(
        category(
            "Transport Recurring", "1784.00", support="Recurring", kind="Stated", management=SELF, instalments="none"
        )
    )


def _starts(days: int, length: int) -> Callable[[Facts, date], None]:
    def make(facts: Facts, today: date) -> None:
        start = today + timedelta(days=days)
        plan = facts["plans"][-1]
        plan["start"] = facts["firstStart"] = start.isoformat()
        plan["end"] = (start + timedelta(days=length)).isoformat()

    return make


def _unspent(facts: Facts, today: date) -> None:
    for row in facts["plans"][-1]["categories"]:
        row["spending"] = []


def _half_managed(facts: Facts, today: date) -> None:
    rows = facts["plans"][-1]["categories"]
    rows.append({**rows[3], "management": SELF, "approved": "1200.00", "spending": []})


_ALL = (
    ParticipantScenario(
        "take-over", "Taken over mid-plan, with spending by an earlier plan manager.", _nothing_special
    ),
    ParticipantScenario("no-periods", "A plan from before funding periods: released equals approved.", _no_periods),
    ParticipantScenario("monthly", "Every category in monthly periods.", _instalments("monthly")),
    ParticipantScenario("up-front", "All money released at the start.", _instalments("up-front")),
    ParticipantScenario(
        "mixed", "Periods of different lengths side by side.", _instalments("monthly", "quarterly", "half-yearly")
    ),
    ParticipantScenario(
        "negative-core", "One Core category below zero inside a positive Core Flexible total.", _negative_core
    ),
    ParticipantScenario("old-system", "Not on PACE: a plan with a real ID, and no PACE budget.", _old_system),
    ParticipantScenario(
        "no-consent", "The participant has not agreed to share plan and budget.", _set("consent", False)
    ),
    ParticipantScenario(
        "plan-manager-ended", "The plan manager's relationship has ended.", _relationship_ended(PLAN_MANAGER)
    ),
    ParticipantScenario("provider-ended", "The provider's relationship has ended.", _relationship_ended(MY_PROVIDER)),
    ParticipantScenario("two-plans", "The PACE plan and the old-system plan before it.", _set("oldPlan", True)),
    ParticipantScenario("unknown-category", "A category that no list knows.", _unknown_category),
    ParticipantScenario("no-budgets", "A plan without budgets yet.", _no_budgets),
    ParticipantScenario("odd-arithmetic", "Remaining is not released less spent.", _set("odd", True)),
    ParticipantScenario("sparse", "Optional members left out; management only in the component's name.", _sparse),
    ParticipantScenario(
        "component-periods", "Funding periods listed per funding component.", _set("periodsAt", "component")
    ),
    ParticipantScenario("plan-periods", "Funding periods listed for the whole plan.", _set("periodsAt", "plan")),
    ParticipantScenario("stated-items", "Stated items inside a category.", _stated_item),
    ParticipantScenario(
        "many-hands", "Plan-, Self- and Agency-managed categories, and recurring transport.", _mixed_management
    ),
    ParticipantScenario("future", "A plan that has not begun.", _starts(25, 364)),
    ParticipantScenario("ended", "A plan that ended without a review.", _starts(-400, 364)),
    ParticipantScenario("unspent", "Nothing spent yet.", _unspent),
    ParticipantScenario("half-managed", "One category under two managements.", _half_managed),
    ParticipantScenario("extra-members", "Unknown members.", _set("extra", True)),
)
SCENARIOS = {scenario.name: scenario for scenario in _ALL}


def make_participant(index: int, scenario: str, today: date) -> Facts:
    """The facts of participant `index` (1, 2, 3 …). Raises KeyError for an unknown scenario."""
    first_name, surname = _NAMES[(index - 1) % len(_NAMES)]
    start = today - timedelta(days=100 + index % 20)
    facts: Facts = {
        "ndisNumber": str(FIRST_NUMBER + index),
        "firstName": first_name,
        "surname": surname,
        "birthDate": (date(1968, 3, 9) + timedelta(days=311 * index)).isoformat(),
        "scenario": scenario,
        "isPace": True,
        "planId": 0,
        "oldPlan": False,
        "usePeriods": True,
        "periodsAt": "category",
        "consent": True,
        "relationships": [
            {"role": PLAN_MANAGER, "start": start.isoformat(), "end": ""},
            {"role": MY_PROVIDER, "start": start.isoformat(), "end": ""},
        ],
        "firstStart": start.isoformat(),
        "plans": [
            {
                "start": start.isoformat(),
                "end": (start + timedelta(days=364)).isoformat(),
                "categories": _usual(),
            }
        ],
    }
    SCENARIOS[scenario].make(facts, today)
    return facts


def first_participants(today: date) -> dict[str, Facts]:
    """One participant per scenario, by NDIS number, in the order of the table."""
    made = (make_participant(index, name, today) for index, name in enumerate(SCENARIOS, 1))
    return {facts["ndisNumber"]: facts for facts in made}
