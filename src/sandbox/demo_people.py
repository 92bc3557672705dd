"""Who has which scenario in the demo world, and the person that comes of it."""

from __future__ import annotations

from datetime import date

from sandbox.people import Person, ordinary_person
from sandbox.scenarios import SCENARIOS

# Care recipient numbers of the demo world that are not ordinary; the id is 400000000 + number.
BY_NUMBER = {
    2: "supplements",
    4: "consent-refused",
    6: "moved-here",
    8: "duplicate-budgets",
    10: "came-back",
    12: "level-changed",
    14: "transitioned-hcp",
    16: "at-hm-only",
    18: "all-ended",
    20: "no-classification",
    22: "nobody",
    24: "reissued-budget",
    26: "unknown-codes",
    28: "contributions-absent",
    30: "contributions-zero",
    32: "rollover-mid-quarter",
    34: "closed-with-write-off",
    36: "interim-funding",
    38: "end-of-life",
    40: "restorative",
    42: "next-quarter-known",
    44: "open-ended-budget",
    46: "blank-invoice-ids",
    48: "sparse",
    50: "extra-members",
    52: "same-line-twice",
    54: "moved-here",
    56: "transitioned-hcp",
    58: "rollover-mid-quarter",
    60: "consent-refused",
}


def scenario_of(number: int) -> str:
    """The scenario that a number has by itself; beyond 60 everybody is of a kind that syncs without complaint."""
    if number <= 60:
        return BY_NUMBER.get(number, "ordinary")
    return {11: "transitioned-hcp", 23: "moved-here"}.get(number % 40, "ordinary")


def make_person(seed: str, number: int, anchor: date, scenario: str) -> Person:
    """A care recipient by number and scenario. KeyError if there is no such scenario."""
    person, rng = ordinary_person(seed, number, anchor)
    person.scenario = scenario
    SCENARIOS[scenario].apply(person, rng, anchor)
    return person
