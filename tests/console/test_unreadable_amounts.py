"""An installation that holds what no amount, share or day can be comes up, and says so in place of one figure."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.urls import URLPattern, reverse
from django.utils import timezone

from carefund.console.urls import urlpatterns
from carefund.domain.quarters import quarter_of
from carefund.records import synced_tables
from carefund.records.amounts import UNREADABLE
from carefund.records.archive import ReceivedPage, digest_of, record_answers
from carefund.records.models import (
    CareManagementBudget,
    CareManagementSave,
    CareManagementUse,
    Claim,
    ClaimBatch,
    Client,
    FundingComponent,
    FundingPeriod,
    Invoice,
    InvoiceLineItem,
    PaceComparison,
    PaymentRequest,
    PlanBudget,
    ServiceContract,
    ServiceContractBudget,
)  # fmt: skip
from carefund.records.models.columns import FieldType, names_of
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
WORST = ("'NaN'", "10000000000000", "1e25", "9e999", "'nonsense'")
MONEY = ("total", "available", "used", "write_off", "rollover_deduction")


@pytest.fixture
def ada(db: None) -> User:
    return world.make_cast().ada


@pytest.fixture
def margaret(db: None) -> Client:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=2)
    return client


def put(table: str, columns: tuple[str, ...], value: str) -> bool:
    """Write a value past the product; False where the database itself refuses it."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            for column in columns:
                cursor.execute(f"UPDATE {table} SET {column} = {value}")
    except DatabaseError:
        return False
    return True


def addresses(client: Client) -> list[str]:
    about = [reverse(f"console:{name}", args=[client.pk]) for name in ("client", "plan", "client-changes", "as-of")]
    everybody = [reverse(f"console:{name}") for name in ("home", "clients", "clients-csv", "changes")]
    budgets = PlanBudget.objects.filter(client=client).values_list("pk", flat=True)
    return [
        *about,
        *(reverse("console:budget-explained", args=[client.pk, key]) for key in budgets),
        *everybody,
        f"{reverse('console:clients')}?sort=available",
        f"{reverse('console:clients')}?budget=low",
    ]


@pytest.mark.parametrize("value", WORST)
def test_pages_say_that_one_figure_cannot_be_shown(browse: Browse, ada: User, margaret: Client, value: str) -> None:
    stored = [
        put("records_planbudget", MONEY, value),
        put("records_entitlement", ("amount",), value),
        put("records_budgetusage", ("amount",), value),
        put("records_individualcontribution", ("everyday_living_percentage",), value),
    ]
    browser = browse(ada)
    for address in addresses(margaret):
        assert browser.get(address).status_code == 200, address
    if all(stored):
        assert "cannot be shown" in browser.get(reverse("console:client", args=[margaret.pk])).content.decode()


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_pages_stand_days_that_no_record_can_have(browse: Browse, ada: User, margaret: Client, day: str) -> None:
    for table in ("planbudget", "entitlement", "classification", "approvedservice", "supplement"):
        for columns in (("start_date",), ("end_date",), ("start_date", "end_date")):
            assert put(f"records_{table}", columns, f"'{day}'")
    assert put("records_individualcontribution", ("effective_date_from", "effective_date_to"), f"'{day}'")
    assert put("records_budgetusage", ("delivery_date",), f"'{day}'")
    browser = browse(ada)
    for address in addresses(margaret):
        assert browser.get(address).status_code == 200, address


def test_the_picture_of_an_earlier_day_leaves_out_what_cannot_be_read(
    browse: Browse, ada: User, margaret: Client
) -> None:
    body = b'[{"budgetId":"1","total":1e13}]'
    now = timezone.now()
    page = ReceivedPage(margaret.pk, "budgets_by_care_recipient", "", 1, digest_of(body), body, now)
    record_answers([page], [])
    address = f"{reverse('console:as-of', args=[margaret.pk])}?day={timezone.localdate():%Y-%m-%d}"
    response = browse(ada).get(address)
    assert response.status_code == 200
    assert "Some stored responses cannot be shown." in response.content.decode()


@pytest.mark.parametrize("value", WORST)
def test_comparing_reads_such_rows_and_finds_them_different(margaret: Client, value: str) -> None:
    was_put = put("records_planbudget", ("total",), value)
    assert was_put or connection.vendor == "postgresql"  # whose columns hold NaN, and no number too many
    rows = synced_tables.read(PlanBudget, ("total",), "client_id", [margaret.pk])
    assert all(total != Decimal("5.00") for (total,) in rows)


def test_what_is_calculated_with_it_cannot_be_shown_either() -> None:
    one = Decimal("1.50")
    results = (
        one + UNREADABLE, UNREADABLE - one, -UNREADABLE, abs(UNREADABLE), UNREADABLE * 3, one / UNREADABLE,
        UNREADABLE.quantize(one), sum([one, UNREADABLE, one]), round(UNREADABLE, 1),
    )  # fmt: skip
    assert all(result is UNREADABLE for result in results)
    assert not any((one < UNREADABLE, one > UNREADABLE, UNREADABLE > 0, UNREADABLE <= UNREADABLE, one == UNREADABLE))
    assert (f"{UNREADABLE:,.2f}", str(UNREADABLE), float(UNREADABLE), int(UNREADABLE)) == (
        "cannot be shown", "cannot be shown", 0.0, 0,
    )  # fmt: skip


@pytest.fixture
def everything(margaret: Client) -> dict[str, object]:
    """A row of each kind that holds money, beside Margaret's; gives what the addresses of their pages need."""
    now, today = timezone.now(), timezone.localdate()
    line = InvoiceLineItem.objects.first() or InvoiceLineItem.objects.create(
        invoice=Invoice.objects.create(external_reference_id="R1", invoice_id="1000000001"), client=margaret,
        external_reference_id="L1", service_id="SERV-0001", delivery_date=today, quantity=1, price_per_unit=1,
    )  # fmt: skip
    batch = ClaimBatch.objects.create(
        service_provider_id=world.BRANCH, from_date=today, to_date=today, state=ClaimBatch.State.CLAIMED
    )
    line.invoice.batch = batch
    line.invoice.save()
    claim = Claim.objects.create(
        claim_id="100000000001", batch=batch, service_provider_id=world.BRANCH, status="COMPLETED", made_at=now,
        invoice_ids=[line.invoice.invoice_id], claim_total=1, total_paid=1,
    )  # fmt: skip
    PaymentRequest.objects.create(batch=batch, line_item=line, state=PaymentRequest.State.PAID, amount=1, paid_amount=1)
    quarter = quarter_of(today)
    save = CareManagementSave.objects.create(
        service_provider_id=world.BRANCH, quarter_start_date=quarter.start_date, synced_at=now, last_synced_at=now
    )
    CareManagementBudget.objects.create(
        save_record=save, budget_id="1", service_provider_id=world.BRANCH, budget_type_code="CM", total=1, available=1,
        start_date=quarter.start_date, end_date=quarter.end_date,
    )  # fmt: skip
    CareManagementUse.objects.create(save_record=save, care_recipient_id=margaret.care_recipient_id, amount=-1, lines=1)
    contract = ServiceContract.objects.create(
        client=margaret, ndis_number="430000001", start_date=today, created_at=now, synced_at=now
    )
    budget = ServiceContractBudget.objects.create(
        contract=contract, category_text="Transport", category_number="02", category_name="Transport", approved_amount=1
    )
    component = FundingComponent.objects.create(budget=budget, amount=1)
    FundingPeriod.objects.create(component=component, start_date=today, end_date=today, amount=1)
    PaceComparison.objects.create(contract=contract, compared_at=now, drift_amount=1)
    return {
        "client_id": margaret.pk, "contract_id": contract.pk, "claim_id": claim.claim_id, "batch_id": batch.pk,
        "line_id": line.pk, "service_provider_id": world.BRANCH, "stage": "unpaid",
        "budget_key": PlanBudget.objects.filter(client=margaret).earliest("pk").pk,
    }  # fmt: skip


@pytest.mark.parametrize("value", ["'NaN'", "1e25"])
def test_every_page_comes_up(browse: Browse, ada: User, everything: dict[str, object], value: str) -> None:
    for model in apps.get_app_config("records").get_models():
        for column in names_of(model, FieldType.MONEY) + names_of(model, FieldType.PERCENTAGE):
            if column not in ("quantity", "price_per_unit"):  # ours, and checked when they come in
                put(model._meta.db_table, (column,), value)
    browser, seen = browse(ada), 0
    saying: set[str] = set()
    for pattern in urlpatterns:
        names = pattern.pattern.regex.groupindex if isinstance(pattern, URLPattern) else ["?"]
        if set(names) <= set(everything):
            address = reverse(f"console:{pattern.name}", kwargs={name: everything[name] for name in names})
            answer = browser.get(address)
            assert answer.status_code in (200, 302, 404, 405) or pattern.name == "first-visit", address
            seen += 1
            if not answer.streaming and b"cannot be shown" in answer.content:
                saying.add(str(pattern.name))
    assert seen > 40
    if value == "'NaN'":  # which both databases hold
        assert saying >= {"batch", "claim", "claims", "client", "clients", "ndis-contract", "plan"}
