"""What becomes of the records of one person: kept, changed, marked, linked, and never silently lost.

Source: rules SYNC-03, SYNC-07 and SYNC-08.
"""

from datetime import timedelta
from decimal import Decimal

import pytest

from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Change,
    Classification,
    Client,
    Entitlement,
    IndividualContribution,
    Invoice,
    InvoiceLineItem,
    PlanBudget,
    Supplement,
    SyncState,
)
from carefund.runs.business_day import business_today
from carefund.runs.models import RunItem
from carefund.sync.care_recipient.answers import BUDGET_DETAILS, BUDGET_LIST, SyncParts
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from carefund.sync.care_recipient.usage_links import link_all_budget_usage

pytestmark = pytest.mark.django_db(transaction=True)

KIND = {record_set.model: record_set.kind for record_set in RECORD_SETS}
SYNCED = tuple(KIND)


@pytest.fixture
def settled(synchronise):
    """Synchronise, and prove that doing it again changes nothing."""

    def run(client: Client) -> RunItem:
        item = synchronise(client)
        assert item.outcome != RunItem.Outcome.FAILED, item.message
        again = synchronise(client)
        assert again.outcome in (RunItem.Outcome.UNCHANGED, RunItem.Outcome.CONSENT_MISSING)
        assert not any(
            count[what] for count in again.counts.values() for what in ("new", "changed", "no_longer_returned")
        )
        listed = {kind: count["new"] + count["changed"] + count["unchanged"] for kind, count in item.counts.items()}
        assert {kind: count["unchanged"] for kind, count in again.counts.items()} == listed
        return item

    return run


def test_a_result_counts_each_of_the_seven_kinds(world, add_client, settled):
    client = add_client(world.scenario("supplements")[0])
    item = settled(client)
    for model, kind in KIND.items():
        assert item.counts[kind]["new"] == model.objects.filter(client=client).count() > 0, kind


@pytest.mark.parametrize("scenario", ["extra-members", "unknown-codes", "sparse", "blank-invoice-ids", "ordinary"])
def test_unknown_codes_and_fields_and_missing_optional_ones_are_data(world, add_client, settled, scenario):
    item = settled(add_client(world.scenario(scenario)[0]))
    assert item.outcome == RunItem.Outcome.CHANGED
    assert item.counts["budgets"]["new"] > 0
    if scenario == "unknown-codes":
        assert PlanBudget.objects.filter(budget_type_code="ZZ").exists()
        assert Classification.objects.filter(code="ZZ", level="9X").exists()


def test_contributions_are_replaced_as_a_whole_set(world, add_client, settled):
    client = add_client("400000001")
    settled(client)
    before = set(IndividualContribution.objects.filter(client=client).values_list("id", flat=True))
    rows = [
        {"independencePercentage": "12.50", "everydayLivingPercentage": "40.00", "effectiveDateFrom": "2026-07-01"},
        {"independencePercentage": "13.00", "everydayLivingPercentage": "41.00", "effectiveDateFrom": "2026-10-01"},
    ]
    world.change("400000001", "contributions", rows=rows)
    settled(client)
    after = IndividualContribution.objects.filter(client=client)
    assert not before & set(after.values_list("id", flat=True))
    assert sorted(after.values_list("independence_percentage", flat=True)) == [Decimal("12.50"), Decimal("13.00")]


def test_nothing_may_point_at_a_contribution():
    pointing = [
        field.name for field in IndividualContribution._meta.get_fields() if field.auto_created and field.is_relation
    ]
    assert pointing == []


def test_contributions_that_are_gone_stay_marked_and_come_back(world, add_client, settled):
    client = add_client("400000001")
    settled(client)
    count = IndividualContribution.objects.filter(client=client).count()
    world.change("400000001", "drop", what="contributions")
    item = settled(client)
    assert item.counts["individual_contributions"]["no_longer_returned"] == count
    assert any("no individual contributions where there were" in warning for warning in item.warnings)
    marked = IndividualContribution.objects.filter(client=client, no_longer_returned_date=business_today())
    assert marked.count() == count
    world.change("400000001", "restore", what="contributions")
    settled(client)
    assert not IndividualContribution.objects.filter(client=client, no_longer_returned_date__isnull=False).exists()
    assert IndividualContribution.objects.filter(client=client).count() == count


def test_no_contribution_is_not_a_contribution_of_nothing(world, add_client, settled):
    absent, zero = (add_client(world.scenario(f"contributions-{how}")[0]) for how in ("absent", "zero"))
    settled(absent)
    settled(zero)
    assert not IndividualContribution.objects.filter(client=absent).exists()
    assert IndividualContribution.objects.get(client=zero).independence_percentage == Decimal("0.00")


@pytest.mark.parametrize(
    ("what", "model", "warning"),
    [
        ("budgets", PlanBudget, "no budget records where there were"),
        ("classifications", Classification, "no classifications where there were"),
        ("approvedServices", ApprovedService, "no approved services where there were"),
        ("supplements", Supplement, "no supplement allocations where there were"),
        ("usage", BudgetUsage, "no budget usage for"),
    ],
)
def test_an_empty_answer_marks_the_rows_and_is_a_warning_never_a_wipe(
    world, add_client, settled, changes, what, model, warning
):
    care_recipient_id = world.scenario("supplements")[0]
    client = add_client(care_recipient_id)
    settled(client)
    before = list(model.objects.filter(client=client).order_by("id").values_list("id", flat=True))
    number = Change.objects.latest("id").pk
    if what == "usage":
        for budget in PlanBudget.objects.filter(client=client):
            world.change(care_recipient_id, "drop", what="usage", which=budget.budget_id)
    else:
        world.change(care_recipient_id, "drop", what=what)
    item = settled(client)
    gone = model.objects.filter(client=client, no_longer_returned_date=business_today())
    assert list(model.objects.filter(client=client).order_by("id").values_list("id", flat=True)) == before
    assert item.counts[KIND[model]]["no_longer_returned"] == gone.count() > 0
    assert any(warning in text for text in item.warnings), item.warnings
    assert sum(action == "no longer returned" for _, action, *_ in changes(client, number)) == gone.count()
    world.change(care_recipient_id, "restore")
    settled(client)
    assert not model.objects.filter(client=client, no_longer_returned_date__isnull=False).exists()
    assert (
        sum(action == "returned again" for _, action, *_ in changes(client, number))
        == item.counts[KIND[model]]["no_longer_returned"]
    )


def test_the_date_of_no_longer_being_returned_stays_the_first_day(world, add_client, sync_on):
    client = add_client("400000001")
    today = business_today()
    sync_on(client, today)
    world.change("400000001", "drop", what="contributions")
    sync_on(client, today)
    world.change("400000001", "add-usage", amount="-3.00")
    sync_on(client, today + timedelta(days=3))
    dates = IndividualContribution.objects.filter(client=client).values_list("no_longer_returned_date", flat=True)
    assert set(dates) == {today}


def test_a_reissued_budget_is_new_and_the_old_one_is_no_longer_returned(world, add_client, settled):
    client = add_client("400000001")
    settled(client)
    old = PlanBudget.objects.filter(client=client).exclude(budget_type_code="ON").first()
    assert old is not None
    world.change("400000001", "reissue-budget", budgetId=old.budget_id)
    item = settled(client)
    assert (item.counts["budgets"]["new"], item.counts["budgets"]["no_longer_returned"]) == (1, 1)
    old.refresh_from_db()
    assert old.no_longer_returned_date == business_today()
    new = PlanBudget.objects.filter(client=client, budget_type_code=old.budget_type_code).latest("id")
    assert new.entitlements.exists()


def test_budgets_alike_in_all_but_their_id_are_several(world, add_client, settled):
    client = add_client(world.scenario("duplicate-budgets")[0])
    settled(client)
    assert PlanBudget.objects.filter(client=client, budget_type_code="AT").count() == 4


def test_a_budget_listed_twice_under_one_id_stays_two_rows(world, add_client, synchronise):
    client = add_client("400000001")
    fault = world.fault(kind="duplicate-row", operation="budgets_by_care_recipient")
    first = synchronise(client)
    listed = first.counts["budgets"]["new"]
    ids = list(PlanBudget.objects.filter(client=client).values_list("budget_id", flat=True))
    assert len(ids) == listed == len(set(ids)) + 1
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED
    world.ask("DELETE", f"/faults/{fault['id']}")
    assert synchronise(client).counts["budgets"]["no_longer_returned"] == 1
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_the_same_usage_line_twice_stays_two_rows(world, add_client, settled):
    client = add_client(world.scenario("same-line-twice")[0])
    settled(client)
    lines = BudgetUsage.objects.filter(client=client)
    assert lines.filter(ordinal=1).exists()


def test_usage_is_read_for_open_budgets_only(world, add_client, fetch):
    client = add_client("400000001")
    today = business_today()
    fetched = fetch(client)
    asked = {answer.subject_id for answer in fetched.list_all(BUDGET_DETAILS)}
    expected = {
        budget.budget_id
        for budget in fetched.find(BUDGET_LIST).value
        if budget.end_date is None or budget.end_date >= today - timedelta(days=90)
    }
    assert asked == expected < {budget.budget_id for budget in fetched.find(BUDGET_LIST).value}
    assert len(fetch(client, days=400).list_all(BUDGET_DETAILS)) > len(asked)


def test_usage_of_a_budget_that_is_no_longer_open_is_kept(world, add_client, sync_on):
    client = add_client("400000001")
    today = business_today()
    sync_on(client, today, days=400)
    lines = BudgetUsage.objects.filter(client=client).count()
    sync_on(client, today, days=0)
    assert BudgetUsage.objects.filter(client=client, no_longer_returned_date__isnull=True).count() == lines


def test_a_usage_line_of_ours_is_linked_and_a_foreign_one_is_not(world, add_client, settled):
    client = add_client("400000001")
    invoice = Invoice.objects.create(external_reference_id="INV-1", invoice_id="3000000077")
    ours = InvoiceLineItem.objects.create(
        invoice=invoice, client=client, item_id="2", external_reference_id="INV-1-2", service_id="SERV-0001",
        delivery_date=business_today(), quantity=1, price_per_unit=80,
    )  # fmt: skip
    world.change("400000001", "add-usage", amount="-80.00", invoiceId="3000000077", itemId="2")
    world.change("400000001", "add-usage", amount="-81.00", invoiceId="3000000077", itemId="3")
    world.change("400000001", "add-usage", amount="-82.00", invoiceId="9000000077", itemId="2")
    settled(client)
    linked = {
        usage.amount: usage.invoice_line_item_id
        for usage in BudgetUsage.objects.filter(client=client, amount__in=["-80.00", "-81.00", "-82.00"])
    }
    assert linked == {Decimal("-80.00"): ours.pk, Decimal("-81.00"): None, Decimal("-82.00"): None}
    invoice.line_items.create(
        client=client, item_id="3", external_reference_id="INV-1-3", service_id="SERV-0001",
        delivery_date=business_today(), quantity=1, price_per_unit=81,
    )  # fmt: skip
    link_all_budget_usage()
    assert BudgetUsage.objects.get(client=client, amount="-81.00").invoice_line_item is not None
    assert BudgetUsage.objects.get(client=client, amount="-80.00").invoice_line_item_id == ours.pk


def test_spending_at_another_provider_comes_along_with_a_person_who_moved_here(world, add_client, settled):
    client = add_client(world.scenario("moved-here")[0])
    settled(client)
    assert BudgetUsage.objects.filter(client=client, invoice_line_item__isnull=True).exists()


def test_the_service_provider_id_of_the_newest_budget_is_kept_on_the_client(world, add_client, settled, changes):
    client = add_client("400000001")
    settled(client)
    client.refresh_from_db()
    before = client.service_provider_id
    assert before in PlanBudget.objects.filter(client=client).values_list("service_provider_id", flat=True)
    number = Change.objects.latest("id").pk
    world.change("400000001", "service-provider", serviceProviderId="2200000099")
    settled(client)
    client.refresh_from_db()
    assert client.service_provider_id == "2200000099"
    assert ("client", "changed", "service_provider_id", before, "2200000099") in changes(client, number)
    world.change("400000001", "drop", what="budgets")
    settled(client)
    client.refresh_from_db()
    assert client.service_provider_id == "2200000099", "an answer without budgets tells nothing"


def test_refused_consent_is_an_outcome_of_its_own_and_keeps_what_was_known(world, add_client, settled):
    client = add_client("400000001")
    settled(client)
    known = {model: list(model.objects.filter(client=client).order_by("id").values()) for model in SYNCED}
    world.change("400000001", "consent", given=False)
    item = settled(client)
    assert item.outcome == RunItem.Outcome.CONSENT_MISSING
    assert any("were refused" in warning for warning in item.warnings)
    assert SyncState.objects.get(client=client).consent_missing
    assert {model: list(model.objects.filter(client=client).order_by("id").values()) for model in SYNCED} == known
    world.change("400000001", "consent", given=True)
    assert settled(client).outcome == RunItem.Outcome.UNCHANGED
    assert not SyncState.objects.get(client=client).consent_missing


def test_without_consent_from_the_start_all_but_the_details_is_known(world, add_client, synchronise):
    client = add_client(world.scenario("consent-refused")[0])
    item = synchronise(client)
    assert item.outcome == RunItem.Outcome.CONSENT_MISSING
    assert PlanBudget.objects.filter(client=client).exists()
    assert not Entitlement.objects.filter(client=client).exists()
    assert item.counts["entitlements"] == {"new": 0, "changed": 0, "unchanged": 0, "no_longer_returned": 0}


def test_a_sync_that_asks_for_no_details_does_not_speak_of_consent(world, add_client, synchronise, sync_on):
    client = add_client(world.scenario("consent-refused")[0])
    synchronise(client)
    result = sync_on(client, business_today(), parts=SyncParts.CONTRIBUTIONS)
    assert result.outcome.value == "unchanged"
    assert SyncState.objects.get(client=client).consent_missing, "that is still so"


@pytest.mark.parametrize(
    "operation",
    ["care_recipient_summary", "individual_contribution", "budgets_by_care_recipient", "budget_details"],
)
def test_an_answer_about_somebody_else_is_refused(world, add_client, synchronise, operation):
    client = add_client("400000001")
    world.fault(kind="wrong-type", operation=operation, field="careRecipientId", value="400000002")
    item = synchronise(client)
    assert (item.outcome, item.error_code) == (RunItem.Outcome.FAILED, "wrong-person")
    assert item.failed_step == operation.replace("_", " ")
    assert not any(model.objects.exists() for model in SYNCED)


def test_figures_that_do_not_add_up_are_stored_as_received_with_a_warning(world, add_client, settled):
    client = add_client("400000001")
    world.fault(kind="wrong-type", operation="budgets_by_care_recipient", field="available", value="123456.78")
    item = settled(client)
    assert any("do not add up" in warning for warning in item.warnings)
    assert PlanBudget.objects.filter(client=client, available="123456.78").exists()
