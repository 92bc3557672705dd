"""The care recipient API: summary and individual contributions."""

from __future__ import annotations

from typing import Any

from sandbox.container import Container
from sandbox.gateway import AGED_CARE_AUDIENCE, not_found, schema_error
from sandbox.services_australia.paging import list_answer
from sandbox.services_australia.rolls import Rolls
from sandbox.services_australia.rows import contribution_rows, summary_row
from sandbox.wire import Answer, Call, Route, encode
from sandbox.world import Entry


class CareRecipients:
    """Handlers of the care recipient API."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._world = container.world
        self._rolls = Rolls(container.world)

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the Support at Home base path."""
        gate = AGED_CARE_AUDIENCE
        return [
            Route("care_recipient_summaries", "GET", f"{base}/care-recipient/v1/summary", self.summaries, gate),
            Route(
                "individual_contribution",
                "GET",
                f"{base}/care-recipient/v1/individual-contribution",
                self.contributions,
                gate,
                "careRecipientId",
            ),
            Route(
                "care_recipient_summary",
                "GET",
                f"{base}/care-recipient/v1/{{careRecipientId}}/summary",
                self.summary,
                gate,
                "careRecipientId",
            ),
        ]

    def summary(self, call: Call) -> Answer:
        """One care recipient as one object."""
        person = self._world.find_person(call.args["careRecipientId"])
        if person is None:
            return not_found()
        return Answer(200, encode(summary_row(person, self._world.clock.today())))

    def summaries(self, call: Call) -> Answer:
        """All care recipients of a provider as an array."""
        if not call.query.get("serviceProviderId"):
            return schema_error("Invalid object: mandatory property serviceProviderId is missing")

        def rows_of(entry: Entry) -> list[dict[str, Any]]:
            return [summary_row(entry.person, self._world.clock.today())]

        return self._rolls.answer("summaries", call.query, self._container.switches, rows_of, [])

    def contributions(self, call: Call) -> Answer:
        """Individual contributions of a person, or of everybody of a provider."""
        if call.query.get("careRecipientId"):
            person = self._world.find_person(call.query["careRecipientId"])
            rows = [] if person is None else contribution_rows(person, self._world.clock.today())
            return list_answer(rows, call.query, self._container.switches, ("effectiveDateFrom",))
        if not call.query.get("serviceProviderId"):
            return schema_error("Invalid object: one of careRecipientId, serviceProviderId is mandatory")

        def rows_of(entry: Entry) -> list[dict[str, Any]]:
            return contribution_rows(entry.person, self._world.clock.today())

        return self._rolls.answer("contributions", call.query, self._container.switches, rows_of, [])
