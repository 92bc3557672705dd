"""The control API for claims: read and steer their progress, release held invoices, claim through the portal.

No funder has these addresses; all are under /sandbox.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from sandbox.control_routes import body_of, control_routes
from sandbox.people import PROVIDERS, Person
from sandbox.rates import Service
from sandbox.services_australia.claim_life import ClaimLife, Row
from sandbox.services_australia.invoice_items import check_item, read_item
from sandbox.wire import Answer, Call, Route

_FILE_QUERY = (("from", "1"), ("limit", "20"), ("days", "3"))
_FILE_HEADING = "Invoice reference,Line reference,Care Recipient ID,Service,Description,Date,Quantity,Unit type,Price"
FATES = (
    "cancel", "takeBack", "refuse", "split", "withoutUsage", "statementError", "accountError", "notInAccount",
    "statusText", "stuck",
)  # fmt: skip


class ClaimControl:
    """Handlers of the control API for invoices and claims."""

    def __init__(self, life: ClaimLife) -> None:
        self._life = life

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table = [
            ("GET", "/claims", self.claims),
            ("POST", "/claims/{claimId}", self.steer),
            ("GET", "/claim-rules", self.rules),
            ("POST", "/claim-rules", self.change_rules),
            ("GET", "/invoices", self.invoices),
            ("POST", "/invoices/{invoiceId}/release", self.release),
            ("POST", "/invoices/{invoiceId}/items/{itemId}/remove", self.remove_in_portal),
            ("POST", "/portal-claims", self.claim_in_portal),
        ]
        routes = control_routes("/sandbox", table, before=self._life.advance)
        return [*routes, Route("control", "GET", "/sandbox/invoice-file", self.invoice_file)]

    def claims(self, _call: Call) -> Any:
        """Every claim with its fate and payments."""
        return list(self._life.claims.values())

    def invoices(self, _call: Call) -> Any:
        """Every invoice with its items."""
        return list(self._life.invoices.values())

    def invoice_file(self, call: Call) -> Answer:
        """What the provider's own system would export: services of the last days as CSV, to be imported and claimed.

        from, limit: which care recipients; days: how many days back. The last line is one that will be refused.
        """
        world = self._life.world
        first, limit, days = (int(call.query.get(name, text)) for name, text in _FILE_QUERY)
        today = world.clock.today()
        lines = [_FILE_HEADING]
        for number in range(max(1, first), min(world.care_recipients, first + limit - 1) + 1):
            person = world.entry(number).person
            home = [row.service for row in person.approved_services if row.service and row.end_date is None]
            if not person.known or not home or not any(row.code == "ON" for row in person.classifications):
                continue
            for back in range(1, days + 1):
                service = home[(number + back) % len(home)]
                lines.append(_file_line(person, service, today - timedelta(days=back), back))
        if len(lines) > 1:
            lines.append(lines[-1].replace(f"-{days},", "-X,").replace(",SERV-", ",SERV-9"))
        return Answer(200, "\n".join([*lines, ""]).encode(), content_type="text/csv")

    def steer(self, call: Call) -> Any:
        """Set a claim's fate: cancel, takeBack (after it was paid), refuse (["invoiceId/itemId"]), split
        ({"invoiceId/itemId": "AT"}), withoutUsage, statementError, accountError (dollars), notInAccount, statusText (a
        word shown instead of the status), stuck."""
        wanted = body_of(call)
        unknown = sorted(set(wanted) - set(FATES))
        if unknown:
            raise ValueError(f"unknown fate: {', '.join(unknown)}")
        claim = self._life.claims[call.args["claimId"]]
        claim["fate"].update(wanted)
        self._life.touch(claim)
        self._life.advance()
        return claim

    def rules(self, _call: Call) -> Any:
        """The rules in force."""
        return self._life.rules

    def change_rules(self, call: Call) -> Any:
        """Change some rules."""
        return self._life.change_rules(body_of(call))

    def release(self, call: Call) -> Any:
        """A delegate lets a held invoice go."""
        invoice = self._life.invoices[call.args["invoiceId"]]
        if invoice["status"] != "HELD":
            raise ValueError(f"the invoice is {invoice['status']}")
        invoice["status"] = "SUBMITTED"
        self._life.touch(invoice)
        return invoice

    def remove_in_portal(self, call: Call) -> Any:
        """Reopen a submitted invoice and delete an item of it, as a person would in the portal."""
        invoice = self._life.invoices[call.args["invoiceId"]]
        if invoice["status"] not in ("OPEN", "SUBMITTED"):
            raise ValueError(f"the invoice is {invoice['status']}")
        item = next(item for item in invoice["items"] if item["itemId"] == call.args["itemId"])
        invoice["status"], item["itemStatus"] = "OPEN", "DELETED"
        self._life.touch(invoice)
        return invoice

    def claim_in_portal(self, call: Call) -> Any:
        """Lodge and claim an invoice as a person would in the portal: items; for several people if asked."""
        items = [read_item(row) for row in body_of(call)["items"]]
        person = self._life.world.find_person(items[0]["careRecipientId"])
        if person is None:
            raise LookupError
        provider_id = person.service_provider_id
        draft: Row = {"serviceProviderId": provider_id}
        for place, item in enumerate(items, 1):
            check_item(self._life.world, draft, item, str(place))
        invoice = self._life.add_invoice(provider_id, dict(PROVIDERS).get(provider_id, ""), "")
        for place, item in enumerate(items, 1):
            item |= {
                "itemId": str(place), "itemStatus": "OPEN", "version": 1, "createdAtDateTime": self._life.now(),
                "updatedAtDateTime": self._life.now(),
            }  # fmt: skip
            invoice["items"].append(item)
        return self._life.add_claim(provider_id, [invoice])


def _file_line(person: Person, service: Service, day: date, back: int) -> str:
    invoice = f"WG-{day:%y%m%d}-{person.number}"
    quantity = "1.5" if service.unit == "hours" else "2"
    return (
        f"{invoice},{invoice}-{back},{person.care_recipient_id},{service.service_id},{service.service_text},"
        f"{day:%d/%m/%Y},{quantity},{service.unit},{service.price}"
    )
