"""A partner's gateway as the second source: the same engine, the same contract."""

from datetime import date
from decimal import Decimal

import pytest
from asgiref.sync import async_to_sync

from carefund.domain.ndis.comparing import DifferenceKind
from carefund.domain.ndis.plan import CategoryBudget, PacePlan, budget_ids
from carefund.funders.errors.access import NotAuthenticated
from carefund.funders.errors.people import AuthorityMissing, IdentityNotMatched
from carefund.records.models import Client
from carefund.records.ndis.contracts import find_contract_figures
from carefund.runs.foreground import retrieve_plan
from carefund.runs.funder_sessions import open_source
from carefund.runs.ndis.plans import NotRetrieved, create_from_plan
from carefund.sync.ndis.contracts import fetch_plan, identity_of
from carefund.sync.ndis.problems import NotOnPace, PlanMissing
from tests.pace_world import NdiaSandbox, not_retrieved, retrieve_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]


@pytest.fixture
def partner(ndia: NdiaSandbox, settings: object) -> NdiaSandbox:
    settings.NDIA_PARTNER_URL = f"{ndia.url}/partner"  # type: ignore[attr-defined]
    settings.NDIA_PARTNER_ORGANISATION = "wattle-grove"  # type: ignore[attr-defined]
    settings.NDIA_PARTNER_KEY = "sandbox-partner-key"  # type: ignore[attr-defined]
    return ndia


def test_the_same_contract_comes_of_it_without_periods(partner: NdiaSandbox) -> None:
    client = partner.client("take-over")
    preview = retrieve_plan(client)
    contract = create_from_plan(client, preview.item_id, budget_ids(preview.plan.budgets))
    assert contract.budgets.count() == 6
    assert contract.delivered_services.count() == 5
    assert (
        contract.delivered_services.get(budget__category_number="14").service_provider_name == "Previous Plan Manager"
    )
    _, found = retrieve_for(contract)
    assert found.differences == ()
    assert partner.asked("ndia_plans") == []
    assert len(partner.asked("ndia_partner_budget")) == 2


def test_a_gateway_that_stays_open_is_asked_anew_about_the_same_participant(partner: NdiaSandbox) -> None:
    identity = identity_of(partner.client("take-over").ndis)

    async def ask_twice() -> None:
        async with open_source("ndia") as source:
            for _ in range(2):
                await fetch_plan(source, identity, date(2026, 11, 20))

    async_to_sync(ask_twice)()
    assert len(partner.asked("ndia_partner_budget")) == 2


@pytest.mark.parametrize(("scenario", "error"), [("no-consent", AuthorityMissing), ("old-system", NotOnPace)])
def test_refusals_mean_the_same(partner: NdiaSandbox, scenario: str, error: type[Exception]) -> None:
    with not_retrieved(error):
        retrieve_plan(partner.client(scenario))


def test_somebody_unknown_to_the_gateway_is_nobody(partner: NdiaSandbox) -> None:
    with not_retrieved(IdentityNotMatched):
        retrieve_plan(partner.client("take-over", ndis_number="430999999"))


def test_a_wrong_key_and_a_missing_one_are_told_apart(partner: NdiaSandbox, settings: object) -> None:
    client = partner.client("take-over")
    settings.NDIA_PARTNER_KEY = "wrong"  # type: ignore[attr-defined]
    with not_retrieved(NotAuthenticated):
        retrieve_plan(client)
    settings.NDIA_PARTNER_KEY = ""  # type: ignore[attr-defined]
    with pytest.raises(NotRetrieved, match="CAREFUND_NDIA_PARTNER_KEY"):
        retrieve_plan(client)


def _plan(client: Client) -> PacePlan:
    return retrieve_plan(client).plan


def _category(plan: PacePlan, text: str) -> CategoryBudget:
    return next(budget for budget in plan.budgets if budget.category_text == text)


@pytest.mark.parametrize("mark", [1, True, "1", "true"])
def test_a_row_that_the_gateway_deleted_is_no_money(partner: NdiaSandbox, mark: object) -> None:
    client = partner.client("no-periods")
    before = _plan(client)
    last = before.budgets[-1]
    # Longer than the rest, so that it would also move the plan's end.
    partner.change(client, "set-category", category=last.category_text, isDeleted=mark, end="2031-01-31")
    after = _plan(client)
    assert [budget.category_text for budget in after.budgets] == [
        budget.category_text for budget in before.budgets[:-1]
    ]
    assert after.end_date == before.end_date


def test_a_participant_with_nothing_but_deleted_rows_has_no_plan_yet(partner: NdiaSandbox) -> None:
    client = partner.client("no-periods")
    for budget in _plan(client).budgets:
        partner.change(client, "set-category", category=budget.category_text, isDeleted=1)
    with not_retrieved(PlanMissing):
        retrieve_plan(client)


def test_a_deleted_budget_is_flagged_in_its_contract(partner: NdiaSandbox) -> None:
    client = partner.client("no-periods")
    preview = retrieve_plan(client)
    plan = preview.plan
    contract = create_from_plan(client, preview.item_id, budget_ids(plan.budgets))
    partner.change(client, "set-category", category=plan.budgets[0].category_text, isDeleted=1)
    _, found = retrieve_for(contract)
    assert {difference.kind for difference in found.differences} == {DifferenceKind.CATEGORY_GONE}


def test_a_gateway_that_leaves_released_unset_does_not_say_nothing_was_released(partner: NdiaSandbox) -> None:
    partner.switch(gatewayReleased=False)
    plan = _plan(partner.client("no-periods"))
    assert {budget.released_amount for budget in plan.budgets} == {None}
    assert all(budget.remaining_amount for budget in plan.budgets)


def test_a_category_without_money_was_released_nothing_and_is_no_sum_of_the_rest(partner: NdiaSandbox) -> None:
    client = partner.client("no-periods")
    text = _plan(client).budgets[0].category_text
    partner.change(client, "set-category", category=text, approved="0.00")
    partner.switch(gatewayReleased=False)
    preview = retrieve_plan(client)
    plan = preview.plan
    assert _category(plan, text).released_amount == Decimal("0.00")
    contract = create_from_plan(client, preview.item_id, budget_ids(plan.budgets))
    group = next(
        group
        for group in find_contract_figures(contract, date(2026, 11, 20)).groups
        if len(group.counting) > 1 and any(row.budget.category_text == text for row in group.rows)
    )
    assert group.remaining
    assert group.released is None
