"""A row of every kind that can be taken out as a table, of one client and their branch."""

from datetime import UTC, date, datetime
from decimal import Decimal

from carefund.records.models import (
    AccountMovement,
    Alert,
    CareManagementBudget,
    CareManagementSave,
    CareManagementUse,
    Claim,
    ClaimBatch,
    Client,
    DeliveredService,
    FundingComponent,
    FundingPeriod,
    Invoice,
    InvoiceLineItem,
    PaceComparison,
    PaymentRequest,
    PlannedService,
    ProviderAccount,
    ServiceContract,
    ServiceContractBudget,
    ServiceProvider,
    UnspentBalance,
)
from tests.console.world import make_funding

NOW, DAY, QUARTER = datetime(2026, 5, 3, 4, 5, 6, 789, UTC), date(2026, 5, 3), date(2026, 4, 1)
AMOUNT = Decimal("-1234.50")


def make_a_row_of_each(client: Client) -> None:
    """Add them; the line that was claimed was refused, so it is an exception."""
    make_funding(client, quarters=2)
    branch = client.service_provider_id
    ServiceProvider.objects.get_or_create(
        service_provider_id=branch, defaults={"name": "=Northside", "first_seen_at": NOW, "last_seen_at": NOW}
    )
    plain = {"service_id": "SERV-0012", "funding_source": "ON"}
    PlannedService.objects.create(client=client, price=AMOUNT, frequency="weekly", from_date=DAY, **plain)
    UnspentBalance.objects.create(client=client, source="CU", amount=AMOUNT, balance_date=DAY)
    _make_contract(client)
    _make_claim(client, branch, plain)
    account = ProviderAccount.objects.create(service_provider_id=branch, month=QUARTER, paid=AMOUNT, read_at=NOW)
    AccountMovement.objects.create(account=account, position=1, amount=AMOUNT, claim_id="70000001")
    saved = CareManagementSave.objects.create(
        service_provider_id=branch, quarter_start_date=QUARTER, synced_at=NOW, last_synced_at=NOW
    )
    CareManagementBudget.objects.create(save_record=saved, budget_id="1", total=AMOUNT, start_date=QUARTER)
    CareManagementUse.objects.create(
        save_record=saved, care_recipient_id=client.care_recipient_id or "", amount=AMOUNT, lines=2
    )
    Alert.objects.create(kind="runs-out", key=str(client.pk), client=client, due_date=DAY, amount=AMOUNT, begun_at=NOW)
    Alert.objects.create(kind="sync-stale", key=branch, service_provider_id=branch, begun_at=NOW, ended_at=NOW)


def _make_contract(client: Client) -> None:
    contract = ServiceContract.objects.create(
        client=client, ndis_number="430000001", start_date=DAY, created_at=NOW, synced_at=NOW
    )
    PaceComparison.objects.create(contract=contract, outcome="different", compared_at=NOW, drift_amount=AMOUNT)
    budget = ServiceContractBudget.objects.create(
        contract=contract, category_text="@core", category_name="Core", approved_amount=AMOUNT
    )
    component = FundingComponent.objects.create(budget=budget, amount=AMOUNT)
    FundingPeriod.objects.create(component=component, start_date=DAY, end_date=DAY, amount=AMOUNT)
    DeliveredService.objects.create(
        contract=contract, budget=budget, delivered_date=DAY, amount=AMOUNT, created_at=NOW,
        support_item_description="Care", service_provider_name="Another",
    )  # fmt: skip


def _make_claim(client: Client, branch: str, plain: dict[str, str]) -> None:
    reference = f"INV-{client.pk}"
    batch = ClaimBatch.objects.create(service_provider_id=branch, from_date=DAY, to_date=DAY, claim_attempted_at=NOW)
    invoice = Invoice.objects.create(
        external_reference_id=reference, invoice_id=f"9{client.pk}", service_provider_id=branch, batch=batch
    )
    line = InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id=f"{reference}-1", delivery_date=DAY,
        quantity=Decimal("1.50"), price_per_unit=Decimal("80.00"), **plain,
    )  # fmt: skip
    PaymentRequest.objects.create(
        batch=batch, line_item=line, state="refused", amount=Decimal("120.00"), claim_approved_date=DAY
    )
    Claim.objects.create(
        claim_id=f"7{client.pk}", batch=batch, service_provider_id=branch, made_at=NOW, total_paid=AMOUNT
    )
