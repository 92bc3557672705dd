"""Budgets that belong to a service provider rather than a person: care management, pooled by quarter.

Computed from the provider's care recipients; for more than SAMPLE of them the pool is scaled up from the first SAMPLE.
Source: rules SAH-08 and SAH-09.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from sandbox.clock import day_stamp
from sandbox.money import ZERO, Budget, Entitlement, cents
from sandbox.people import INVOICE_BASE, PROVIDERS, Person, UsageLine
from sandbox.pool_edits import apply_pool_edits
from sandbox.quarters import Quarter, quarters_between
from sandbox.rates import BUDGET_TYPES, CARE_MANAGEMENT_SERVICE, CLAIM_WINDOW_DAYS, PROGRAM_START_DATE
from sandbox.spending import LAG_DAYS
from sandbox.world import World

SAMPLE = 600
_POOLED_USAGE_PEOPLE = 12


def list_numbers(world: World, provider_id: str, *, descending: bool = False) -> Iterator[int]:
    """The numbers of a provider's care recipients, without computing those whose provider follows from the number."""
    size = world.care_recipients
    for number in range(size, 0, -1) if descending else range(1, size + 1):
        if number in world.edits:
            if world.entry(number).person.service_provider_id == provider_id:
                yield number
        elif PROVIDERS[number % len(PROVIDERS)][0] == provider_id:
            yield number


class Pools:
    """Care-management budgets by provider, computed once per version of the world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._found: dict[str, tuple[int, list[Budget], dict[str, str]]] = {}

    def list_budgets(self, provider_id: str) -> list[Budget]:
        """The provider's pooled budgets, oldest first; empty if it has nobody with ongoing funding."""
        return self._computed(provider_id)[0]

    def find_budget(self, budget_id: str) -> tuple[Budget, dict[str, str]] | None:
        """A pooled budget, and the care recipient id of each of its usage lines by invoice id."""
        if not budget_id.startswith(("92", "93", "94")) or len(budget_id) != 10:
            return None
        for provider_id in self._world.provider_ids():
            budgets, recipients = self._computed(provider_id)
            for budget in budgets:
                if budget.budget_id == budget_id:
                    return budget, recipients
        return None

    def _computed(self, provider_id: str) -> tuple[list[Budget], dict[str, str]]:
        version = self._world.overall_version()
        found = self._found.get(provider_id)
        if found is None or found[0] != version:
            budgets, recipients = _pooled(self._world, provider_id)
            found = (version, apply_pool_edits(self._world, provider_id, budgets, recipients), recipients)
            self._found[provider_id] = found
        return found[1], found[2]


def _pooled(world: World, provider_id: str) -> tuple[list[Budget], dict[str, str]]:
    numbers = list(list_numbers(world, provider_id))
    if not numbers:
        return [], {}
    sample = numbers[:SAMPLE]
    scale = Decimal(len(numbers)) / len(sample)
    today = world.clock.today()
    shares: dict[tuple[str, str], Decimal] = {}
    people: list[Person] = []
    for number in sample:
        entry = world.entry(number)
        if not entry.person.known:
            continue
        for budget in entry.budgets:
            for row in budget.entitlements if budget.type_code == "ON" else ():
                if "_RATE_" in row.item_code:
                    key = (budget.budget_id[:3], row.item_code)
                    # The participant's part is nine tenths, so a ninth of it is the other tenth.
                    shares[key] = shares.get(key, ZERO) + row.amount / 9
        people.append(entry.person)
    recipients: dict[str, str] = {}
    budgets = []
    carried, landed = ZERO, ""
    for quarter in quarters_between(PROGRAM_START_DATE, today):
        rows = [
            _entitlement(code, cents(amount * scale), quarter)
            for (when, code), amount in sorted(shares.items())
            if when == quarter.code
        ]
        if not rows:
            continue
        budget = _budget(provider_id, quarter, rows)
        budget.usage = _usage(provider_id, quarter, people[:_POOLED_USAGE_PEOPLE], today, recipients)
        budget.settle(carried)
        budget.updated_at = max(budget.updated_at, landed)
        carried, landed = _carry_over(budget, quarter, today)
        budgets.append(budget)
    return budgets, recipients


def _entitlement(code: str, amount: Decimal, quarter: Quarter) -> Entitlement:
    start = max(quarter.start_date, PROGRAM_START_DATE)
    return Entitlement(
        f"CM_{code}", f"Care management - from {code}", amount, start, quarter.end_date, day_stamp(start)
    )


def _budget(provider_id: str, quarter: Quarter, rows: list[Entitlement]) -> Budget:
    start = max(quarter.start_date, PROGRAM_START_DATE)
    return Budget(
        budget_id=f"92{provider_id[-5:]}{quarter.code}",
        service_provider_id=provider_id,
        care_recipient_id="",
        type_code="CM",
        type_text=BUDGET_TYPES["CM"],
        start_date=start,
        end_date=quarter.end_date,
        created_at=day_stamp(start),
        updated_at=day_stamp(start),
        entitlements=rows,
    )


def _usage(
    provider_id: str, quarter: Quarter, people: list[Person], today: date, recipients: dict[str, str]
) -> list[UsageLine]:
    found = []
    for person in people:
        delivered = max(quarter.start_date, person.entry_date) + timedelta(days=5 + person.number % 20)
        visible = delivered + timedelta(days=LAG_DAYS)
        if visible > today or delivered > quarter.end_date:
            continue
        invoice_id = str(INVOICE_BASE + person.number * 1000 + 990 - quarter.ordinal % 80)
        recipients[invoice_id] = person.care_recipient_id
        service = CARE_MANAGEMENT_SERVICE
        found.append(
            UsageLine(
                "CM",
                provider_id,
                service.service_id,
                service.service_text,
                invoice_id,
                "1",
                -service.price,
                delivered,
                visible,
                updated_at=day_stamp(visible, "03:00:00"),
            )
        )
    return found


def _carry_over(budget: Budget, quarter: Quarter, today: date) -> tuple[Decimal, str]:
    """Within a financial year everything goes on; into the next one at most what April to June allocated."""
    landing = quarter.end_date + timedelta(days=CLAIM_WINDOW_DAYS)
    if landing > today:
        return ZERO, ""
    unspent = max(ZERO, budget.total + budget.used)
    allocated = sum((row.amount for row in budget.entitlements), ZERO)
    carried = min(unspent, allocated) if quarter.code.endswith("4") else unspent
    budget.rollover_deduction, budget.write_off = -carried, -(unspent - carried)
    budget.status = "CLOSED"
    stamp = day_stamp(landing, "18:00:00")
    budget.updated_at = max(budget.updated_at, stamp)
    return carried, stamp
