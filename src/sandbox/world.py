"""The sandbox's world: how many people there are, what was changed, the clock, and what follows from these.

A person and their budgets are computed when asked for and kept in a small cache; only edits are state, so that 100,000
people cost neither start-up time nor memory. No HTTP here.
"""

from __future__ import annotations

from collections import OrderedDict
from datetime import date
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import msgspec

from sandbox.clock import Clock, stamp
from sandbox.demo_people import make_person, scenario_of
from sandbox.edits import BadEdit, Edit, apply_edit
from sandbox.money import Budget, derive_budgets
from sandbox.people import FIRST_ID, GRANT_BASE, PROVIDERS, Person
from sandbox.quarters import quarter_of
from sandbox.scenarios import SCENARIOS


class Entry(NamedTuple):
    """A person with the budgets that follow, as of the version they were computed for."""

    version: int
    person: Person
    budgets: list[Budget]


class World:
    """All state of the funder's side. `sections` holds the plain JSON state of handlers (invoices, claims, NDIA)."""

    def __init__(self, care_recipients: int = 60, seed: str = "carefund", today: date | None = None) -> None:
        self.initial = (care_recipients, seed, today)
        self.clock = Clock(today)
        self.care_recipients = care_recipients
        self.seed = seed
        self.anchor = quarter_of(self.clock.today()).start_date
        self.edits: dict[int, list[Edit]] = {}
        self.sections: dict[str, Any] = {}
        self.pending_claims: set[str] = set()
        self.changes = 0
        self._revisions: dict[int, int] = {}
        self._cache: OrderedDict[int, Entry] = OrderedDict()
        self._cache_size = 2_000

    def reset(self, *, care_recipients: int | None = None, seed: str | None = None, today: date | None = None) -> None:
        """Back to the beginning, clock included, with another size, seed or day if given."""
        self.care_recipients = self.initial[0] if care_recipients is None else care_recipients
        self.seed = seed or self.initial[1]
        self.clock.start(today or self.initial[2])
        self.anchor = quarter_of(self.clock.today()).start_date
        self.edits.clear()
        self.sections.clear()
        self.pending_claims.clear()
        self.changes += 1
        # Versions must not repeat, or answers cached before the reset would pass for fresh ones.
        self.clock.generation += 1
        self._revisions.clear()
        self._cache.clear()

    def version(self, number: int) -> int:
        """Grows whenever the answers about a person may differ: the day turned, or somebody changed them."""
        self.clock.today()
        return (self.clock.generation << 32) + (self._revisions.get(number, 0) << 1)

    def overall_version(self) -> int:
        """Grows whenever anybody's answers may differ."""
        self.clock.today()
        return (self.clock.generation << 32) + self.changes

    def number_of(self, care_recipient_id: str) -> int | None:
        """The number behind a care recipient id, or None if the world is not that big."""
        if len(care_recipient_id) != 9 or not care_recipient_id.isdecimal():
            return None
        number = int(care_recipient_id) - FIRST_ID
        return number if 1 <= number <= self.care_recipients else None

    def entry(self, number: int) -> Entry:
        """A person with budgets, computed once per version."""
        version = self.version(number)
        found = self._cache.get(number)
        if found is not None and found.version == version:
            return found
        person = self._person(number, self.edits.get(number, ()))
        found = Entry(version, person, derive_budgets(person, self.clock.today()))
        self._cache[number] = found
        if len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return found

    def find_person(self, care_recipient_id: str) -> Person | None:
        """The person behind an id, or None if the funder knows nobody by it."""
        number = self.number_of(care_recipient_id)
        if number is None:
            return None
        person = self.entry(number).person
        return person if person.known else None

    def find_budget(self, budget_id: str) -> tuple[Person, Budget] | None:
        """A care recipient's budget and its holder; pooled budgets are found in `pools.py`."""
        number = self.budget_holder(budget_id)
        if number is None:
            return None
        found = self.entry(number)
        dropped = found.person.dropped.get("budgets", ())
        if not found.person.known or "all" in dropped or budget_id in dropped:
            return None
        for budget in found.budgets:
            if budget.budget_id == budget_id:
                return found.person, budget
        return None

    def budget_holder(self, budget_id: str) -> int | None:
        """The number of the person who may hold a budget id: it says so itself, unless it was re-issued freely."""
        if budget_id.isdecimal():
            if len(budget_id) == 12:
                return self.number_of(budget_id[3:])
            number = (int(budget_id) - GRANT_BASE) // 100
            if 1 <= number <= self.care_recipients:
                return number
        for number, edits in self.edits.items():
            if any(edit.get("newBudgetId") == budget_id for edit in edits):
                return number
        return None

    def change(self, number: int, edit: Edit) -> Person:
        """Apply and keep an edit. Raises BadEdit without a trace if it cannot be applied."""
        full = {**edit, "at": stamp(self.clock.now()), "day": self.clock.today().isoformat()}
        edits = [full] if edit.get("kind") == "scenario" else [*self.edits.get(number, ()), full]
        try:
            person = self._person(number, edits)
            derive_budgets(person, self.clock.today())
        except KeyError as unknown:
            raise BadEdit(f"unknown: {unknown}") from None
        self.edits[number] = edits
        self.changes += 1
        self._revisions[number] = self._revisions.get(number, 0) + 1
        return person

    def undo(self, number: int) -> None:
        """Forget every edit of a person; somebody created on request stays, as what they were created."""
        edits = self.edits.pop(number, [])
        if number > self.initial[0] and edits and edits[0]["kind"] == "scenario":
            self.edits[number] = edits[:1]
        self.changes += 1
        self._revisions[number] = self._revisions.get(number, 0) + 1

    def change_share(self, share: float, seed: str = "") -> list[int]:
        """Give a share of all people one more usage line. Returns their numbers, repeatable by seed and history."""
        count = round(self.care_recipients * share)
        rng = Random(f"{self.seed}:{seed}:{self.changes}")
        chosen = sorted(rng.sample(range(1, self.care_recipients + 1), count))
        for number in chosen:
            self.change(number, {"kind": "add-usage", "amount": "-25.00"})
        return chosen

    def create(self, scenario: str = "ordinary") -> int:
        """One more care recipient. Raises KeyError if there is no such scenario."""
        SCENARIOS[scenario]
        self.care_recipients += 1
        self.change(self.care_recipients, {"kind": "scenario", "name": scenario})
        return self.care_recipients

    def provider_ids(self) -> list[str]:
        """Every serviceProviderId of the organisation, those given by edits included."""
        given = {
            str(edit["serviceProviderId"])
            for edits in self.edits.values()
            for edit in edits
            if edit["kind"] == "service-provider"
        }
        return sorted({provider for provider, _ in PROVIDERS} | given)

    def save(self, path: Path, extra: dict[str, Any]) -> None:
        """Write the state to a file in one step."""
        document = {
            "careRecipients": self.care_recipients,
            "seed": self.seed,
            "anchor": self.anchor,
            "clockOffset": self.clock.offset,
            "edits": {str(number): edits for number, edits in self.edits.items()},
            "rooms": self.sections,
            "pendingClaims": sorted(self.pending_claims),
            **extra,
        }
        part = path.with_name(path.name + ".part")
        part.write_bytes(msgspec.json.encode(document))
        part.replace(path)

    def load(self, document: dict[str, Any]) -> None:
        """Take over a saved state."""
        self.care_recipients = document["careRecipients"]
        self.seed = document["seed"]
        self.anchor = date.fromisoformat(document["anchor"])
        self.edits = {int(number): edits for number, edits in document["edits"].items()}
        self.sections = document["rooms"]
        self.pending_claims = set(document["pendingClaims"])
        self.clock.offset = document["clockOffset"]
        self.changes += 1
        self.clock.generation += 1
        self._cache.clear()

    def _person(self, number: int, edits: list[Edit] | tuple[Edit, ...]) -> Person:
        scenario = scenario_of(number)
        if edits and edits[0]["kind"] == "scenario":
            scenario = edits[0]["name"]
        person = make_person(self.seed, number, self.anchor, scenario)
        for edit in edits:
            apply_edit(person, edit)
        return person
