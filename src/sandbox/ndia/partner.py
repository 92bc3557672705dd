"""A digital partner's gateway in front of the NDIA: one flat list of budgets per participant, by number alone.

As in the sample that one gateway publishes: rows within `data`, the ones it took out again marked `isDeleted: 1`, and,
with the switch `gatewayReleased` off, `allocatedAmount: 0` whatever was released.
Source: rule NDIS-03.
"""

from __future__ import annotations

from typing import Any

from sandbox.container import Container
from sandbox.ndia.budgets import category_row, plan_in_force
from sandbox.ndia.state import NdiaState
from sandbox.wire import Answer, Call, Route, json_answer

ORGANISATION, KEY = "wattle-grove", "sandbox-partner-key"


class PartnerApi:
    """Handlers of the gateway."""

    def __init__(self, container: Container) -> None:
        self.ndia = NdiaState(container.world)

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table."""
        return [Route("ndia_partner_budget", "GET", f"{base}/paceBudget/{{ndisNumber}}", self.budgets)]

    def budgets(self, call: Call) -> Answer:
        """All budgets of one participant; 401 for a wrong organisation or key, 403 without authority."""
        if (call.headers.get("org-id"), call.headers.get("x-api-key")) != (ORGANISATION, KEY):
            return json_answer({"errors": ["The organisation or its key is not known"]}, 401)
        facts = self.ndia.participants.get(call.args["ndisNumber"])
        if facts is None:
            return json_answer({"errors": ["The participant was not found"]}, 404)
        if not self.ndia.may_be_seen(facts):
            return json_answer({"errors": ["Requestor does not have the authority to perform the request"]}, 403)
        today = self.ndia.today
        plan = plan_in_force(facts, today)
        rows: list[dict[str, Any]] = []
        for row in plan["categories"]:
            reported = category_row(facts, plan, row, today)
            rows.append(
                {
                    "type": "PACE" if facts["isPace"] else "PRODA",
                    "startDate": reported["start_date"],
                    "endDate": reported["end_date"],
                    "management": row["management"],
                    "support": row["support"],
                    "budgetType": row["kind"],
                    "supportCategoryPace": row["category"],
                    "allocatedAmount": reported["released_amount"] if self.ndia.switches["gatewayReleased"] else 0,
                    "approvedAmount": reported["approved_amount"],
                    "spentAmount": reported.get("spent_amount"),
                    "remainingAmount": reported["remaining_amount"],
                    "budgetRefreshDate": 0,
                    "isDeleted": row.get("isDeleted", 0),
                }
            )
        return json_answer({"version": "3.0.1", "data": rows})
