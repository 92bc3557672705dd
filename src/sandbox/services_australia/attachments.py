"""Attachments of invoice items: a PDF that says why an item comes late, and reading it back.

Source: rule SA-13.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from uuid import NAMESPACE_OID, uuid5

from sandbox.gateway import AGED_CARE_AUDIENCE
from sandbox.services_australia.claim_life import ClaimLife, Row, live_items
from sandbox.services_australia.invoice_items import ItemRefused, Schema
from sandbox.services_australia.invoices import answering
from sandbox.wire import Answer, Call, Route

TYPES = ("LATE_SUBMISSION_EVIDENCE", "INVOICE")
PDF = "application/pdf"
MEMBERS = ("fileContent", "type", "filename", "mimeType")


class Attachments:
    """Handlers of what is attached to the items of an invoice."""

    def __init__(self, life: ClaimLife) -> None:
        self.life = life

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the Support at Home base path."""
        one = f"{base}/invoice/v1/{{invoiceId}}"
        upload, read = f"{one}/item/{{itemId}}/attachments", f"{one}/attachments/{{attachmentId}}"
        return [
            Route("invoice_item_attach", "POST", upload, self.attach, AGED_CARE_AUDIENCE),
            Route("invoice_attachment", "GET", read, self.read, AGED_CARE_AUDIENCE),
        ]

    @answering
    def attach(self, call: Call) -> Answer:
        """One more PDF with an item of an OPEN invoice; item and invoice move on to a new version."""
        invoice = self.life.invoices[call.args["invoiceId"]]
        found = [item for item in live_items(invoice) if item["itemId"] == call.args["itemId"]]
        if not found:
            raise LookupError
        if invoice["status"] != "OPEN":
            raise ItemRefused(f"The invoice is {invoice['status']}")
        body = _read(call.json())
        [item] = found
        attachments = item.setdefault("attachments", [])
        name = f"{invoice['invoiceId']}/{item['itemId']}/{len(attachments)}"
        attachment_id = str(uuid5(NAMESPACE_OID, name))
        attachments.append(
            {
                "attachmentId": attachment_id,
                "type": body["type"],
                "fileName": body["filename"],
                "uploadedAtDateTime": self.life.now(),
            }
        )
        item["attachmentProvided"] = True
        self.life.attachments[attachment_id] = body["fileContent"]
        self.life.touch(item)
        self.life.touch(invoice)
        return Answer(204)

    @answering
    def read(self, call: Call) -> Answer:
        """One attachment as it came."""
        invoice, attachment_id = self.life.invoices[call.args["invoiceId"]], call.args["attachmentId"]
        held = [row["attachmentId"] for item in invoice["items"] for row in item.get("attachments", ())]
        if attachment_id not in held:
            raise LookupError
        return Answer(200, b64decode(self.life.attachments[attachment_id]), content_type=PDF)


def _read(body: object) -> Row:
    """The members of an attachment. Raises Schema."""
    if not isinstance(body, dict):
        raise Schema("Invalid object syntax")
    for name in MEMBERS:
        if not isinstance(body.get(name), str) or not body[name]:
            raise Schema(f"Invalid object: mandatory property {name} is missing")
    if body["type"] not in TYPES:
        raise Schema("Invalid string: type is not one of the allowed values")
    try:
        content = b64decode(body["fileContent"], validate=True)
    except binascii.Error:
        raise Schema("Invalid string: fileContent is not base64") from None
    if body["mimeType"] != PDF or not content.startswith(b"%PDF-"):
        raise Schema("Invalid file: only PDF is accepted")
    return body
