"""How many budgets are explained to the cent: every budget of a sandbox with many people, given to the rule as it is.

Without network and database, which is why it counts budgets and not milliseconds. `make bench ARGS=--explanations`.
"""

import re
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from carefund.domain.care_recipient.entitlement_amounts import HeldRate, Terms
from carefund.domain.care_recipient.explaining import Drawn, Facts, explain
from carefund.domain.care_recipient.rates import RATES, key_of
from carefund.domain.periods import Period
from sandbox.demo_people import make_person
from sandbox.money import Budget, derive_budgets
from sandbox.people import Person
from sandbox.quarters import quarter_of
from sandbox.scenarios import SCENARIOS

_HEADING = "## Budgets explained"
_TODAY = date(2026, 11, 20)


def count(people: int) -> Counter[str]:
    """Count the budgets of so many people, those explained to the cent, and what is named where a row is missing."""
    counts: Counter[str] = Counter()
    scenarios = list(SCENARIOS)
    anchor = quarter_of(_TODAY).start_date
    begun = time.process_time()
    for number in range(1, people + 1):
        person = make_person("carefund", number, anchor, scenarios[number % len(scenarios)])
        for facts in _gather(person, derive_budgets(person, _TODAY)):
            explanation = explain(facts)
            counts["budgets"] += 1
            counts["explained"] += explanation.is_explained
            counts["worked out"] += explanation.is_worked_out
            rows = list(facts.entitlements or ())
            if facts.terms.held and rows and rows[0].amount:
                counts["robbed"] += 1
                robbed = explain(replace(facts, entitlements=rows[1:])).total
                counts["named"] += robbed.rest == rows[0].amount and "entitlements do not include" in robbed.cause
    counts["seconds"] = round(time.process_time() - begun)
    return counts


def _gather(person: Person, budgets: list[Budget]) -> Iterator[Facts]:
    levels = [row for row in person.classifications if row.code == "ON"]
    held = [HeldRate(row.level, f"Level {row.level}", Period(row.start_date, row.end_date)) for row in levels]
    held += [HeldRate(key_of(row.code), row.code, Period(row.start_date, row.end_date)) for row in person.supplements]
    before = {budget.end_date: budget for budget in budgets if budget.type_code == "ON"}
    for budget in budgets:
        is_ongoing = budget.type_code == "ON"
        earlier = before.get(budget.start_date - timedelta(days=1)) if is_ongoing else None
        yield Facts(
            budget,
            Terms(budget.type_code, Period(budget.start_date, budget.end_date), held if is_ongoing else (), RATES),
            budget.entitlements,
            draws=[Drawn(line.description, line.amount, line.service_provider_id) for line in budget.usage],
            rolled_over=("the quarter before", -earlier.rollover_deduction) if earlier else None,
        )


def merge(people: int, page: Path) -> str:
    """Count, and put the section into a page of an earlier bench in place of an earlier one."""
    counts = count(people)

    def share(part: str, whole: str = "budgets") -> str:
        return f"{counts[part]:,} | {Decimal(100 * counts[part]) / counts[whole]:.2f}%"

    section = f"""{_HEADING}

Every scenario of the sandbox in turn, {people:,} people: levels that change in mid-quarter, interim funding, the first
quarter of 61 days, late rollover and money written off, pathways, tiers, codes that nobody knows. Counted on
{datetime.now(UTC):%-d %B %Y} in {counts["seconds"]:,} CPU seconds, without network and database.

| | budgets | share |
|---|--:|--:|
| all | {counts["budgets"]:,} | |
| explained to the cent | {share("explained")} |
| of these, each entitlement also by the rate table | {share("worked out")} |
| ongoing, with one entitlement taken away: that one is named | {share("named", "robbed")} |"""
    text = re.sub(rf"{_HEADING}\n.*?(?=\n## )", "", page.read_text(), flags=re.DOTALL).replace("\n\n\n", "\n\n")
    before, heading, after = text.partition("## Aims not reached, or not measured")
    page.write_text(f"{before}{section}\n\n{heading}{after}")
    return section
