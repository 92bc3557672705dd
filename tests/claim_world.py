"""The claim tests' part of the world: synchronised clients with open lines, ready to be claimed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction

from carefund.domain.claims.invoice_file import InvoiceRow
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.claims.invoices import plan_import, store_import
from carefund.records.models import (
    ApprovedService,
    Claim,
    ClaimAnswer,
    ClaimBatch,
    Client,
    Invoice,
    InvoiceLineItem,
    LateEvidence,
    PaymentRequest,
)
from carefund.runs.business_day import business_today
from carefund.runs.claims.claiming import request_check, request_sending
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from carefund.sync.claims.preparing import BatchChoice, prepare_batch
from tests.conftest import Sandbox

# Ordinary people of one service provider id in the sandbox.
PEOPLE = ("400000001", "400000007", "400000013")


@dataclass
class ClaimWorld:
    """The sandbox, the clients and what they were given."""

    sandbox: Sandbox
    clients: list[Client] = field(default_factory=list)

    def deliver(
        self,
        client: Client,
        invoice: str = "INV-1",
        *,
        lines: int = 1,
        quantity: str = "1.50",
        price: str = "80.00",
        day: date | None = None,
        service_id: str = "",
        late_reason_code: str = "",
        funding_source: str = "ON",
    ) -> None:
        """Bring in lines of one service that the client is approved for, on the quarter's last days up to yesterday."""
        service = service_id or approved_services(client)[0]
        first = day or business_today() - timedelta(days=1)
        rows = [
            InvoiceRow(
                line=number,
                invoice_reference=invoice,
                line_reference=f"{invoice}-{client.pk}-{number}",
                care_recipient_id=client.care_recipient_id or "",
                service_id=service,
                delivery_date=first - timedelta(days=number - 1),
                quantity=Decimal(quantity),
                price_per_unit=Decimal(price),
                funding_source=funding_source,
                late_reason_code=late_reason_code,
            )
            for number in range(1, lines + 1)
        ]
        plan = plan_import(rows)
        assert plan.is_loadable, plan.problems
        store_import(plan)

    def prepare(self) -> ClaimBatch:
        """A batch of everything open."""
        return prepare_batch(self.choice(), business_today())

    def choice(self) -> BatchChoice:
        """Everything open of the provider, of the last year."""
        today = business_today()
        return BatchChoice(self.clients[0].service_provider_id, today - timedelta(days=365), today)

    def turn(self, **clock: float) -> None:
        """Turn the funder's clock."""
        self.sandbox.ask("POST", "/clock", clock)

    def steer(self, claim_id: str, **fate: object) -> None:
        """Decide what will become of a claim."""
        self.sandbox.ask("POST", f"/claims/{claim_id}", fate)

    def invoices(self) -> list[dict]:
        """The invoices as the funder holds them."""
        return self.sandbox.ask("GET", "/invoices")

    def count_asked(self, operation: str) -> int:
        """How often the funder answered an operation so far."""
        return len(self.sandbox.ask("GET", f"/journal?operation={operation}&limit=100")["requests"])

    def claims(self) -> list[dict]:
        """The claims as the funder holds them."""
        return self.sandbox.ask("GET", "/claims")


class Died(BaseException):
    """The process was killed."""


class DyingDatabase(DatabaseThreads):
    """A process that is killed at its n-th word to the database: before it is written, or just after."""

    def __init__(self, step: int, *, after: bool) -> None:
        super().__init__()
        self.left, self.after = step, after

    async def do(self, work, *arguments, **named):
        if self.left < 0:
            raise Died
        self.left -= 1
        if self.left >= 0:
            return await super().do(work, *arguments, **named)
        if self.after:
            await super().do(work, *arguments, **named)
        raise Died


class Backup:
    """What the database held of invoices and claims at a moment, to be put back as a restored backup would."""

    _models = (ClaimBatch, Invoice, InvoiceLineItem, LateEvidence, PaymentRequest, Claim, ClaimAnswer)

    def __init__(self) -> None:
        self._rows = {model: list(model.objects.order_by("pk")) for model in self._models}

    def restore(self) -> None:
        """Put everything back as it was; what the funder holds stays as it is."""
        with transaction.atomic():
            for model in reversed(self._models):
                query = model.objects.all()
                query._raw_delete(query.db)
            for model, rows in self._rows.items():
                model.objects.bulk_create(rows)


def send_batch(batch_id: int) -> None:
    """Send a batch as an engine would; what came of it is on the batch."""
    finish_now(request_sending(batch_id))


def assert_claimed_once(claims: ClaimWorld, batch: ClaimBatch, lines: int) -> None:
    """The funder holds each line once, in one claim, and we know each of its numbers."""
    batch.refresh_from_db()
    assert batch.state == ClaimBatch.State.CLAIMED, batch.problem
    [claim] = claims.claims()
    held = [invoice for invoice in claims.invoices() if invoice["status"] != "DELETED"]
    references = [item["externalReferenceId"] for invoice in held for item in invoice["items"]]
    assert sorted(references) == sorted(InvoiceLineItem.objects.values_list("external_reference_id", flat=True))
    assert len(references) == lines == len(set(references))
    assert set(claim["invoiceIds"]) == {invoice["invoiceId"] for invoice in held}
    assert Claim.objects.get().claim_id == claim["claimId"]
    assert not Invoice.objects.filter(is_uncertain=True).exists()
    for invoice in held:
        ours = Invoice.objects.get(invoice_id=invoice["invoiceId"])
        assert {(line.external_reference_id, line.item_id) for line in ours.line_items.all()} == {
            (item["externalReferenceId"], item["itemId"]) for item in invoice["items"]
        }


@dataclass(frozen=True)
class Checked:
    """What a check of one claim came to."""

    claim: Claim
    run: Run | None
    problem: str


def check_claim(claim: Claim) -> Checked:
    """Check Status of one claim as an engine would."""
    item = finish_now(request_check(claim)).items.get()
    run = Run.objects.filter(pk=(item.result or {}).get("run")).first()
    problem = item.message if item.outcome == "failed" else ""
    return Checked(Claim.objects.get(pk=claim.pk), run, problem)


def late_day() -> date:
    """A day whose lines are late on any day of the quarter, and that lies no further back than it must."""
    return previous_quarter(previous_quarter(quarter_of(business_today()))).end_date


def approved_services(client: Client) -> list[str]:
    """Services that the client may be given now."""
    found = ApprovedService.objects.filter(client=client, service_group_id="SERG-0001", end_date__isnull=True)
    return list(found.order_by("service_id").values_list("service_id", flat=True))


def settle(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> ClaimWorld:
    """Synchronised clients of one service provider."""
    clients = [
        add_client(care_recipient_id, last_name=f"Example {care_recipient_id[-2:]}") for care_recipient_id in PEOPLE
    ]
    for client in clients:
        synchronise(client)
        client.refresh_from_db()
    return ClaimWorld(world, clients)
