"""The NDIA's memory: participants, switches, budget calls of the last hour, events. All of it plain JSON in the world.

No HTTP here.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.clock import stamp
from sandbox.ndia.participants import MY_PROVIDER, PLAN_MANAGER, Facts, first_participants, make_participant
from sandbox.world import World

# Where the real thing is unknown or strict: changeable while the sandbox runs.
DEFAULT_SWITCHES: dict[str, Any] = {
    # How many budgets are served per hour, 0 without end.
    "budgetsPerHour": 0,
    # "all" categories, or "mine": only those that the plan manager manages.
    "view": "all",
    # How "nobody matches" looks: "404", "empty" (200 with an empty result) or "text" (200 with an error text).
    "nobody": "404",
    # Whether the partner's gateway says what was released; if not it sends 0, as one gateway's public sample does.
    "gatewayReleased": True,
    # Errors as plain "texts" or as "pairs" of key and value.
    "errors": "texts",
    # False answers budget 5.0 with a blank 404, so that only 4.0 is there.
    "budget5": True,
    # Minutes until an event reaches its subscriber.
    "eventDelayMinutes": 10,
    # How often an event is tried, how long after the first failure again, and where its signature stands.
    "eventAttempts": 5,
    "eventRetrySeconds": 30,
    "eventSignatureHeader": "X-Signature",
}


class NdiaState:
    """What the NDIA knows. `today` follows the world's clock."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def data(self) -> dict[str, Any]:
        """The saved JSON, made when it is first asked for."""
        if "ndia" not in self.world.sections:
            self.world.sections["ndia"] = {
                "participants": first_participants(self.today),
                "switches": dict(DEFAULT_SWITCHES),
                "budgetCalls": [],
                "events": [],
                "subscriptions": {},
                "claims": 0,
            }
        found: dict[str, Any] = self.world.sections["ndia"]
        return found

    @property
    def today(self) -> date:
        return self.world.clock.today()

    @property
    def participants(self) -> dict[str, Facts]:
        found: dict[str, Facts] = self.data["participants"]
        return found

    @property
    def switches(self) -> dict[str, Any]:
        found: dict[str, Any] = self.data["switches"]
        return found

    def find(self, ndis_number: str, surname: str, birth_date: str) -> Facts | None:
        """The participant whom all three values match, the surname without regard to case and edges."""
        facts = self.participants.get(ndis_number.replace(" ", ""))
        if facts is None or facts["birthDate"] != birth_date.strip():
            return None
        return facts if facts["surname"].casefold() == surname.strip().casefold() else None

    def may_be_seen(self, facts: Facts) -> bool:
        """Whether this organisation may see plan and budget: consent, and both relationships in force."""
        return bool(facts["consent"]) and all(
            any(row["role"] == role and self._in_force(row) for row in facts["relationships"])
            for role in (PLAN_MANAGER, MY_PROVIDER)
        )

    def _in_force(self, row: Facts) -> bool:
        today = self.today.isoformat()
        return row["start"] <= today and (not row["end"] or row["end"] >= today)

    def take_budget_call(self) -> int:
        """Count a budget call; 0 if it may pass, else the seconds until the next one may."""
        now = self.world.clock.now().timestamp()
        calls: list[float] = [at for at in self.data["budgetCalls"] if at > now - 3600]
        limit = self.switches["budgetsPerHour"]
        if limit and len(calls) >= limit:
            self.data["budgetCalls"] = calls
            return max(1, int(calls[0] + 3600 - now))
        self.data["budgetCalls"] = [*calls, now][-10_000:]
        return 0

    def note_event(self, event_id: str, facts: Facts, **response: Any) -> None:
        """Something that the NDIA announces. A period that rolls over is not among these."""
        now = self.world.clock.now()
        due = stamp(now + timedelta(minutes=self.switches["eventDelayMinutes"]))
        event: dict[str, Any] = {
            "event_id": event_id,
            "response": {"participant": int(facts["ndisNumber"]), **response},
            "occurredAt": stamp(now),
            "deliveredAt": due,
        }
        if event_id in self.data["subscriptions"]:
            event["delivery"] = {"state": "waiting", "attempts": 0, "status": None, "nextAt": due}
        self.data["events"].append(event)

    def create(self, scenario: str) -> Facts:
        """One more participant. Raises KeyError for an unknown scenario."""
        facts = make_participant(len(self.participants) + 1, scenario, self.today)
        self.participants[facts["ndisNumber"]] = facts
        return facts
