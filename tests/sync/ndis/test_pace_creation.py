"""A new contract from PACE: what was previewed is what is created, with its adjustment records, or nothing is."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.utils import timezone

from carefund.domain.ndis import adjustments
from carefund.domain.ndis.plan import budget_ids
from carefund.funders.errors.answers import WrongType
from carefund.funders.errors.outages import OutOfService, Throttled
from carefund.funders.errors.people import AuthorityMissing, IdentityNotMatched
from carefund.records.archive import answers_as_of
from carefund.records.care_recipient.changes import list_changes
from carefund.records.models import Change, Client, DeliveredService, ServiceContract
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.contract_log import CONTRACT_KIND
from carefund.records.ndis.contracts import find_contract_figures
from carefund.records.ndis.queries import PACE_API
from carefund.runs.foreground import finish_now, retrieve_plan
from carefund.runs.models import Preview, Run
from carefund.runs.ndis.plans import NotRetrieved, create_from_plan, find_open_question, request_plan
from carefund.sync.ndis import problems
from tests.pace_world import NdiaSandbox, not_retrieved, retrieve_for

pytestmark = pytest.mark.django_db(transaction=True)


def create(client: Client, *, without: str = "") -> ServiceContract:
    preview = retrieve_plan(client)
    ids = budget_ids(preview.plan.budgets)
    return create_from_plan(
        client, preview.item_id, [budget_id for budget_id in ids if not without or without not in budget_id]
    )


def nothing_was_written() -> bool:
    return not (ServiceContract.objects.exists() or DeliveredService.objects.exists() or Change.objects.exists())


def test_create_makes_contract_budgets_components_periods_and_adjustments(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    contract = create(client)
    facts = ndia.facts(client)
    plan = facts["plans"][-1]
    assert contract.ndis_number == client.ndis.ndis_number
    assert (contract.start_date.isoformat(), contract.end_date.isoformat()) == (plan["start"], plan["end"])
    rows = list(contract.budgets.order_by("id"))
    assert [row.category_text for row in rows] == [
        "Assistance with Daily Life",
        "Consumables",
        "Assistance with Social, Economic and Community Participation",
        "Improved Daily Living Skills",
        "Choice and Control",
        "Assistive Technology",
    ]
    assert [row.category_number for row in rows] == ["01", "03", "04", "15", "14", "05"]
    assert [row.approved_amount for row in rows][:2] == [Decimal("48000.00"), Decimal("2400.00")]
    assert [row.component.periods.count() for row in rows] == [4, 4, 4, 4, 12, 1]
    assert rows[0].component.amount == Decimal("48000.00")
    assert [row.is_excluded for row in rows] == [False] * 5 + [True]
    figures = find_contract_figures(contract, timezone.localdate())
    assert figures.total_funding == Decimal("75680.00")
    assert not figures.drifting


def test_a_first_contract_is_one_line_of_the_change_log_and_no_news(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    create(client)
    [line] = Change.objects.filter(client=client)
    assert (line.kind, line.action) == (CONTRACT_KIND, Change.FIRST)
    assert not list_changes(client=client).exists()


def test_each_category_with_money_delivered_gets_one_adjustment_record(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("take-over"))
    told = {
        row.budget.category_text: (
            row.amount,
            row.service_provider_name,
            row.support_item_number,
            row.support_item_description,
            row.note,
            row.is_adjustment,
            row.is_claimable,
        )
        for row in contract.delivered_services.select_related("budget")
    }
    same = ("", adjustments.DESCRIPTION, adjustments.NOTE, True, False)
    assert told == {
        "Assistance with Daily Life": (Decimal("9120.40"), "NDIA refer to PACE", *same),
        "Consumables": (Decimal("310.15"), "NDIA refer to PACE", *same),
        "Improved Daily Living Skills": (Decimal("1455.00"), "NDIA refer to PACE", *same),
        "Choice and Control": (Decimal("420.00"), "Previous Plan Manager", *same),
        "Assistive Technology": (Decimal("800.00"), "NDIA refer to PACE", *same),
    }


@pytest.mark.parametrize("scenario", ["take-over", "future", "ended"])
def test_an_adjustment_is_dated_inside_the_contract(ndia: NdiaSandbox, scenario: str) -> None:
    client = ndia.client(scenario)
    if scenario == "future":
        start = ndia.facts(client)["plans"][-1]["start"]
        ndia.change(client, "spend", category="Consumables", amount="5.00", date="2020-01-01")
        assert date.fromisoformat(start) > timezone.localdate()
    contract = create(client)
    days = set(contract.delivered_services.values_list("delivered_date", flat=True))
    expected = {"take-over": timezone.localdate(), "future": contract.start_date, "ended": contract.end_date}
    assert days == {expected[scenario]}


def test_an_adjustment_can_never_be_claimable(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("take-over"))
    with pytest.raises(IntegrityError):
        contract.delivered_services.update(is_claimable=True)


def test_an_unticked_budget_is_not_created_and_not_offered_as_news(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    contract = create(client, without="03-")
    assert contract.budgets.count() == 5
    assert not contract.delivered_services.filter(budget__category_text="Consumables").exists()
    _, found = retrieve_for(contract)
    assert [(difference.kind.value, difference.is_chosen) for difference in found.differences] == [
        ("new category", False)
    ]
    assert contract.comparison.outcome == "in step"


def test_nothing_ticked_creates_nothing(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    preview = retrieve_plan(client)
    for chosen in ([], ["no-such-budget"]):
        with pytest.raises(problems.NothingChosen):
            create_from_plan(client, preview.item_id, chosen)
    assert nothing_was_written()


def test_what_was_shown_is_created_and_nobody_is_asked_again(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    preview = retrieve_plan(client)
    ndia.change(client, "spend", category="Consumables", amount="0.01")
    asked = len(ndia.asked("ndia_determine_plan"))
    contract = create_from_plan(client, preview.item_id, budget_ids(preview.plan.budgets))
    assert len(ndia.asked("ndia_determine_plan")) == asked
    assert contract.delivered_services.get(budget__category_text="Consumables").amount == Decimal("310.15")


@pytest.mark.parametrize(
    "values", [{"ndis_number": "430999999"}, {"surname": "Other"}, {"birth_date": date(1990, 1, 1)}]
)
def test_a_participant_who_changed_since_refuses(ndia: NdiaSandbox, values: dict[str, object]) -> None:
    client = ndia.client("take-over")
    preview = retrieve_plan(client)
    pace_store.store_participant(client, **values)
    with pytest.raises(problems.PreviewUnknown, match="NDIS details changed"):
        create_from_plan(client, preview.item_id, budget_ids(preview.plan.budgets))
    assert nothing_was_written()


def test_a_plan_has_one_contract_whoever_presses_create(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    first, second = retrieve_plan(client), retrieve_plan(client)
    ids = budget_ids(first.plan.budgets)
    made = create_from_plan(client, first.item_id, ids)
    for token in (first.item_id, second.item_id):
        with pytest.raises(problems.ContractExists) as refused:
            create_from_plan(client, token, ids)
        assert refused.value.contract_id == made.pk
    assert ServiceContract.objects.count() == 1
    assert DeliveredService.objects.count() == 5


def test_a_preview_serves_its_own_client_and_not_for_ever(ndia: NdiaSandbox) -> None:
    client, other = ndia.client("take-over"), ndia.client("monthly")
    preview = retrieve_plan(client)
    with pytest.raises(problems.PreviewUnknown):
        create_from_plan(other, preview.item_id, ["x"])
    Preview.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(problems.PreviewUnknown):
        create_from_plan(client, preview.item_id, ["x"])


@pytest.mark.parametrize(
    ("scenario", "error"),
    [
        ("no-consent", AuthorityMissing),
        ("plan-manager-ended", AuthorityMissing),
        ("provider-ended", AuthorityMissing),
        ("old-system", problems.NotOnPace),
        ("no-budgets", problems.BudgetsMissing),
    ],
)
def test_what_cannot_become_a_contract_says_why(ndia: NdiaSandbox, scenario: str, error: type[Exception]) -> None:
    client = ndia.client(scenario)
    with not_retrieved(error):
        retrieve_plan(client)
    client.ndis.refresh_from_db()
    assert client.ndis.outcome == error.code  # type: ignore[attr-defined]
    assert nothing_was_written()


def test_no_budget_is_asked_for_when_the_plan_is_not_on_pace(ndia: NdiaSandbox) -> None:
    with not_retrieved(problems.NotOnPace):
        retrieve_plan(ndia.client("old-system"))
    assert ndia.asked("ndia_pace_budget") == []


@pytest.mark.parametrize("nobody", ["404", "empty", "text"])
@pytest.mark.parametrize(
    "values", [{"surname": "Wrong"}, {"birth_date": date(1990, 1, 1)}, {"ndis_number": "430999999"}]
)
def test_any_wrong_value_has_the_same_answer(ndia: NdiaSandbox, nobody: str, values: dict[str, object]) -> None:
    ndia.switch(nobody=nobody)
    with not_retrieved(IdentityNotMatched) as refused:
        retrieve_plan(ndia.client("take-over", **values))
    assert "all match" in refused.value.advice


@pytest.mark.parametrize("number", [None, "12345678", "43000000A"])
def test_a_malformed_ndis_number_is_never_sent(ndia: NdiaSandbox, number: str | None) -> None:
    client = ndia.client("take-over")
    client.ndis.ndis_number = number
    client.ndis.save()
    with pytest.raises(problems.IdentityIncomplete):
        retrieve_plan(client)
    assert ndia.asked("ndia_determine_plan") == []


def test_a_missing_birth_date_is_said_before_anybody_is_asked(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    Client.objects.update(birth_date=None)
    with pytest.raises(problems.IdentityIncomplete, match="date of birth"):
        retrieve_plan(Client.objects.get(pk=client.pk))


def test_off_at_any_level_refuses(ndia: NdiaSandbox) -> None:
    client = ndia.client("take-over")
    pace_store.store_setting(PACE_API, False)
    with pytest.raises(problems.PaceApiOff):
        retrieve_plan(client)
    pace_store.store_setting(PACE_API, True)
    pace_store.store_participant(client, is_pace_participant=False, api_access=True)
    with pytest.raises(problems.ClientNotEnabled):
        retrieve_plan(client)


@pytest.mark.parametrize(
    "scenario",
    [
        "no-periods", "monthly", "up-front", "mixed", "negative-core", "two-plans", "unknown-category",
        "odd-arithmetic", "sparse", "component-periods", "plan-periods", "stated-items", "many-hands", "future",
        "ended", "unspent", "half-managed", "extra-members",
    ],
)  # fmt: skip
def test_every_shape_of_plan_becomes_a_contract_that_is_in_step(ndia: NdiaSandbox, scenario: str) -> None:
    client = ndia.client(scenario)
    contract = create(client)
    told = ndia.facts(client)
    assert contract.budgets.count() == len(told["plans"][-1]["categories"])
    _, found = retrieve_for(contract)
    assert found.differences == ()
    assert found.drifts == ()


def test_periods_are_found_at_whatever_level_they_stand(ndia: NdiaSandbox) -> None:
    for scenario in ("component-periods", "plan-periods"):
        contract = create(ndia.client(scenario))
        assert [row.component.periods.count() for row in contract.budgets.order_by("id")] == [4, 4, 4, 4, 12, 1]


def test_a_plan_without_periods_has_no_components(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("no-periods"))
    assert not any(hasattr(row, "component") for row in contract.budgets.all())
    for row in contract.budgets.all():
        assert row.released_amount == row.approved_amount


def test_management_and_spending_that_are_not_told_are_derived(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("sparse"))
    row = contract.budgets.get(category_text="Consumables")
    assert (row.management, row.budget_type, row.spent_amount) == ("Plan-managed", "Flexible", None)
    assert contract.delivered_services.get(budget=row).amount == Decimal("310.15")


def test_figures_that_do_not_add_up_are_kept_as_received(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("odd-arithmetic"))
    row = contract.budgets.get(category_text="Consumables")
    assert row.remaining_amount == row.released_amount - row.spent_amount - Decimal("22.50")


def test_an_unknown_category_keeps_its_text(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("unknown-category"))
    row = contract.budgets.get(category_number="")
    assert row.category_text == row.category_name == "Future Supports Trial"


def test_core_flexible_is_one_pot_with_a_negative_category_inside(ndia: NdiaSandbox) -> None:
    figures = find_contract_figures(create(ndia.client("negative-core")), timezone.localdate())
    pot = figures.groups[0]
    assert pot.name == "Core Flexible"
    assert pot.is_one_pot
    assert [row.budget.remaining_amount < 0 for row in pot.rows] == [False, True, False]
    assert pot.remaining is not None
    assert pot.remaining > 0


def test_a_message_never_names_the_person(ndia: NdiaSandbox, caplog: pytest.LogCaptureFixture) -> None:
    client = ndia.client("take-over", surname="Wrong")
    with not_retrieved(IdentityNotMatched) as refused:
        retrieve_plan(client)
    for secret in (client.ndis.ndis_number, "Wrong", "1968"):
        assert secret not in str(refused.value) + caplog.text


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"kind": "status", "status": 503}, OutOfService),
        ({"kind": "status", "status": 429}, Throttled),
        ({"kind": "wrong-type", "field": "approved_amount"}, WrongType),
    ],
)
def test_a_failing_funder_changes_nothing(ndia: NdiaSandbox, fault: dict[str, object], error: type[Exception]) -> None:
    client = ndia.client("take-over")
    ndia.control("POST", "/faults", operation="ndia_pace_budget", **fault)
    with not_retrieved(error):
        retrieve_plan(client)
    assert nothing_was_written()


def test_our_own_hourly_limit_asks_nobody(ndia: NdiaSandbox, settings: object) -> None:
    settings.NDIA_BUDGETS_PER_HOUR = 1  # type: ignore[attr-defined]
    client = ndia.client("take-over")
    retrieve_plan(client)
    with pytest.raises(NotRetrieved, match="CAREFUND_NDIA_BUDGETS_PER_HOUR") as refused:
        retrieve_plan(client)
    assert (refused.value.code, "Try again from" in refused.value.advice) == ("pace-hour-used", True)
    assert len(ndia.asked("ndia_pace_budget")) == 1


def test_a_question_that_the_hour_has_no_room_for_is_over_and_asks_nobody_later(
    ndia: NdiaSandbox, settings: object
) -> None:
    settings.NDIA_BUDGETS_PER_HOUR = 1  # type: ignore[attr-defined]
    client = ndia.client("take-over")
    retrieve_plan(client)
    run = finish_now(request_plan(client).run)
    assert (run.status, run.resumes_at) == (Run.Status.FINISHED, None)
    assert find_open_question(client.pk) is None


def test_what_was_applied_is_kept_as_evidence(ndia: NdiaSandbox) -> None:
    contract = create(ndia.client("take-over"))
    kept = {page.operation: page.body for page in answers_as_of(contract.client_id, timezone.now())}
    assert set(kept) == {"ndia_determine_plan", "ndia_plans", "ndia_pace_budget"}
    assert b"supp_cat_lvl_dtls" in kept["ndia_pace_budget"]
