"""An existing contract against PACE: differences first, chosen ones applied, adjustments never rewritten."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carefund.domain.ndis.comparing import DifferenceKind
from carefund.domain.ndis.plan import budget_ids
from carefund.records.models import Change, Client, DeliveredService, NdiaBudgetCall, PaceComparison, ServiceContract
from carefund.records.ndis.contracts import find_contract_figures
from carefund.records.ndis.queries import list_comparable
from carefund.runs.default_schedules import ensure_schedules
from carefund.runs.foreground import finish_now, retrieve_plan
from carefund.runs.models import Preview, Run, Schedule
from carefund.runs.ndis.comparing import request_comparisons
from carefund.runs.ndis.plans import apply_plan, create_from_plan
from carefund.runs.requests import retry_failures
from carefund.runs.schedule import request_due_runs
from carefund.sync.ndis import problems
from tests.pace_world import NdiaSandbox, retrieve_for

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client(ndia: NdiaSandbox) -> Client:
    return ndia.client("take-over")


@pytest.fixture
def contract(client: Client) -> ServiceContract:
    preview = retrieve_plan(client)
    return create_from_plan(client, preview.item_id, budget_ids(preview.plan.budgets))


def apply_all(contract: ServiceContract) -> list[str]:
    preview, found = retrieve_for(contract)
    apply_plan(contract, preview.item_id, [difference.id for difference in found.differences])
    contract.refresh_from_db()
    return [difference.kind.value for difference in found.differences]


def assert_in_step(contract: ServiceContract) -> None:
    """Run it again: nothing changes."""
    before = Change.objects.count()
    _, found = retrieve_for(contract)
    assert found.differences == ()
    assert Change.objects.count() == before


def test_an_unchanged_plan_has_no_differences(contract: ServiceContract) -> None:
    assert_in_step(contract)
    assert contract.comparison.outcome == PaceComparison.Outcome.IN_STEP


def test_looking_writes_nothing_to_the_contract(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3000.00")
    retrieve_for(contract)
    assert contract.budgets.get(category_number="03").approved_amount == Decimal("2400.00")
    contract.refresh_from_db()
    assert contract.version == 1


def test_an_extended_end_date_is_shown_and_applied(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    end = contract.end_date + timedelta(days=30)
    ndia.change(contract.client, "end-date", endDate=end.isoformat())
    _, found = retrieve_for(contract)
    first = found.differences[0]
    assert (first.kind, first.field, first.before, first.after) == (
        DifferenceKind.CONTRACT_FIELD,
        "end_date",
        contract.end_date,
        end,
    )
    apply_all(contract)
    assert contract.end_date == end
    assert_in_step(contract)


def test_a_changed_amount_changes_budget_component_and_periods(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    apply_all(contract)
    row = contract.budgets.get(category_number="03")
    assert row.approved_amount == row.component.amount == Decimal("3600.00")
    assert {period.amount for period in row.component.periods.all()} == {Decimal("900.00")}
    assert_in_step(contract)


def test_only_chosen_differences_are_applied(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    preview, found = retrieve_for(contract)
    chosen = [difference.id for difference in found.differences if difference.field == "approved_amount"]
    apply_plan(contract, preview.item_id, chosen)
    row = contract.budgets.get(category_number="03")
    assert row.approved_amount == Decimal("3600.00")
    assert row.released_amount == Decimal("1200.00")
    _, left = retrieve_for(contract)
    assert len(left.differences) == len(found.differences) - 1


def test_an_added_category_is_added_without_an_adjustment(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    before = DeliveredService.objects.count()
    ndia.change(contract.client, "set-category", category="Transport", approved="1000.00", instalments="none")
    ndia.change(contract.client, "spend", category="Transport", amount="40.00")
    assert apply_all(contract) == ["new category"]
    assert contract.budgets.get(category_number="02").spent_amount == Decimal("40.00")
    assert DeliveredService.objects.count() == before
    assert_in_step(contract)


def test_a_category_that_is_gone_is_flagged_and_left(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "remove-category", category="Consumables")
    assert apply_all(contract) == ["category gone"]
    row = contract.budgets.get(category_number="03")
    assert row.no_longer_in_pace_date == timezone.localdate()
    assert row.approved_amount == Decimal("2400.00")
    assert row.delivered_services.count() == 1
    assert find_contract_figures(contract, timezone.localdate()).total_funding == Decimal("73280.00")
    assert_in_step(contract)
    ndia.change(contract.client, "set-category", category="Consumables", approved="2400.00", instalments="quarterly")
    assert "category back" in apply_all(contract)
    assert contract.budgets.get(category_number="03").no_longer_in_pace_date is None


def test_a_category_that_became_self_managed_leaves_the_totals(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Improved Daily Living Skills", management="Self-managed")
    assert set(apply_all(contract)) == {"budget field"}
    row = contract.budgets.get(category_number="15")
    assert (row.management, row.is_excluded) == ("Self-managed", True)
    assert find_contract_figures(contract, timezone.localdate()).total_funding == Decimal("66080.00")
    assert_in_step(contract)


def test_spending_moves_the_figures_and_never_the_adjustment(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    adjustment = contract.delivered_services.get(budget__category_number="03")
    ndia.change(contract.client, "spend", category="Consumables", amount="100.00")
    _, found = retrieve_for(contract)
    assert [(drift.category_name, drift.amount) for drift in found.drifts] == [("Consumables", Decimal("100.00"))]
    apply_all(contract)
    after = contract.delivered_services.get(budget__category_number="03")
    assert (after.amount, after.delivered_date, after.note) == (
        adjustment.amount,
        adjustment.delivered_date,
        adjustment.note,
    )
    assert [row.drift for row in find_contract_figures(contract, timezone.localdate()).drifting] == [Decimal("100.00")]
    assert_in_step(contract)


def test_a_review_opens_a_new_period_on_the_same_plan(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    first_start, adjustments = contract.first_start_date, list(contract.delivered_services.values())
    ndia.change(contract.client, "review", approved={"Consumables": "4000.00"})
    _, found = retrieve_for(contract)
    assert [
        difference.field for difference in found.differences if difference.kind is DifferenceKind.CONTRACT_FIELD
    ] == [
        "start_date",
        "end_date",
    ]
    assert found.drifts == ()  # what was spent before the review is no drift of the plan after it
    apply_all(contract)
    today = timezone.localdate()
    assert (contract.start_date, contract.first_start_date) == (today, first_start)
    row = contract.budgets.get(category_number="03")
    assert (row.approved_amount, row.spent_amount) == (Decimal("4000.00"), Decimal("0.00"))
    assert list(contract.delivered_services.values()) == adjustments
    assert_in_step(contract)
    figures = find_contract_figures(contract, today)
    assert not figures.drifting
    assert [row.available for row in figures.rows if row.budget.category_number == "14"] == [Decimal("140.00")]


def test_after_a_review_a_new_contract_may_be_made_instead(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "review")
    preview = retrieve_plan(contract.client)
    made = create_from_plan(contract.client, preview.item_id, budget_ids(preview.plan.budgets))
    assert made.pk != contract.pk
    assert not made.delivered_services.exists()  # nothing is spent in a plan that was just reviewed
    preview, found = retrieve_for(contract)
    with pytest.raises(problems.ContractExists):
        apply_plan(contract, preview.item_id, [difference.id for difference in found.differences])
    contract.refresh_from_db()
    assert contract.start_date < made.start_date


def test_what_was_shown_is_applied_and_nobody_is_asked_again(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    preview, found = retrieve_for(contract)
    ndia.change(contract.client, "set-category", category="Consumables", approved="9999.00")
    asked = len(ndia.asked("ndia_determine_plan"))
    apply_plan(contract, preview.item_id, [difference.id for difference in found.differences])
    assert len(ndia.asked("ndia_determine_plan")) == asked
    assert contract.budgets.get(category_number="03").approved_amount == Decimal("3600.00")


def test_a_preview_of_a_contract_runs_out(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    preview, found = retrieve_for(contract)
    Preview.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(problems.PreviewUnknown):
        apply_plan(contract, preview.item_id, [difference.id for difference in found.differences])
    assert contract.budgets.get(category_number="03").approved_amount == Decimal("2400.00")


def test_a_contract_that_somebody_else_changed_meanwhile_refuses(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    mine, found = retrieve_for(contract)
    apply_all(contract)
    with pytest.raises(problems.PlanMoved):
        apply_plan(contract, mine.item_id, [difference.id for difference in found.differences])


def test_nothing_ticked_applies_nothing(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    preview, _ = retrieve_for(contract)
    with pytest.raises(problems.NothingChosen):
        apply_plan(contract, preview.item_id, [])


def test_many_contracts_are_compared_and_none_is_changed(ndia: NdiaSandbox, contract: ServiceContract) -> None:
    others = []
    for scenario in ("monthly", "no-consent"):
        person = ndia.client(scenario)
        ndia.change(person, "consent", given=True)
        preview = retrieve_plan(person)
        others.append(create_from_plan(person, preview.item_id, budget_ids(preview.plan.budgets)))
    ndia.change(contract.client, "set-category", category="Consumables", approved="3600.00")
    ndia.change(others[1].client, "consent", given=False)
    before = list(ServiceContract.objects.values()), list(DeliveredService.objects.values())
    run = finish_now(request_comparisons(list_comparable(Client.objects.all())))
    assert (run.status, run.total) == (Run.Status.FINISHED, 3)
    found = {
        row.contract_id: (row.outcome, row.number_of_differences, row.code) for row in PaceComparison.objects.all()
    }
    assert found[contract.pk][0] == "different"
    assert found[others[0].pk] == ("in step", 0, "")
    assert found[others[1].pk] == ("failed", 0, "authority-missing")
    assert before == (list(ServiceContract.objects.values()), list(DeliveredService.objects.values()))
    again = retry_failures(run)
    assert [item.holds for item in again.items.all()] == [f"contract:{others[1].pk}"]


def test_a_used_up_hour_holds_the_run_until_it_is_over(
    ndia: NdiaSandbox, contract: ServiceContract, settings: object
) -> None:
    compared_at = PaceComparison.objects.get().compared_at
    settings.NDIA_BUDGETS_PER_HOUR = 1  # type: ignore[attr-defined]
    run = finish_now(request_comparisons([contract]))
    assert run.status == Run.Status.PAUSED
    assert timedelta(minutes=58) < run.resumes_at - timezone.now() < timedelta(minutes=61)
    assert run.items.get().status == "queued"
    assert PaceComparison.objects.get().compared_at == compared_at


def test_a_client_whose_access_was_taken_off_is_not_compared(contract: ServiceContract) -> None:
    contract.client.ndis.api_access = False
    contract.client.ndis.save()
    assert list(list_comparable(Client.objects.all())) == []


def test_every_contract_is_compared_once_a_day(contract: ServiceContract) -> None:
    ensure_schedules()
    Schedule.objects.exclude(kind=Schedule.Kind.CONTRACTS).delete()
    night = (timezone.localtime() + timedelta(days=1)).replace(hour=2)
    Schedule.objects.update(last_slot_at=night)
    assert request_due_runs(night) == []
    [run] = request_due_runs(night.replace(hour=4))
    assert (run.kind, run.total) == ("contract-comparison", 1)
    assert request_due_runs(night.replace(hour=5)) == []
    Run.objects.update(status=Run.Status.FINISHED)
    assert len(request_due_runs(night.replace(hour=4) + timedelta(days=1))) == 1


def test_comparing_many_leaves_some_of_the_hour_to_people(
    ndia: NdiaSandbox, contract: ServiceContract, settings: object
) -> None:
    settings.NDIA_BUDGETS_PER_HOUR = 2  # type: ignore[attr-defined]
    assert NdiaBudgetCall.objects.count() == 1
    assert finish_now(request_comparisons([contract])).status == Run.Status.FINISHED
    assert finish_now(request_comparisons([contract])).status == Run.Status.PAUSED


def test_a_period_that_begins_overnight_is_noticed_though_nobody_announces_it(
    ndia: NdiaSandbox, contract: ServiceContract
) -> None:
    row = contract.budgets.get(category_number="03")
    following = row.component.periods.filter(start_date__gt=timezone.localdate()).first()
    ndia.control("POST", "/clock", today=following.start_date.isoformat())
    _, found = retrieve_for(contract)
    fields = {difference.field for difference in found.differences if difference.category_name == "Consumables"}
    assert fields == {"released_amount", "remaining_amount"}
    assert ndia.control("GET", "/ndia/events") == []
