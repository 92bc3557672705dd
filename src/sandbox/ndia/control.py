"""The control API under /sandbox/ndia: who there is, switches, events, and changes to participants and their plans.

Errors are 400 with {"error": "..."}, and 404 for what does not exist. Changes are announced as the NDIA would.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from sandbox.container import Container
from sandbox.control_routes import body_of, control_routes
from sandbox.ndia.budgets import budget_tree, plan_in_force
from sandbox.ndia.participants import SCENARIOS, Facts, category
from sandbox.ndia.state import NdiaState
from sandbox.wire import Call, Route

Change = Callable[["NdiaControl", Facts, dict[str, Any]], None]


class NdiaControl:
    """Handlers of the NDIA's control API."""

    def __init__(self, container: Container) -> None:
        self.ndia = NdiaState(container.world)

    def routes(self) -> list[Route]:
        """The lines of the route table."""
        table = [
            ("GET", "/participants", self.participants),
            ("POST", "/participants", self.create),
            ("GET", "/participants/{ndisNumber}", self.participant),
            ("POST", "/participants/{ndisNumber}/{change}", self.change),
            ("GET", "/switches", self.switches),
            ("POST", "/switches", self.switch),
            ("GET", "/events", self.events),
        ]
        return control_routes("/sandbox/ndia", table)

    def participants(self, _call: Call) -> Any:
        """Everybody, with the scenario they stand for."""
        return [self._described(facts) for facts in self.ndia.participants.values()]

    def create(self, call: Call) -> Any:
        """One more participant: scenario."""
        return self._described(self.ndia.create(str(body_of(call).get("scenario", "take-over"))))

    def participant(self, call: Call) -> Any:
        """One participant's facts, and the budget that follows from them today."""
        facts = self.ndia.participants[call.args["ndisNumber"]]
        return {**facts, "budget": budget_tree(facts, self.ndia.today)}

    def change(self, call: Call) -> Any:
        """Change a participant; the last part of the path names the change."""
        facts = self.ndia.participants[call.args["ndisNumber"]]
        CHANGES[call.args["change"]](self, facts, body_of(call))
        return self._described(facts)

    def switches(self, _call: Call) -> Any:
        """The switches."""
        return self.ndia.switches

    def switch(self, call: Call) -> Any:
        """Change some switches."""
        wanted = body_of(call)
        unknown = wanted.keys() - self.ndia.switches.keys()
        if unknown:
            raise ValueError(f"unknown switch: {', '.join(sorted(unknown))}")
        self.ndia.switches.update(wanted)
        return self.ndia.switches

    def events(self, _call: Call) -> Any:
        """What was announced, and when it reaches a subscriber."""
        return self.ndia.data["events"]

    def _described(self, facts: Facts) -> dict[str, Any]:
        names = ("ndisNumber", "firstName", "surname", "birthDate", "scenario")
        return {
            **{name: facts[name] for name in names},
            "description": SCENARIOS[facts["scenario"]].description,
        }

    def identity(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """surname, birthDate."""
        facts.update({name: wanted[name] for name in ("surname", "birthDate") if name in wanted})

    def consent(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """given: true or false."""
        facts["consent"] = bool(wanted.get("given", True))

    def relationship(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """role, start, end ("" for none): replaces the one of that role."""
        row = {
            "role": wanted["role"],
            "start": wanted.get("start") or facts["firstStart"],
            "end": wanted.get("end", ""),
        }
        facts["relationships"] = [fact for fact in facts["relationships"] if fact["role"] != row["role"]] + [row]
        name = "RLTN_END_DATE_UPDATE" if row["end"] else "RLTN_CREATED"
        self.ndia.note_event(name, facts, provider_role=row["role"], start_date=row["start"], end_date=row["end"])

    def end_date(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """endDate of the plan in force."""
        self._plan(facts)["end"] = date.fromisoformat(wanted["endDate"]).isoformat()
        self.ndia.note_event("PLAN_END_DT_UPDATED", facts)

    def set_category(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """category, and any of: approved, management, kind, instalments, newText, isDeleted (at the partner's gateway).

        Adds it when it is not there.
        """
        rows = self._plan(facts)["categories"]
        row = next((planned for planned in rows if planned["category"] == wanted["category"]), None)
        if row is None:
            row = category(wanted["category"], "0.00")
            rows.append(row)
        for name in ("approved", "management", "kind", "instalments", "support", "start", "end", "items", "isDeleted"):
            if name in wanted:
                row[name] = wanted[name]
        row["category"] = wanted.get("newText", row["category"])
        self.ndia.note_event("BUDGET_UPDATED", facts)

    def remove_category(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """category."""
        plan = self._plan(facts)
        plan["categories"] = [row for row in plan["categories"] if row["category"] != wanted["category"]]
        self.ndia.note_event("BUDGET_UPDATED", facts)

    def spend(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """category, amount, date (today if missing)."""
        row = next(planned for planned in self._plan(facts)["categories"] if planned["category"] == wanted["category"])
        day = wanted.get("date") or self.ndia.today.isoformat()
        row["spending"].append({"date": day, "amount": str(wanted["amount"])})
        self.ndia.note_event("BUDGET_UPDATED", facts)

    def review(self, facts: Facts, wanted: dict[str, Any]) -> None:
        """A plan review from startDate (or today) to endDate: the same categories with new money, nothing spent.

        approved: amounts by category.
        """
        old = self._plan(facts)
        start = date.fromisoformat(wanted.get("startDate") or self.ndia.today.isoformat())
        if start <= date.fromisoformat(old["start"]):
            raise ValueError("startDate must come after the plan's start")
        amounts = wanted.get("approved", {})
        rows = [
            {**row, "spending": [], "approved": str(amounts.get(row["category"], row["approved"]))}
            for row in old["categories"]
        ]
        old["end"] = min(old["end"], (start - timedelta(days=1)).isoformat())
        end = wanted.get("endDate") or (start + timedelta(days=364)).isoformat()
        facts["plans"].append({"start": start.isoformat(), "end": end, "categories": rows})
        self.ndia.note_event("PLAN_APPROVED", facts)

    def _plan(self, facts: Facts) -> Facts:
        return plan_in_force(facts, self.ndia.today)


CHANGES: dict[str, Change] = {
    "identity": NdiaControl.identity,
    "consent": NdiaControl.consent,
    "relationship": NdiaControl.relationship,
    "end-date": NdiaControl.end_date,
    "set-category": NdiaControl.set_category,
    "remove-category": NdiaControl.remove_category,
    "spend": NdiaControl.spend,
    "review": NdiaControl.review,
}
