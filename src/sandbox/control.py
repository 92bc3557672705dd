"""The control API under /sandbox: the clock, faults, the journal, switches, and what there is in this world.

No funder has these addresses.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from sandbox.clock import stamp
from sandbox.container import Container
from sandbox.control_routes import body_of, control_routes
from sandbox.gateway import AGED_CARE_AUDIENCE, CLIENT_ID, NDIA_AUDIENCE, ORGANISATION_ID
from sandbox.people import PROVIDERS
from sandbox.proda import PRODA_CLIENT_ID
from sandbox.proda_tokens import ISSUER
from sandbox.provider_file import ORGANISATION_NAME, provider_file
from sandbox.wire import Call, Route


class Control:
    """Handlers of the control API for the world as a whole."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._world = container.world

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table = [
            ("GET", "", self.values),
            ("GET", "/clock", self.clock),
            ("POST", "/clock", self.turn_clock),
            ("POST", "/reset", self.reset),
            ("GET", "/journal", self.journal),
            ("DELETE", "/journal", self.clear_journal),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.remove_faults),
            ("DELETE", "/faults/{id}", self.remove_faults),
            ("GET", "/switches", self.switches),
            ("POST", "/switches", self.switch),
            ("GET", "/provider-file", self.provider_file),
        ]
        return control_routes("/sandbox", table)

    def values(self, _call: Call) -> Any:
        """The values that a client must be configured with."""
        return {
            "organisationId": ORGANISATION_ID,
            "organisationName": ORGANISATION_NAME,
            "prodaClientId": PRODA_CLIENT_ID,
            "clientId": CLIENT_ID,
            "audiences": {"proda": ISSUER, "agedCare": AGED_CARE_AUDIENCE, "ndia": NDIA_AUDIENCE},
            "serviceProviders": [
                {"serviceProviderId": provider, "serviceNapsId": naps} for provider, naps in PROVIDERS
            ],
            "careRecipients": self._world.care_recipients,
            "today": self._world.clock.today(),
        }

    def clock(self, _call: Call) -> Any:
        """The world's instant and day, and how wrong PRODA's clock is."""
        clock = self._world.clock
        return {"now": stamp(clock.now()), "today": clock.today(), "prodaSkewSeconds": clock.skew}

    def turn_clock(self, call: Call) -> Any:
        """Set or advance the clock: today, now, advanceDays, advanceSeconds, prodaSkewSeconds."""
        wanted, clock = body_of(call), self._world.clock
        if "today" in wanted:
            clock.set_today(date.fromisoformat(wanted["today"]))
        if "now" in wanted:
            instant = datetime.fromisoformat(wanted["now"])
            clock.set_now(instant if instant.tzinfo else instant.replace(tzinfo=UTC))
        clock.advance(
            float(wanted.get("advanceSeconds", 0)) + timedelta(days=float(wanted.get("advanceDays", 0))).total_seconds()
        )
        if "prodaSkewSeconds" in wanted:
            clock.skew = float(wanted["prodaSkewSeconds"])
        for work in self._container.on_time:
            work()
        return {"now": stamp(clock.now()), "today": clock.today(), "prodaSkewSeconds": clock.skew}

    def reset(self, call: Call) -> Any:
        """Back to the beginning: careRecipients, seed, today, devices (true forgets the devices too)."""
        wanted = body_of(call)
        size = msgspec.convert(wanted.get("careRecipients"), int | None)
        seed = msgspec.convert(wanted.get("seed"), str | None)
        today = date.fromisoformat(wanted["today"]) if wanted.get("today") else None
        self._container.reset(wanted)
        self._world.reset(care_recipients=size, seed=seed, today=today)
        return {"careRecipients": self._world.care_recipients, "today": self._world.clock.today()}

    def journal(self, call: Call) -> Any:
        """What was asked."""
        return self._container.journal.report(call)

    def clear_journal(self, _call: Call) -> Any:
        """Forget what was asked."""
        self._container.journal.clear()
        return {}

    def faults(self, _call: Call) -> Any:
        """The faults in force, with how often they hit."""
        return self._container.faults.active

    def add_fault(self, call: Call) -> Any:
        """Put a fault in force."""
        return self._container.faults.add(body_of(call))

    def remove_faults(self, call: Call) -> Any:
        """End one fault, or all."""
        self._container.faults.remove(int(call.args["id"]) if "id" in call.args else None)
        return self._container.faults.active

    def switches(self, _call: Call) -> Any:
        """The switches."""
        return self._container.switches

    def switch(self, call: Call) -> Any:
        """Change some switches."""
        return self._container.switch(body_of(call))

    def provider_file(self, call: Call) -> Any:
        """The provider's own clients and invoices: from, limit, invoices=false."""
        first, limit = int(call.query.get("from", "1")), int(call.query.get("limit", "1000"))
        return provider_file(self._world, first, limit, with_invoices=call.query.get("invoices", "true") != "false")
