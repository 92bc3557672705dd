"""The claim tests' part of the world: synchronised clients with open lines, ready to be claimed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from carefund.domain.claims.invoice_file import InvoiceRow
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.claims.invoices import plan_import, store_import
from carefund.records.models import ApprovedService, Claim, ClaimBatch, Client
from carefund.runs.claims.claiming import request_check, request_sending
from carefund.runs.dates import business_today
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

    def claims(self) -> list[dict]:
        """The claims as the funder holds them."""
        return self.sandbox.ask("GET", "/claims")


def send_batch(batch_id: int) -> None:
    """Send a batch as an engine would; what came of it is on the batch."""
    finish_now(request_sending(batch_id))


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
