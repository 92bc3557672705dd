"""The control API for care recipients: who there is, what each stands for, and changes to them."""

from __future__ import annotations

from typing import Any

from sandbox.container import Container
from sandbox.control_routes import body_of, control_routes
from sandbox.demo_people import scenario_of
from sandbox.edits import EDITS, BadEdit
from sandbox.scenarios import SCENARIOS
from sandbox.wire import Call, Route

_LISTED_NUMBERS = 10_000


class PeopleControl:
    """Handlers of the control API for care recipients."""

    def __init__(self, container: Container) -> None:
        self._world = container.world

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table = [
            ("GET", "/scenarios", self.scenarios),
            ("GET", "/care-recipients", self.care_recipients),
            ("POST", "/care-recipients", self.create),
            ("GET", "/care-recipients/{careRecipientId}", self.care_recipient),
            ("DELETE", "/care-recipients/{careRecipientId}", self.undo),
            ("POST", "/care-recipients/{careRecipientId}/{change}", self.change),
            ("POST", "/change", self.change_share),
        ]
        return control_routes("/sandbox", table)

    def scenarios(self, _call: Call) -> Any:
        """Each scenario with the care recipients that have it now, among the first ten thousand and the edited."""
        numbers: dict[str, list[str]] = {name: [] for name in SCENARIOS}
        for number in range(1, min(self._world.care_recipients, _LISTED_NUMBERS) + 1):
            edits = self._world.edits.get(number)
            name = edits[0]["name"] if edits and edits[0]["kind"] == "scenario" else scenario_of(number)
            numbers[name].append(str(400_000_000 + number))
        return [
            {"name": row.name, "description": row.description, "careRecipientIds": numbers[row.name]}
            for row in SCENARIOS.values()
        ]

    def care_recipients(self, call: Call) -> Any:
        """Who there is: from, limit."""
        first, limit = int(call.query.get("from", "1")), int(call.query.get("limit", "100"))
        last = min(self._world.care_recipients, first + limit - 1)
        return {
            "total": self._world.care_recipients,
            "careRecipients": [self._describe(number) for number in range(max(1, first), last + 1)],
        }

    def create(self, call: Call) -> Any:
        """One more care recipient: scenario."""
        name = str(body_of(call).get("scenario", "ordinary"))
        return self._describe(self._world.create(name))

    def care_recipient(self, call: Call) -> Any:
        """One care recipient: scenario, changes, and the ids of their budgets."""
        number = self._number(call)
        entry = self._world.entry(number)
        budgets = [
            {
                "budgetId": row.budget_id,
                "budgetTypeCode": row.type_code,
                "startDate": row.start_date,
                "endDate": row.end_date,
                "available": row.available,
            }
            for row in entry.budgets
        ]
        return {**self._describe(number), "edits": self._world.edits.get(number, []), "budgets": budgets}

    def undo(self, call: Call) -> Any:
        """Forget every change to a care recipient."""
        number = self._number(call)
        self._world.undo(number)
        return self._describe(number)

    def change(self, call: Call) -> Any:
        """Change a care recipient; the last part of the path names the change."""
        kind = call.args["change"]
        if kind not in EDITS:
            raise BadEdit(f"change must be one of {', '.join(EDITS)}")
        number = self._number(call)
        self._world.change(number, {**body_of(call), "kind": kind})
        return self._describe(number)

    def change_share(self, call: Call) -> Any:
        """One more usage line for a share of all people: share, seed."""
        share = float(call.query.get("share", "0.05"))
        if not 0 <= share <= 1:
            raise ValueError("share must be between 0 and 1")
        numbers = self._world.change_share(share, call.query.get("seed", ""))
        return {"changed": len(numbers), "careRecipientIds": [str(400_000_000 + number) for number in numbers[:1000]]}

    def _number(self, call: Call) -> int:
        number = self._world.number_of(call.args["careRecipientId"])
        if number is None:
            raise LookupError
        return number

    def _describe(self, number: int) -> dict[str, Any]:
        person = self._world.entry(number).person
        return {
            "careRecipientId": person.care_recipient_id,
            "firstName": person.first_name,
            "lastName": person.last_name,
            "serviceProviderId": person.service_provider_id,
            "scenario": person.scenario,
            "known": person.known,
            "consent": person.consent,
        }
