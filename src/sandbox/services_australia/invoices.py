"""The invoice API: create, query, read, submit, re-open, delete, and the items, with etags and if-match.

Source: rules CLAIM-01 and CLAIM-03.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import wraps
from typing import Any

import msgspec

from sandbox.container import Container
from sandbox.gateway import AGED_CARE_AUDIENCE, business_error, not_found, refusal, schema_error
from sandbox.people import PROVIDERS
from sandbox.services_australia.claim_life import ClaimLife, Row
from sandbox.services_australia.invoice_items import (
    UNCHANGEABLE,
    ItemRefused,
    Schema,
    check_item,
    read_item,
    submit_outcome,
)
from sandbox.services_australia.paging import list_answer
from sandbox.wire import Answer, Call, Route, encode, json_answer

MOST_ITEMS = 9_999


class Mismatch(Exception):
    """if-match is not the record's version."""


def answering(work: Callable[[Any, Call], Answer]) -> Callable[[Any, Call], Answer]:
    """Let time do its work first, and turn what a handler raises into the funder's refusals."""

    @wraps(work)
    def handler(invoices: Any, call: Call) -> Answer:
        invoices.life.advance()
        try:
            return work(invoices, call)
        except LookupError:
            return not_found()
        except Mismatch as wrong:
            if not str(wrong):
                return refusal(400, "One or more required API parameters are missing in the API request.")
            return business_error(409, "409", "The record has been changed since it was read")
        except ItemRefused as wrong:
            return business_error(400, "6", str(wrong))
        except (Schema, msgspec.DecodeError) as wrong:
            return schema_error(str(wrong) if isinstance(wrong, Schema) else "Invalid JSON syntax")

    return handler


class Invoices:
    """Handlers of the invoice API."""

    def __init__(self, container: Container, life: ClaimLife) -> None:
        self._container = container
        self.life = life

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the Support at Home base path."""
        one = f"{base}/invoice/v1/{{invoiceId}}"
        item = f"{one}/item/{{itemId}}"
        table: list[tuple[str, str, str, Callable[[Call], Answer]]] = [
            ("invoice_create", "POST", f"{base}/invoice/v1", self.create),
            ("invoices", "GET", f"{base}/invoice/v1", self.query),
            ("invoice_details", "GET", one, self.details),
            ("invoice_submit", "POST", f"{one}/submit", self.submit),
            ("invoice_open", "POST", f"{one}/open", self.reopen),
            ("invoice_delete", "POST", f"{one}/delete", self.delete),
            ("invoice_item_add", "POST", f"{one}/item", self.add_item),
            ("invoice_item", "GET", item, self.item),
            ("invoice_item_update", "PUT", item, self.update_item),
            ("invoice_item_delete", "DELETE", item, self.delete_item),
        ]
        return [Route(name, method, path, work, AGED_CARE_AUDIENCE) for name, method, path, work in table]

    @answering
    def create(self, call: Call) -> Answer:
        """A new invoice, with or without items; submit=true skips OPEN."""
        body = call.json()
        if not isinstance(body, dict) or not body.get("serviceProviderId"):
            raise Schema("Invalid object: mandatory property serviceProviderId is missing")
        provider_id, reference = str(body["serviceProviderId"]), str(body.get("externalReferenceId") or "")
        if len(reference) > 24:
            raise Schema("Invalid string: externalReferenceId too long (limit 24)")
        if provider_id not in self.life.world.provider_ids():
            return business_error(403, "4", "The organisation does not act for this service provider")
        naps_id = str(body.get("serviceNapsId") or dict(PROVIDERS).get(provider_id, ""))
        items = [read_item(row) for row in body.get("items") or ()]
        draft: Row = {"serviceProviderId": provider_id}
        for place, item in enumerate(items, 1):
            check_item(self.life.world, draft, item, str(place))
        invoice = self.life.add_invoice(provider_id, naps_id, reference)
        for item in items:
            self._append(invoice, item)
        if call.query.get("submit") == "true":
            invoice["status"] = self._outcome(invoice)
        return self._written(invoice, 201)

    @answering
    def query(self, call: Call) -> Answer:
        """Invoices by any of the known parameters, without items."""
        wanted = {
            name: call.query[name]
            for name in ("serviceNapsId", "serviceProviderId", "externalReferenceId", "status")
            if call.query.get(name)
        }
        rows = [
            {name: value for name, value in invoice_row(invoice).items() if name != "items"}
            for invoice in self.life.invoices.values()
            if all(str(invoice[name]).upper() == value.upper() for name, value in wanted.items())
        ]
        return list_answer(rows, call.query, self._container.switches, ("createdAtDateTime", "invoiceId"))

    @answering
    def details(self, call: Call) -> Answer:
        """One invoice with its items, and its etag."""
        invoice = self.life.invoices[call.args["invoiceId"]]
        body = encode(invoice_row(invoice), money_as_text=self._container.switches.money == "string")
        return Answer(200, body, {"ETag": etag(invoice)})

    @answering
    def submit(self, call: Call) -> Answer:
        """OPEN to SUBMITTED, or HELD when something is late."""
        invoice = self._matched(call, "OPEN")
        invoice["status"] = self._outcome(invoice)
        return self._written(invoice, 200)

    @answering
    def reopen(self, call: Call) -> Answer:
        """SUBMITTED back to OPEN."""
        invoice = self._matched(call, "SUBMITTED")
        invoice["status"] = "OPEN"
        return self._written(invoice, 200)

    @answering
    def delete(self, call: Call) -> Answer:
        """OPEN or SUBMITTED to DELETED."""
        invoice = self._matched(call, "OPEN", "SUBMITTED")
        invoice["status"] = "DELETED"
        return self._written(invoice, 200)

    @answering
    def add_item(self, call: Call) -> Answer:
        """One more item of an OPEN invoice; the answer's etag is the item's."""
        invoice = self._open(call)
        if len(invoice["items"]) >= MOST_ITEMS:
            raise ItemRefused(f"An invoice has at most {MOST_ITEMS} items")
        item = read_item(call.json())
        check_item(self.life.world, invoice, item, str(len(invoice["items"]) + 1))
        self._append(invoice, item)
        self.life.touch(invoice)
        return json_answer({"itemId": item["itemId"]}, 201, {"ETag": etag(item, invoice)})

    @answering
    def item(self, call: Call) -> Answer:
        """One item, and its etag."""
        invoice, item = self._item(call)
        return json_answer(item_row(item), headers={"ETag": etag(item, invoice)})

    @answering
    def update_item(self, call: Call) -> Answer:
        """Replace what may be changed of an item."""
        invoice, item = self._matched_item(call)
        new = read_item(call.json())
        if any(new[name] != item[name] for name in UNCHANGEABLE):
            raise ItemRefused(f"Item {item['itemId']}: {', '.join(UNCHANGEABLE)} cannot be changed")
        check_item(self.life.world, invoice, new, item["itemId"])
        item.update(new)
        self.life.touch(item)
        self.life.touch(invoice)
        return Answer(204, headers={"ETag": etag(item, invoice)})

    @answering
    def delete_item(self, call: Call) -> Answer:
        """Take an item off an OPEN invoice; its number is not used again."""
        invoice, item = self._matched_item(call)
        item["itemStatus"] = "DELETED"
        self.life.touch(invoice)
        return Answer(204)

    def _outcome(self, invoice: Row) -> str:
        return submit_outcome(self.life.world, invoice, needs_evidence=self.life.rules["lateNeedsEvidence"])

    def _open(self, call: Call) -> Row:
        invoice = self.life.invoices[call.args["invoiceId"]]
        if invoice["status"] != "OPEN":
            raise ItemRefused(f"The invoice is {invoice['status']}")
        return invoice

    def _matched(self, call: Call, *statuses: str) -> Row:
        invoice = self.life.invoices[call.args["invoiceId"]]
        _match(call, etag(invoice))
        if invoice["status"] not in statuses:
            raise ItemRefused(f"The invoice is {invoice['status']}")
        return invoice

    def _item(self, call: Call) -> tuple[Row, Row]:
        invoice = self.life.invoices[call.args["invoiceId"]]
        for item in invoice["items"]:
            if item["itemId"] == call.args["itemId"] and item["itemStatus"] != "DELETED":
                return invoice, item
        raise LookupError

    def _matched_item(self, call: Call) -> tuple[Row, Row]:
        invoice, item = self._open(call), self._item(call)[1]
        _match(call, etag(item, invoice))
        return invoice, item

    def _append(self, invoice: Row, item: Row) -> None:
        item |= {
            "itemId": str(len(invoice["items"]) + 1),
            "itemStatus": "OPEN",
            "version": 0,
            "createdAtDateTime": self.life.now(),
        }
        self.life.touch(item)
        invoice["items"].append(item)

    def _written(self, invoice: Row, status: int) -> Answer:
        self.life.touch(invoice)
        return json_answer(
            {"invoiceId": invoice["invoiceId"], "status": invoice["status"]}, status, {"ETag": etag(invoice)}
        )


def etag(record: Row, invoice: Row | None = None) -> str:
    """The version of an invoice, or of an item within its invoice."""
    name = f"{invoice['invoiceId']}.{record['itemId']}" if invoice else record["invoiceId"]
    return f'"{name}-{record["version"]}"'


def _match(call: Call, version: str) -> None:
    given = call.headers.get("if-match", "")
    if not given:
        raise Mismatch
    if given != version:
        raise Mismatch("changed")


def item_row(item: Row) -> Row:
    """An item in the funder's members."""
    row = {name: value for name, value in item.items() if name != "version"}
    return row | {name: Decimal(item[name]) for name in ("quantity", "pricePerUnit")}


def invoice_row(invoice: Row) -> Row:
    """An invoice in the funder's members."""
    row = {name: value for name, value in invoice.items() if name != "version"}
    row["items"] = [item_row(item) for item in invoice["items"]]
    return row
