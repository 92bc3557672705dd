"""Named scenarios: an ordinary person turned into a special one. Who has which is in demo_people.py.

A scenario changes facts only; what follows for the money is derived (`money.py`). Dates hang on the world's anchor
(the first day of the quarter in which it began), never on today, so that a person stays the same as the clock moves.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from sandbox.people import (
    Allocation,
    Classification,
    Contribution,
    Grant,
    Person,
    Reissue,
    grant_id,
    next_grant_id,
    ongoing,
)
from sandbox.quarters import add_year, quarter_of
from sandbox.rates import END_OF_LIFE_DAILY, END_OF_LIFE_DAYS, INTERIM_SHARE, RESTORATIVE_DAILY, RESTORATIVE_DAYS
from sandbox.tiers import add_tier, tiered_grant

Change = Callable[[Person, Random, date], None]


class Scenario(NamedTuple):
    """One named scenario."""

    name: str
    description: str
    apply: Change


SCENARIOS: dict[str, Scenario] = {}


def _scenario(
    name: str, description: str
) -> Callable[[Callable[[Person, Random, date], None]], Callable[[Person, Random, date], None]]:
    def register(apply: Callable[[Person, Random, date], None]) -> Callable[[Person, Random, date], None]:
        SCENARIOS[name] = Scenario(name, description, apply)
        return apply

    return register


def _two_quarters_before(anchor: date) -> date:
    return quarter_of(quarter_of(anchor).start_date - timedelta(days=100)).start_date


@_scenario("ordinary", "Ongoing funding, some with supplements, AT or HM money; most people are like this")
def _ordinary(person: Person, rng: Random, anchor: date) -> None:
    start = max(person.entry_date, anchor - timedelta(days=rng.randrange(30, 200)))
    add_tier(person, rng.choice(("AT", "AT", "HM")), rng.choice(("LOW", "MEDIUM", "MEDIUM", "HIGH")), start)


@_scenario("transitioned-hcp", "Kept a Home Care Package level (codes HCP_RATE_n are the sandbox's own)")
def _transitioned(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    level = f"HCP{rng.randrange(1, 5)}"
    person.planned_level = level
    person.classifications[0:] = [
        ongoing(level, person.entry_date),
        *(row for row in person.classifications if row.code != "ON"),
    ]


@_scenario("end-of-life", "End-of-Life Pathway of twelve weeks after ongoing funding, with a priority of Urgent")
def _end_of_life(person: Person, _rng: Random, anchor: date) -> None:
    start = anchor - timedelta(days=20)
    end = start + timedelta(days=END_OF_LIFE_DAYS - 1)
    person.classifications[-1].end_date = start - timedelta(days=1)
    person.classifications.append(Classification("End-of-life pathway", "EL", "1", start, end, priority="Urgent"))
    total = (END_OF_LIFE_DAILY * END_OF_LIFE_DAYS).quantize(Decimal("0.01"))
    person.grants.append(
        Grant("EL", next_grant_id(person), total, start, end, "EL_UNIT", "End-of-life pathway - one unit", start)
    )


@_scenario("restorative", "Restorative Care Pathway of sixteen weeks beside ongoing funding")
def _restorative(person: Person, _rng: Random, anchor: date) -> None:
    start = anchor - timedelta(days=35)
    end = start + timedelta(days=RESTORATIVE_DAYS - 1)
    person.classifications.append(Classification("Restorative care pathway", "RC", "1", start, end, priority="High"))
    total = (RESTORATIVE_DAILY * RESTORATIVE_DAYS).quantize(Decimal("0.01"))
    person.grants.append(
        Grant("RC", next_grant_id(person), total, start, end, "RC_UNIT", "Restorative care pathway - one unit", start)
    )


@_scenario("level-changed", "A higher level from the middle of the quarter: two core entitlements in one budget")
def _level_changed(person: Person, _rng: Random, anchor: date) -> None:
    change = anchor + timedelta(days=24)
    person.planned_level = "3"
    person.classifications = [ongoing("3", person.entry_date, change - timedelta(days=1)), ongoing("6", change)]


@_scenario("interim-funding", "Paid 60% of the classification while waiting for the full allocation")
def _interim(person: Person, _rng: Random, _anchor: date) -> None:
    person.spend_share = 0.4
    for row in person.classifications:
        row.share = INTERIM_SHARE


@_scenario("at-hm-only", "Only assistive technology and home modification money")
def _at_hm_only(person: Person, _rng: Random, anchor: date) -> None:
    person.classifications, person.supplements = [], []
    add_tier(person, "AT", "MEDIUM", anchor - timedelta(days=80))
    add_tier(person, "HM", "HIGH", anchor - timedelta(days=50))


@_scenario("consent-refused", "Lists work; budget details are refused with 403 because consent was not given")
def _consent_refused(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.consent = False


@_scenario("nobody", "The funder does not know this ID: every read is 'Not found'")
def _nobody(person: Person, _rng: Random, _anchor: date) -> None:
    person.known = False


@_scenario("no-classification", "Known, but without any classification, service, supplement or budget yet")
def _no_classification(person: Person, _rng: Random, _anchor: date) -> None:
    person.classifications, person.approved_services, person.supplements = [], [], []
    person.contributions = None


@_scenario(
    "all-ended", "Every classification ended in the quarter before; the last budget is still in its claim window"
)
def _all_ended(person: Person, _rng: Random, anchor: date) -> None:
    end = anchor - timedelta(days=12)
    person.classifications[-1].end_date = end
    for row in person.approved_services:
        row.end_date = end


@_scenario("came-back", "Left, and came back after a gap of more than a quarter")
def _came_back(person: Person, _rng: Random, anchor: date) -> None:
    left = person.entry_date + timedelta(days=45)
    back = anchor - timedelta(days=40)
    person.classifications = [
        ongoing(person.planned_level, person.entry_date, left),
        ongoing(person.planned_level, back),
    ]


@_scenario("moved-here", "Came from another provider: earlier usage carries that provider's id and invoices")
def _moved_here(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.foreign_until = anchor - timedelta(days=30)


@_scenario("duplicate-budgets", "Four AT budgets with the same dates, three of them with a total of 0.00")
def _duplicate_budgets(person: Person, _rng: Random, anchor: date) -> None:
    start = anchor - timedelta(days=90)
    person.classifications.append(Classification("Assistive technology", "AT", "MEDIUM", start, add_year(start)))
    for _ in range(3):
        grant = tiered_grant(person, "AT", "MEDIUM", start, total=Decimal("0.00"))
        grant.usage_here = False
        person.grants.append(grant)
    person.grants.append(tiered_grant(person, "AT", "MEDIUM", start))


@_scenario("reissued-budget", "An AT budget was issued again under a new ID; the old one remains with a total of zero")
def _reissued_budget(person: Person, _rng: Random, anchor: date) -> None:
    add_tier(person, "AT", "MEDIUM", anchor - timedelta(days=100))
    person.reissues.append(
        Reissue(person.grants[0].budget_id, grant_id(person.number, 10), True, anchor - timedelta(days=9))
    )


@_scenario("unknown-codes", "Unknown codes: a budget type, an entitlement, a classification")
def _unknown_codes(person: Person, _rng: Random, anchor: date) -> None:
    start = anchor - timedelta(days=15)
    person.unknown_codes = True
    person.classifications.append(Classification("Something new", "ZZ", "9X", start, None))
    person.grants.append(
        Grant("ZZ", next_grant_id(person), Decimal("750.00"), start, add_year(start), "ZZ_UNIT", "Something new", start)
    )


@_scenario("contributions-absent", "No contribution rows at all, which is not 0%")
def _contributions_absent(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.contributions = None


@_scenario("contributions-zero", "Contribution rows of 0% (no worse off)")
def _contributions_zero(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.contributions = [Contribution(Decimal("0.00"), Decimal("0.00"), person.entry_date)]


@_scenario(
    "rollover-mid-quarter",
    "The quarter before is rolled over 41 days into this one: the total grows in mid-quarter",
)
def _rollover_mid_quarter(person: Person, _rng: Random, _anchor: date) -> None:
    person.spend_share = 0.3
    person.rollover_lag_days = 41


@_scenario("closed-with-write-off", "Spent little: the closed quarter shows a rollover deduction and a write-off")
def _closed_with_write_off(person: Person, _rng: Random, _anchor: date) -> None:
    person.planned_level = "7"
    person.classifications = [ongoing("7", person.entry_date)]
    person.spend_share = 0.25
    person.rollover_lag_days = 15


@_scenario("next-quarter-known", "The next quarter's budget shows 45 days ahead")
def _next_quarter_known(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.next_quarter_days = 45


@_scenario("open-ended-budget", "An AT budget without an end date")
def _open_ended_budget(person: Person, _rng: Random, anchor: date) -> None:
    add_tier(person, "AT", "HIGH", anchor - timedelta(days=60))
    person.grants[-1].end_date = None
    person.classifications[-1].end_date = None


@_scenario("blank-invoice-ids", "Usage lines without invoice and item IDs")
def _blank_invoice_ids(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.invoice_ids = "blank"


@_scenario("same-line-twice", "The newest usage line of each quarter is returned twice, same invoice and item ID")
def _same_line_twice(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.same_line_twice = True


@_scenario("sparse", "Optional members are missing from every answer")
def _sparse(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.sparse = True


@_scenario("extra-members", "Unknown members in every answer; entitlements carry the Care Recipient ID")
def _extra_members(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.extra_members = True
    person.recipient_in_entitlements = True


@_scenario("supplements", "Oxygen and non-bolus enteral feeding supplements on level 7")
def _supplements(person: Person, rng: Random, anchor: date) -> None:
    _ordinary(person, rng, anchor)
    person.planned_level = "7"
    person.classifications = [
        ongoing("7", person.entry_date),
        *(row for row in person.classifications if row.code != "ON"),
    ]
    since = max(person.entry_date, _two_quarters_before(anchor))
    person.supplements = [Allocation("OXY_NORM", since), Allocation("ENT_NNBO", since)]
