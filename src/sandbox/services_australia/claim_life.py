"""The life of invoices and claims on the world's clock: what is kept, and what time does to it. No HTTP here.

All state is plain JSON in one section of the world, so that it is saved and reset with everything else; money is text.
Source: rules CLAIM-02, CLAIM-07, CLAIM-08 and CLAIM-09.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.clock import SYDNEY, stamp
from sandbox.money import ZERO, cents
from sandbox.people import Contribution
from sandbox.rates import AT_SERVICES, CARE_MANAGEMENT_SERVICE, HM_SERVICES, SERVICES
from sandbox.world import World

Row = dict[str, Any]
SECTION = "claims"
FIRST_INVOICE = 1_500_000_000
FIRST_CLAIM = 100_000_000_000
FINAL = ("Completed", "Cancelled")
CATEGORY_OF = {row.service_id: row.category for row in (*SERVICES, *AT_SERVICES, *HM_SERVICES, CARE_MANAGEMENT_SERVICE)}

# Hours after a claim was made at which it moves on, and further rules; each can be changed by the control API.
RULES: Row = {
    "pendingAfterHours": 4,
    "approvedAfterHours": 24,
    "completedAfterHours": 48,
    "usageLagDays": 1,
    "heldDays": 7,
    "heldOverBelow": "5.00",
    "oneClaimPerDay": True,
    "lateNeedsEvidence": False,
    "statusSpelling": "api",
}
_SCREEN_TEXT = {"BeingCalculated": "Being calculated", "PendingApproval": "Pending approval"}


class ClaimLife:
    """Invoices and claims as the funder holds them."""

    def __init__(self, world: World) -> None:
        self.world = world

    @property
    def _section(self) -> Row:
        empty: Row = {"invoices": {}, "claims": {}, "heldOver": {}, "rules": {}}
        section: Row = self.world.sections.setdefault(SECTION, empty)
        return section

    @property
    def invoices(self) -> dict[str, Row]:
        found: dict[str, Row] = self._section["invoices"]
        return found

    @property
    def claims(self) -> dict[str, Row]:
        found: dict[str, Row] = self._section["claims"]
        return found

    @property
    def attachments(self) -> dict[str, str]:
        """Files in base64, by attachment id."""
        found: dict[str, str] = self._section.setdefault("attachments", {})
        return found

    @property
    def rules(self) -> Row:
        changed: Row = self._section["rules"]
        return RULES | changed

    def change_rules(self, values: Row) -> Row:
        """Change some rules. Raises ValueError for one that does not exist."""
        unknown = sorted(set(values) - set(RULES))
        if unknown:
            raise ValueError(f"unknown rule: {', '.join(unknown)}")
        self._section["rules"].update(values)
        return self.rules

    def now(self) -> str:
        """The world's instant as the funder writes it."""
        return stamp(self.world.clock.now())

    def touch(self, record: Row) -> None:
        """A record was written: its version and its stamp move."""
        record["version"] += 1
        record["updatedAtDateTime"] = self.now()

    def add_invoice(self, provider_id: str, naps_id: str, reference: str) -> Row:
        """A new empty OPEN invoice."""
        invoice_id = str(FIRST_INVOICE + len(self.invoices) + 1)
        invoice = {
            "invoiceId": invoice_id,
            "serviceProviderId": provider_id,
            "serviceNapsId": naps_id,
            "externalReferenceId": reference,
            "status": "OPEN",
            "items": [],
            "version": 0,
            "createdAtDateTime": self.now(),
        }
        self.invoices[invoice_id] = invoice
        self.touch(invoice)
        return invoice

    def add_claim(self, provider_id: str, invoices: list[Row]) -> Row:
        """A new claim over submitted invoices, which become CLAIMED."""
        claim_id = str(FIRST_CLAIM + len(self.claims) + 1)
        claim = {
            "claimId": claim_id,
            "serviceProviderId": provider_id,
            "serviceNapsId": invoices[0]["serviceNapsId"],
            "status": "BeingCalculated",
            "paymentDate": None,
            "invoiceIds": [invoice["invoiceId"] for invoice in invoices],
            "fate": {},
            "version": 0,
            "createdAtDateTime": self.now(),
        }
        for invoice in invoices:
            invoice["status"] = "CLAIMED"
            self.touch(invoice)
        self.claims[claim_id] = claim
        self.touch(claim)
        self._note_pending()
        return claim

    def claimed_on(self, provider_id: str, day: date) -> bool:
        """Whether a provider has made a claim that day, Sydney time."""
        return any(
            claim["serviceProviderId"] == provider_id and _day(claim["createdAtDateTime"]) == day
            for claim in self.claims.values()
            if claim["status"] != "Cancelled"
        )

    def spelt(self, status: str) -> str:
        """A claim's status in the spelling in force."""
        return _SCREEN_TEXT.get(status, status) if self.rules["statusSpelling"] == "screen" else status

    def advance(self) -> None:
        """Let time do its work: held invoices are let go, claims move on and are paid."""
        now = self.world.clock.now()
        for invoice in self.invoices.values():
            if invoice["status"] == "HELD":
                since = datetime.fromisoformat(invoice["updatedAtDateTime"])
                if now - since >= timedelta(days=float(self.rules["heldDays"])):
                    invoice["status"] = "SUBMITTED"
                    self.touch(invoice)
        for claim in self.claims.values():
            if claim["status"] not in FINAL and not claim["fate"].get("stuck"):
                self._advance_claim(claim, now)
        self._note_pending()

    def _advance_claim(self, claim: Row, now: datetime) -> None:
        rules, made = self.rules, datetime.fromisoformat(claim["createdAtDateTime"])
        hours = (now - made).total_seconds() / 3600
        if claim["status"] == "BeingCalculated" and hours >= float(rules["pendingAfterHours"]):
            claim["status"] = "PendingApproval"
            self.touch(claim)
        if claim["status"] == "PendingApproval" and hours >= float(rules["approvedAfterHours"]):
            approved_at = made + timedelta(hours=float(rules["approvedAfterHours"]))
            if claim["fate"].get("cancel"):
                self._cancel(claim)
            else:
                self._approve(claim, approved_at.astimezone(SYDNEY).date())
        if claim["status"] == "Approved" and claim["fate"].get("takeBack"):
            self._take_back(claim)
        if claim["status"] == "Approved" and hours >= float(rules["completedAfterHours"]):
            claim["status"] = "Completed"
            self.touch(claim)
            for invoice in self._invoices_of(claim):
                invoice["status"] = "COMPLETED"
                for item in invoice["items"]:
                    item["itemStatus"] = "COMPLETED"
                self.touch(invoice)

    def _cancel(self, claim: Row) -> None:
        claim["status"] = "Cancelled"
        self.touch(claim)
        for invoice in self._invoices_of(claim):
            invoice["status"] = "SUBMITTED"
            self.touch(invoice)

    def _take_back(self, claim: Row) -> None:
        """Cancel a claim that was paid: each draw is reversed by another of the same size."""
        for paid in claim["payments"]:
            invoice = self.invoices[paid["invoiceId"]]
            item = next(item for item in invoice["items"] if item["itemId"] == paid["itemId"])
            if Decimal(paid["accepted"]):
                self._draw(invoice, item, -Decimal(paid["accepted"]), self.world.clock.today(), "")
        self._cancel(claim)

    def _approve(self, claim: Row, day: date) -> None:
        """Decide every item, draw the budgets, and reckon the payment."""
        items = [(invoice, item) for invoice in self._invoices_of(claim) for item in live_items(invoice)]
        payments = [self._decide(claim, invoice, item, day) for invoice, item in items]
        gross = sum((Decimal(row["accepted"]) for row in payments), ZERO)
        contribution = sum((Decimal(row["contribution"]) for row in payments), ZERO)
        provider_id = claim["serviceProviderId"]
        before = Decimal(self._section["heldOver"].get(provider_id, "0.00"))
        due = gross - contribution + before
        held = due if due < Decimal(self.rules["heldOverBelow"]) else ZERO
        self._section["heldOver"][provider_id] = str(held)
        claim["payments"] = payments
        claim["statement"] = {
            "claimTotal": str(gross),
            "totalPaid": str(due - held),
            "contribution": str(contribution),
            "heldBefore": str(before),
            "heldNow": str(held),
        }
        claim["status"], claim["paymentDate"], claim["approvedDate"] = "Approved", day.isoformat(), day.isoformat()
        self.touch(claim)

    def _decide(self, claim: Row, invoice: Row, item: Row, day: date) -> Row:
        key = f"{invoice['invoiceId']}/{item['itemId']}"
        fate = claim["fate"]
        amount = cents(Decimal(item["quantity"]) * Decimal(item["pricePerUnit"]))
        refused = key in fate.get("refuse", [])
        contribution = ZERO if refused else self._contribution(item, amount)
        if not refused and key not in fate.get("withoutUsage", []):
            self._draw(invoice, item, amount, day, fate.get("split", {}).get(key, ""))
        return {
            "invoiceId": invoice["invoiceId"],
            "itemId": item["itemId"],
            "careRecipientId": item["careRecipientId"],
            "accepted": str(ZERO if refused else amount),
            "contribution": str(contribution),
            "determination": "REJECTED" if refused else "PAID",
        }

    def _contribution(self, item: Row, amount: Decimal) -> Decimal:
        person = self.world.find_person(item["careRecipientId"])
        category = CATEGORY_OF.get(item["serviceId"].partition("|")[0], "")
        delivered = date.fromisoformat(item["deliveryDate"])
        for row in (person.contributions or ()) if person else ():
            if row.effective_from <= delivered and (row.effective_to is None or delivered <= row.effective_to):
                return cents(amount * _percentage(row, category) / 100)
        return ZERO

    def _draw(self, invoice: Row, item: Row, amount: Decimal, day: date, second_type: str) -> None:
        """Write the usage: from one budget, or three fifths from it and the rest from a second kind."""
        number = self.world.number_of(item["careRecipientId"])
        if number is None or item["fundingSource"] == "CM":
            return
        first = cents(amount * 3 / 5) if second_type else amount
        for type_code, part in ((item["fundingSource"], first), (second_type, amount - first)):
            if type_code:
                self.world.change(
                    number,
                    {
                        "kind": "add-usage",
                        "budgetTypeCode": type_code,
                        "itemCode": item["serviceId"].partition("|")[0],
                        "description": item["serviceText"],
                        "invoiceId": invoice["invoiceId"],
                        "itemId": item["itemId"],
                        "amount": str(-part),
                        "deliveryDate": item["deliveryDate"],
                        "serviceProviderId": invoice["serviceProviderId"],
                        "visibleFrom": (day + timedelta(days=int(self.rules["usageLagDays"]))).isoformat(),
                    },
                )

    def _invoices_of(self, claim: Row) -> Iterator[Row]:
        return (self.invoices[invoice_id] for invoice_id in claim["invoiceIds"])

    def _note_pending(self) -> None:
        pending = self.world.pending_claims
        pending.clear()
        pending.update(
            claim["serviceProviderId"]
            for claim in self.claims.values()
            if claim["status"] in ("BeingCalculated", "PendingApproval")
        )


def live_items(invoice: Row) -> list[Row]:
    """The items of an invoice that were not deleted."""
    return [item for item in invoice["items"] if item["itemStatus"] != "DELETED"]


def _percentage(row: Contribution, category: str) -> Decimal:
    if category == "Independence":
        return row.independence
    return row.everyday if category == "Everyday living" else ZERO


def _day(text: str) -> date:
    return datetime.fromisoformat(text).astimezone(SYDNEY).date()
