"""The claim API, and what tells of payment: claims, payment statement, payment items, account summary.

Source: rules CLAIM-02, CLAIM-05 and CLAIM-09.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from sandbox.container import Container
from sandbox.gateway import AGED_CARE_AUDIENCE, ORGANISATION_ID, business_error, schema_error
from sandbox.services_australia.claim_life import ClaimLife, Row
from sandbox.services_australia.invoice_items import ItemRefused, Schema
from sandbox.services_australia.invoices import answering
from sandbox.services_australia.paging import list_answer
from sandbox.wire import Answer, Call, Route, encode, json_answer

PAID = ("Approved", "Completed")


class Claims:
    """Handlers of the claim and payment APIs."""

    def __init__(self, container: Container, life: ClaimLife) -> None:
        self._container = container
        self.life = life

    def routes(self, base: str) -> list[Route]:
        """The lines of the route table under the Support at Home base path."""
        table: list[tuple[str, str, str, Callable[[Call], Answer]]] = [
            ("claim_create", "POST", "/claim/v1", self.create),
            ("claims", "GET", "/claim/v1", self.search),
            ("claim_details", "GET", "/claim/v1/{claimId}", self.details),
            ("payment_statement", "GET", "/payment-statement/v1/{claimId}", self.statement),
            ("payment_items", "GET", "/payment-item/v1", self.payment_items),
            ("account_summary", "GET", "/account-summary/v1", self.account_summary),
        ]
        return [Route(name, method, base + path, work, AGED_CARE_AUDIENCE) for name, method, path, work in table]

    @answering
    def create(self, call: Call) -> Answer:
        """Claim the submitted invoices of a provider: those listed, or all of them. Once a day."""
        body = call.json()
        if not isinstance(body, dict) or not body.get("serviceProviderId"):
            raise Schema("Invalid object: mandatory property serviceProviderId is missing")
        provider_id, life = str(body["serviceProviderId"]), self.life
        if provider_id not in life.world.provider_ids():
            return business_error(403, "4", "The organisation does not act for this service provider")
        if life.rules["oneClaimPerDay"] and life.claimed_on(provider_id, life.world.clock.today()):
            raise ItemRefused("A claim has already been made for this service provider today")
        listed = [str(row.get("invoiceId")) for row in body.get("invoices") or ()]
        ready = [
            invoice
            for invoice in life.invoices.values()
            if invoice["serviceProviderId"] == provider_id
            and invoice["status"] == "SUBMITTED"
            and (not listed or invoice["invoiceId"] in listed)
        ]
        if not ready or len(ready) < len(set(listed)):
            raise ItemRefused("There is no submitted invoice to claim" if not ready else "An invoice is not submitted")
        claim = life.add_claim(provider_id, ready)
        return json_answer({"claimId": claim["claimId"], "status": life.spelt(claim["status"])}, 201)

    @answering
    def search(self, call: Call) -> Answer:
        """Claims by provider, branch, status and dates."""
        query = call.query
        rows = [self._row(claim) for claim in self.life.claims.values() if _is_wanted(claim, query)]
        return list_answer(rows, query, self._container.switches, ("createdAtDateTime", "claimId"))

    @answering
    def details(self, call: Call) -> Answer:
        """One claim."""
        return json_answer(self._row(self.life.claims[call.args["claimId"]]))

    @answering
    def statement(self, call: Call) -> Answer:
        """The payment statement of an approved claim."""
        claim = self.life.claims[call.args["claimId"]]
        if (
            claim["status"] not in PAID
            or call.query.get("serviceProviderId", claim["serviceProviderId"]) != (claim["serviceProviderId"])
        ):
            raise LookupError
        found = claim["statement"]
        row = {
            "claimId": claim["claimId"],
            "serviceProviderId": claim["serviceProviderId"],
            "serviceNapsId": claim["serviceNapsId"],
            "paymentDate": claim["paymentDate"],
            "claimTotal": Decimal(found["claimTotal"]),
            "totalPaid": Decimal(found["totalPaid"]) + Decimal(str(claim["fate"].get("statementError", "0.00"))),
            "compensationReduction": Decimal("0.00"),
            "careRecipientIndividualContribution": Decimal(found["contribution"]),
            "heldoverPreviousPeriod": Decimal(found["heldBefore"]),
            "outstandingHeldover": Decimal(found["heldNow"]),
        }
        return Answer(200, encode(row, money_as_text=self._container.switches.money == "string"))

    @answering
    def payment_items(self, call: Call) -> Answer:
        """What was decided on each item of a claim or an invoice."""
        claim_id, invoice_id = call.query.get("claimId", ""), call.query.get("invoiceId", "")
        if not claim_id and not invoice_id:
            return schema_error("Invalid object: mandatory property claimId or invoiceId is missing")
        rows = [
            {
                "claimId": claim["claimId"],
                "invoiceId": paid["invoiceId"],
                "itemId": paid["itemId"],
                "careRecipientId": paid["careRecipientId"],
                "claimSubmissionDate": claim["createdAtDateTime"][:10],
                "claimApprovedDate": claim["approvedDate"],
                "paymentDate": claim["paymentDate"],
                "paymentAmount": Decimal(paid["accepted"]) - Decimal(paid["contribution"]),
                "compensationReduction": Decimal("0.00"),
                "individualContributionAmount": Decimal(paid["contribution"]),
                "paymentDetermination": paid["determination"],
                "agedCareReference": f"AC{claim['claimId']}-{place:04d}",
            }
            for claim in self.life.claims.values()
            if claim["status"] in PAID and claim_id in ("", claim["claimId"])
            for place, paid in enumerate(claim["payments"], 1)
            if invoice_id in ("", paid["invoiceId"])
        ]
        return list_answer(rows, call.query, self._container.switches, ("agedCareReference",))

    @answering
    def account_summary(self, call: Call) -> Answer:
        """What was paid and held over in a period, the last thirty days unless asked otherwise."""
        provider_id = call.query.get("serviceProviderId", "")
        if not provider_id:
            return schema_error("Invalid object: mandatory property serviceProviderId is missing")
        today = self.life.world.clock.today()
        try:
            first = date.fromisoformat(call.query.get("periodStartDate") or (today - timedelta(days=30)).isoformat())
            last = date.fromisoformat(call.query.get("periodEndDate") or today.isoformat())
        except ValueError:
            raise Schema("Invalid string: a period date does not match the pattern yyyy-MM-dd") from None
        told = [
            claim
            for claim in self.life.claims.values()
            if claim["serviceProviderId"] == provider_id and claim["status"] in PAID
            and claim["paymentDate"] <= last.isoformat() and not claim["fate"].get("notInAccount")
        ]  # fmt: skip
        before = [claim for claim in told if claim["paymentDate"] < first.isoformat()]
        paid = [claim for claim in told if claim["paymentDate"] >= first.isoformat()]
        return json_answer({
            "serviceProviderId": provider_id,
            "periodStartDate": first,
            "periodEndDate": last,
            "heldoverPreviousPeriod": _held(before),
            "paymentAmount": sum((Decimal(claim["statement"]["totalPaid"]) for claim in paid), Decimal("0.00")),
            "heldoverAmount": _held(told),
            "transactions": [_transaction(claim) for claim in paid],
        })  # fmt: skip

    def _row(self, claim: Row) -> Row:
        return {
            "claimId": claim["claimId"],
            "organisationId": ORGANISATION_ID,
            "serviceProviderId": claim["serviceProviderId"],
            "serviceNapsId": claim["serviceNapsId"],
            "status": claim["fate"].get("statusText") or self.life.spelt(claim["status"]),
            "paymentDate": claim["paymentDate"],
            "createdAtDateTime": claim["createdAtDateTime"],
            "updatedAtDateTime": claim["updatedAtDateTime"],
            "invoices": [{"invoiceId": invoice_id} for invoice_id in claim["invoiceIds"]],
        }


def _is_wanted(claim: Row, query: dict[str, str]) -> bool:
    for name, member in (
        ("serviceProviderId", "serviceProviderId"),
        ("serviceNapsId", "serviceNapsId"),
        ("claimStatus", "status"),
    ):
        if query.get(name) and str(claim[member]).lower() != query[name].replace(" ", "").lower():
            return False
    for name in ("paymentDate", "createdAtDateTime"):
        held = claim[name] or ""
        if query.get(f"{name}From") and held < query[f"{name}From"]:
            return False
        if query.get(f"{name}To") and held > query[f"{name}To"]:
            return False
    return True


def _held(told: list[Row]) -> Decimal:
    """What is held over after the last of these claims."""
    return Decimal(told[-1]["statement"]["heldNow"] if told else "0.00")


def _transaction(claim: Row) -> Row:
    found = claim["statement"]
    return {
        "date": claim["paymentDate"],
        "description": "Claim",
        "amount": Decimal(found["claimTotal"])
        - Decimal(found["contribution"])
        + Decimal(str(claim["fate"].get("accountError", "0.00"))),
        "transactionType": "Z2",
        "paymentIdentifier": claim["claimId"],
        "heldoverBalance": Decimal(found["heldNow"]),
        "paymentReference": f"Z2SAH0{claim['claimId']}",
        "paymentAmount": Decimal(found["totalPaid"]),
        "updatedAtDateTime": claim["updatedAtDateTime"],
    }
