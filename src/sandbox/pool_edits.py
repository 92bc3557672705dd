"""What the control API can do to a service provider's care management: more budgets, more use, or no answer.

Kept in the world's section "pools", per provider, as plain data; applied whenever pools are computed.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.clock import day_stamp
from sandbox.money import Budget, Entitlement, cents
from sandbox.people import INVOICE_BASE, UsageLine
from sandbox.quarters import quarter_of
from sandbox.rates import CARE_MANAGEMENT_SERVICE
from sandbox.world import World

SECTION = "pools"
# Switches: "empty" finds nothing; "refuse" is 403; "other-types" puts people's budgets into the same answer.
SWITCHES = ("empty", "refuse", "other-types", "second-budget", "closed-budget", "next-quarter")
CHANGES = (*SWITCHES, "use")
PoolEdit = dict[str, Any]


def pool_edits(world: World, provider_id: str) -> list[PoolEdit]:
    """The changes made to a provider's pools so far."""
    section: dict[str, list[PoolEdit]] = world.sections.get(SECTION, {})
    return section.get(provider_id, [])


def change_pool(world: World, provider_id: str, change: str, values: PoolEdit) -> list[PoolEdit]:
    """Keep a change to a provider's pools. Raises ValueError for one that does not exist."""
    if change not in CHANGES:
        raise ValueError(f"change must be one of {', '.join(CHANGES)}")
    edit = {"kind": change, "day": world.clock.today().isoformat()}
    if change in ("use", "second-budget", "closed-budget"):
        edit["amount"] = str(cents(abs(Decimal(str(values.get("amount", "250.00"))))))
    if change == "use":
        edit["careRecipientId"] = str(values.get("careRecipientId", ""))
    section: dict[str, list[PoolEdit]] = world.sections.setdefault(SECTION, {})
    section.setdefault(provider_id, []).append(edit)
    world.changes += 1
    return section[provider_id]


def undo_pool(world: World, provider_id: str) -> None:
    """Forget every change to a provider's pools."""
    world.sections.get(SECTION, {}).pop(provider_id, None)
    world.changes += 1


def has(world: World, provider_id: str, change: str) -> bool:
    """Whether a switch is on for a provider."""
    return any(edit["kind"] == change for edit in pool_edits(world, provider_id))


def apply_pool_edits(world: World, provider_id: str, budgets: list[Budget], recipients: dict[str, str]) -> list[Budget]:
    """The provider's pools with the changes made to them, oldest first."""
    found = list(budgets)
    for number, edit in enumerate(pool_edits(world, provider_id)):
        if not found:
            break
        day = date.fromisoformat(edit["day"])
        if edit["kind"] == "second-budget":
            found.append(_second(_current(found, day), Decimal(edit["amount"])))
        elif edit["kind"] == "closed-budget":
            found.append(_closed(_current(found, day), Decimal(edit["amount"])))
        elif edit["kind"] == "next-quarter":
            found.append(_following(_current(found, day)))
        elif edit["kind"] == "use":
            invoice_id = str(INVOICE_BASE + 900_000 + number)
            recipients[invoice_id] = edit["careRecipientId"]
            _use(_current(found, day), provider_id, edit, invoice_id)
    return sorted(found, key=lambda budget: (budget.start_date, budget.budget_id))


def _current(budgets: list[Budget], day: date) -> Budget:
    """The regular budget of the quarter that a day falls in, or the last before it."""
    regular = [budget for budget in budgets if budget.budget_id.startswith("92")]
    return max((budget for budget in regular if budget.start_date <= day), key=lambda budget: budget.start_date)


def _second(first: Budget, amount: Decimal) -> Budget:
    """A second budget beside the first, half a quarter long: the care management supplement of a late start."""
    start = first.start_date + timedelta(days=45)
    row = Entitlement("CM_SUPPLEMENT", "Care management supplement", amount, start, first.end_date, first.created_at)
    budget = replace(
        first, budget_id=f"93{first.budget_id[2:]}", start_date=start, entitlements=[row], usage=[],
        used=Decimal("0.00"), write_off=Decimal("0.00"), rollover_deduction=Decimal("0.00"), status="OPEN",
    )  # fmt: skip
    budget.settle()
    return budget


def _closed(first: Budget, amount: Decimal) -> Budget:
    """A budget of the same quarter that was closed before the quarter's end, with money left in it."""
    second = _second(first, amount)
    return replace(second, budget_id=f"94{first.budget_id[2:]}", start_date=first.start_date, status="CLOSED")


def _following(last: Budget) -> Budget:
    """The next quarter's budget, known ahead."""
    quarter = quarter_of(last.start_date).next()
    rows = [replace(row, start_date=quarter.start_date, end_date=quarter.end_date) for row in last.entitlements]
    budget = replace(
        last, budget_id=f"{last.budget_id[:7]}{quarter.code}", start_date=quarter.start_date,
        end_date=quarter.end_date, entitlements=rows, usage=[], status="OPEN",
        write_off=Decimal("0.00"), rollover_deduction=Decimal("0.00"),
    )  # fmt: skip
    budget.settle()
    return budget


def _use(budget: Budget, provider_id: str, edit: PoolEdit, invoice_id: str) -> None:
    day = date.fromisoformat(edit["day"])
    service = CARE_MANAGEMENT_SERVICE
    line = UsageLine(
        "CM", provider_id, service.service_id, service.service_text, invoice_id, "1", -Decimal(edit["amount"]),
        day, day, updated_at=day_stamp(day, "03:00:00"),
    )  # fmt: skip
    budget.usage = [*budget.usage, line]
    budget.used += line.amount
    budget.updated_at = max(budget.updated_at, line.updated_at)
