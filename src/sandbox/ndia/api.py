"""The NDIA's APIs: determine, plans, PACE budget 5.0 with its 4.0 alias, historical budgets, payment, products, events.

Every answer has the envelope success, result, errors. The identity is taken from the query or the headers. Whoever is
asked about without authority is answered with the exact text, stray spaces included.
Source: rules NDIS-01, NDIS-02 and NDIS-04.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from sandbox.container import Container
from sandbox.gateway import NDIA_AUDIENCE
from sandbox.ndia.budgets import NO_DATE, budget_tree, historical_budgets, plan_in_force
from sandbox.ndia.deliveries import read_subscription
from sandbox.ndia.participants import Facts
from sandbox.ndia.state import NdiaState
from sandbox.wire import Answer, Call, Route, json_answer

NO_AUTHORITY = "  Requestor does not have the authority to perform the request "
NOBODY = "The participant information cannot be found in the NDIS systems"

Work = Callable[["NdiaApi", Call, Facts], Any]

PRODUCTS = tuple(
    {
        "product_category_item": item,
        "product_category_itm_short_txt": text,
        "unit_of_measure": unit,
        "support_category": category,
        "support_category_text": category_text,
        "item_valid_from": "2025-07-01",
        "item_valid_to": "9999-12-31",
        "rego_group": item.split("_")[2],
    }
    for item, text, unit, category, category_text in (
        ("01_011_0107_1_1", "Self-care, weekday daytime", "H", "DAILY_ACTIVITIES", "Daily Activities"),
        ("14_034_0127_8_3", "Plan management, monthly fee", "EA", "CB_CHOICE_CONTROL", "Choice and Control"),
    )
)
REFERENCE_DATA = {
    "claim_status": ["Pending Payment", "Accepted"],
    "unit_of_measure": ["H", "EA", "D", "WK"],
    "tax_code": ["P1", "P2"],
    "event_id": ["PLAN_APPROVED", "BUDGET_UPDATED", "RLTN_CREATED", "RLTN_END_DATE_UPDATE", "PLAN_END_DT_UPDATED"],
}


class NdiaApi:
    """Handlers of the NDIA's APIs."""

    def __init__(self, container: Container) -> None:
        self.ndia = NdiaState(container.world)

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the NDIA's base path."""
        asked: list[tuple[str, str, Work, bool]] = [
            ("ndia_determine_plan", "4.0/determine-participant-plan", NdiaApi.determine, False),
            ("ndia_plans", "4.0/plans", NdiaApi.plans, True),
            ("ndia_pace_budget", "ext-int-part/5.0/pace/budget", NdiaApi.budget, True),
            ("ndia_pace_budget_4", "ext-int-part/4.0/pace/budget", NdiaApi.budget, True),
            ("ndia_historical_budgets", "ext-int-part/4.0/pace/historical/budgets", NdiaApi.history, True),
        ]
        gate = NDIA_AUDIENCE
        return [
            *(
                Route(name, "GET", f"{base}/{path}", self._about_participant(work, needs_authority), gate)
                for name, path, work, needs_authority in asked
            ),
            Route("ndia_payment", "POST", f"{base}/5.0/payments/pace", self.pay, gate),
            Route("ndia_products", "GET", f"{base}/3.0/products/{{name}}", self.products, gate),
            Route("ndia_reference_data", "GET", f"{base}/3.0/reference-data/{{name}}", self.reference_data, gate),
            Route("ndia_subscribe", "POST", f"{base}/3.0/notifications/subscribe", self.subscribe, gate),
            Route("ndia_report", "POST", f"{base}/3.0/notifications/report", self.report, gate),
        ]

    def _about_participant(self, work: Work, needs_authority: bool) -> Callable[[Call], Answer]:
        def handler(call: Call) -> Answer:
            names = ("participant", "participant_surname", "date_of_birth")
            given = [call.query.get(name) or call.headers.get(name, "") for name in names]
            facts = self.ndia.find(*given)
            if facts is None:
                return self._nobody()
            if needs_authority and not self.ndia.may_be_seen(facts):
                return self.failure(403, NO_AUTHORITY)
            result = work(self, call, facts)
            return result if isinstance(result, Answer) else success(result)

        return handler

    def failure(self, status: int, message: str, key: str = "", headers: dict[str, str] | None = None) -> Answer:
        """A refusal; its errors are texts, or pairs of key and value, as the switch says or a key demands."""
        as_pairs = key or self.ndia.switches["errors"] == "pairs"
        errors = [{"key": key or str(status), "value": message}] if as_pairs else [message]
        return json_answer({"success": False, "result": None, "errors": errors}, status, headers)

    def _nobody(self) -> Answer:
        how = self.ndia.switches["nobody"]
        if how == "empty":
            return success([])
        return self.failure(404 if how == "404" else 200, NOBODY)

    def determine(self, _call: Call, facts: Facts) -> Any:
        """Whether the plan is on PACE; the other system's date is a sentinel."""
        is_pace = facts["isPace"]
        return {"is_pace_plan": is_pace, "plan_first_start_date": facts["firstStart"] if is_pace else NO_DATE}

    def plans(self, _call: Call, facts: Facts) -> Any:
        """The plan for life with id 0 and the dates of its current period, and the old-system plan if there was one."""
        plan = plan_in_force(facts, self.ndia.today)
        found = [
            {
                "is_pace_plan": facts["isPace"],
                "participant_plan_id": facts["planId"],
                "plan_start_date": plan["start"],
                "plan_end_date": plan["end"],
                "plan_first_start_date": facts["firstStart"] if facts["isPace"] else NO_DATE,
            }
        ]
        if facts["oldPlan"]:
            found.append(
                {
                    "is_pace_plan": False,
                    "participant_plan_id": 7654321,
                    "plan_start_date": "2023-02-01",
                    "plan_end_date": facts["firstStart"],
                    "plan_first_start_date": NO_DATE,
                }
            )
        return found

    def budget(self, call: Call, facts: Facts) -> Any:
        """The PACE budget; refused for other plans, beyond the hour's quota, and at 5.0 if switched off."""
        if call.operation == "ndia_pace_budget" and not self.ndia.switches["budget5"]:
            return Answer(404, b"", content_type="text/html")
        if not facts["isPace"]:
            return self.failure(400, "The participant does not have a PACE plan", "PACE01")
        seconds = self.ndia.take_budget_call()
        if seconds:
            return self.failure(429, "Too many budget requests", headers={"Retry-After": str(seconds)})
        return budget_tree(facts, self.ndia.today, only_plan_managed=self.ndia.switches["view"] == "mine")

    def history(self, _call: Call, facts: Facts) -> Any:
        """The money of earlier plan periods."""
        return {"historical_budget": historical_budgets(facts, self.ndia.today)}

    def pay(self, call: Call) -> Answer:
        """A PACE payment request, paid at once: participant, support_category, unit_price, quantity."""
        body = call.json()
        facts = self.ndia.participants.get(str(body.get("participant", "")))
        if facts is None or not self.ndia.may_be_seen(facts):
            return self.failure(403, NO_AUTHORITY)
        amount = Decimal(str(body.get("unit_price", 0))) * Decimal(str(body.get("quantity", 1)))
        if amount <= 0:
            return self.failure(400, "The amount must be greater than zero", "C20")
        plan = plan_in_force(facts, self.ndia.today)
        row = next(
            (category for category in plan["categories"] if category["category"] == body.get("support_category")), None
        )
        if row is None:
            return self.failure(400, "No budget for this support", "C22")
        row["spending"].append({"date": self.ndia.today.isoformat(), "amount": str(amount)})
        self.ndia.data["claims"] += 1
        self.ndia.note_event("BUDGET_UPDATED", facts)
        return success(
            {
                "claim_id": 50_000_000 + self.ndia.data["claims"],
                "unit_price": body.get("unit_price"),
                "quantity": body.get("quantity"),
                "claim_status": "Pending Payment",
                "reject_reason_code": "",
            }
        )

    def products(self, call: Call) -> Answer:
        """Products by item number or short text."""
        wanted = call.args["name"].casefold()
        return success(
            [
                row
                for row in PRODUCTS
                if wanted in (row["product_category_item"].casefold(), row["product_category_itm_short_txt"].casefold())
            ]
        )

    def reference_data(self, call: Call) -> Answer:
        """Keys and values of one attribute."""
        return success([{"key": value, "value": value} for value in REFERENCE_DATA.get(call.args["name"], ())])

    def subscribe(self, call: Call) -> Answer:
        """Remember a subscription: from now on such events go to its webhook, as /sandbox/ndia/events tells."""
        body = call.json()
        try:
            subscription = read_subscription(body)
        except ValueError as wrong:
            return json_answer({"success": False, "result": None, "errors": [str(wrong)]}, 400)
        self.ndia.data["subscriptions"][str(body["event_id"])] = subscription
        return success({"event_id": body["event_id"]})

    def report(self, call: Call) -> Answer:
        """Acknowledge a request for a report."""
        return success({"event_id": call.json().get("event_id", "")})


def success(result: Any) -> Answer:
    """An answer in the envelope."""
    return json_answer({"success": True, "result": result, "errors": []})
