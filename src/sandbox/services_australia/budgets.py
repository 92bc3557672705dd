"""The budget API: lists by care recipient and provider, summary, details with entitlements and usage, roll over."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sandbox.container import Container
from sandbox.gateway import AGED_CARE_AUDIENCE, business_error, not_found, schema_error
from sandbox.money import Budget
from sandbox.people import Person
from sandbox.pool_edits import has
from sandbox.pools import list_numbers
from sandbox.rates import CLAIM_WINDOW_DAYS
from sandbox.services_australia.paging import list_answer
from sandbox.services_australia.rolls import Rolls
from sandbox.services_australia.rows import (
    budget_header,
    budget_row,
    entitlement_row,
    entitlement_rows,
    usage_row,
    usage_rows,
)
from sandbox.wire import Answer, Call, Route, encode
from sandbox.world import Entry

Row = dict[str, Any]


class Budgets:
    """Handlers of the budget API."""

    def __init__(self, container: Container) -> None:
        self._container = container
        self._world = container.world
        self._pools = container.pools
        self._rolls = Rolls(container.world)

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the Support at Home base path."""
        gate = AGED_CARE_AUDIENCE
        return [
            Route(
                "budgets_by_care_recipient",
                "GET",
                f"{base}/budget/v1/care-recipient/{{careRecipientId}}",
                self.by_care_recipient,
                gate,
                "careRecipientId",
            ),
            Route(
                "budgets_by_service_provider",
                "GET",
                f"{base}/budget/v1/service-provider/{{serviceProviderId}}",
                self.by_service_provider,
                gate,
            ),
            Route("budget_summary", "GET", f"{base}/budget/v1/summary", self.summary, gate),
            Route("budget_details", "GET", f"{base}/budget/v1/{{budgetId}}", self.details, gate, "budgetId"),
            Route("budget_roll_over", "POST", f"{base}/budget/v1/{{budgetId}}/rollover", self.roll_over, gate),
        ]

    def by_care_recipient(self, call: Call) -> Answer:
        """All budgets of a person; works without consent."""
        number = self._world.number_of(call.args["careRecipientId"])
        rows: list[Row] = []
        if number is not None and self._world.entry(number).person.known:
            entry = self._world.entry(number)
            rows = [self._list_row(entry.person, budget) for budget in kept_budgets(entry)]
        return list_answer(rows, call.query, self._container.switches, ("startDate", "budgetId"))

    def by_service_provider(self, call: Call) -> Answer:
        """The budgets that the provider itself holds: care management by quarter; with others if so switched."""
        provider_id = call.args["serviceProviderId"]
        if has(self._world, provider_id, "refuse"):
            return _not_our_provider()
        pooled = [] if has(self._world, provider_id, "empty") else self._pools.list_budgets(provider_id)
        rows = [budget_header(budget, "", None) for budget in pooled]
        if has(self._world, provider_id, "other-types"):
            entries = (self._world.entry(number) for number in list_numbers(self._world, provider_id))
            rows += [self._list_row(entry.person, row) for entry in entries for row in kept_budgets(entry)]
        return list_answer(rows, call.query, self._container.switches, ("startDate", "budgetId"))

    def summary(self, call: Call) -> Answer:
        """Budgets of the provider and of everybody it cares for, with entry dates: the current ones, or those in force
        within the dates asked for, unless these are switched to count for nothing."""
        provider_id = call.query.get("serviceProviderId", "")
        if not provider_id:
            return schema_error("Invalid object: mandatory property serviceProviderId is missing")
        if has(self._world, provider_id, "refuse"):
            return _not_our_provider()
        today = self._world.clock.today()
        by_date = any(call.query.get(name) for name in ("effectiveDateFrom", "effectiveDateTo"))
        by_date = by_date and not self._container.switches.only_current_budgets

        def is_current(budget: Budget) -> bool:
            return by_date or (budget.start_date <= today and (budget.end_date is None or today <= budget.end_date))

        def rows_of(entry: Entry) -> list[Row]:
            return [
                budget_row(entry.person, budget, with_entry_date=True)
                for budget in kept_budgets(entry)
                if is_current(budget)
            ]

        pooled = [
            budget_header(budget, "", None) for budget in self._pools.list_budgets(provider_id) if is_current(budget)
        ]
        return self._rolls.answer("budget_summary", call.query, self._container.switches, rows_of, pooled)

    def details(self, call: Call) -> Answer:
        """One budget with entitlements and usage; 403 in the business shape without the person's consent."""
        found = self._world.find_budget(call.args["budgetId"])
        if found is None:
            return self._pooled_details(call.args["budgetId"])
        person, budget = found
        if not person.consent:
            return business_error(403, "2", "Consent to see the budget's details has not been given")
        row = budget_row(person, budget)
        row["entitlements"] = entitlement_rows(person, budget)
        row["usage"] = usage_rows(person, budget)
        return self._answer(row)

    def roll_over(self, call: Call) -> Answer:
        """Ask for the rollover of an ended quarter, inside its claim window, with no claim pending, once."""
        found = self._world.find_budget(call.args["budgetId"])
        if found is None:
            return not_found()
        person, budget = found
        refusal = self._roll_over_refusal(person, budget)
        if refusal:
            return business_error(400, "3", refusal)
        self._world.change(person.number, {"kind": "roll-over", "quarter": budget.budget_id[:3]})
        after = self._world.find_budget(budget.budget_id)
        return self._answer(budget_row(person, after[1] if after else budget))

    def _roll_over_refusal(self, person: Person, budget: Budget) -> str:
        today = self._world.clock.today()
        if budget.type_code != "ON" or budget.end_date is None:
            return "This budget cannot be rolled over"
        if today <= budget.end_date:
            return "The budget period has not ended"
        if budget.status == "CLOSED":
            return "The budget was rolled over before"
        if today > budget.end_date + timedelta(days=CLAIM_WINDOW_DAYS):
            return "The claim period has ended"
        if person.service_provider_id in self._world.pending_claims:
            return "A claim is pending approval"
        return ""

    def _list_row(self, person: Person, budget: Budget) -> Row:
        row = budget_row(person, budget)
        if self._container.switches.embed_entitlements:
            row["entitlements"] = entitlement_rows(person, budget)
        return row

    def _pooled_details(self, budget_id: str) -> Answer:
        pooled = self._pools.find_budget(budget_id)
        if pooled is None:
            return not_found()
        budget, recipients = pooled
        row = budget_header(budget, "", None)
        row["entitlements"] = [entitlement_row(item) for item in budget.entitlements]
        row["usage"] = [usage_row(item, recipients.get(item.invoice_id, "")) for item in budget.usage]
        return self._answer(row)

    def _answer(self, row: Row) -> Answer:
        return Answer(200, encode(row, money_as_text=self._container.switches.money == "string"))


def _not_our_provider() -> Answer:
    return business_error(403, "4", "The organisation does not act for this service provider")


def kept_budgets(entry: Entry) -> list[Budget]:
    """A person's budgets without those that the control API told the sandbox to leave out."""
    dropped = entry.person.dropped.get("budgets", set())
    if "all" in dropped:
        return []
    return [budget for budget in entry.budgets if budget.budget_id not in dropped]
