"""What is safe to spend, what fits, what is planned and how budgets add up, through the API."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.records.models import Client, PlanBudget, PlannedService
from tests.console.world import make_funding
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

pytestmark = pytest.mark.django_db
BOOKED = {"service_id": "SERV-0012", "price": "80.00", "frequency": "weekly"}


@pytest.fixture
def wilma(add_client: Any) -> Client:
    client: Client = add_client("400000001", service_provider_id=BRANCH)
    make_funding(client, quarters=1)
    today = timezone.localdate()
    PlanBudget.objects.filter(budget_type_code="ON").update(
        start_date=today - timedelta(days=20), end_date=today + timedelta(days=20)
    )
    return client


def test_a_booking_lowers_what_is_safe_to_spend_until_it_is_removed(call: Callable[..., Call], wilma: Client):
    ask, tomorrow = call(), (timezone.localdate() + timedelta(days=1)).isoformat()
    address, body = f"/clients/{wilma.pk}/planned-services/R%2F1", BOOKED | {"from_date": tomorrow}
    before = ask("get", f"/clients/{wilma.pk}/spending").json()["sources"][0]
    added = ask("put", address, body)
    assert (added.status_code, added.json()["external_reference_id"]) == (201, "R/1")
    assert added.json()["service_text"] == "Personal care"
    assert ask("put", address, body).status_code == 200
    keyed = [ask("put", address, body, {"Idempotency-Key": "1"}) for _ in range(2)]
    assert [answer.status_code for answer in keyed] == [200, 200]
    assert AuditEntry.objects.filter(act__startswith="Planned service").count() == 1
    [listed] = ask("get", f"/clients/{wilma.pk}/planned-services").json()["planned_services"]
    assert listed == added.json()
    after = ask("get", f"/clients/{wilma.pk}/spending").json()["sources"][0]
    assert Decimal(before["safe_to_spend"]) - Decimal(after["safe_to_spend"]) == 240
    assert Decimal(after["planned"]) == 240
    ask("put", address, body | {"price": "90.00"})
    assert PlannedService.objects.get().price == 90
    assert ask("delete", address).status_code == 204
    assert ask("delete", address).status_code == 404
    assert AccessLogEntry.objects.filter(client=wilma, what="Spending (API)").count() == 2


def test_whether_one_more_service_fits(call: Callable[..., Call], wilma: Client):
    ask = call()
    PlanBudget.objects.filter(budget_type_code="ON").update(available=Decimal("1000.00"))
    told = ask("get", f"/clients/{wilma.pk}/spending/fit?price=250&frequency=weekly").json()
    assert (told["visits"], told["is_out_of_money"]) == (2, True)  # 402.75 was delivered and not claimed
    assert Decimal(told["left"]) == Decimal("97.25")
    assert told["answer"].startswith("Fits until")
    for wrong in ("price=0&frequency=weekly", "price=5&frequency=daily", "price=5&frequency=once&from_date=1999-01-01"):
        assert ask("get", f"/clients/{wilma.pk}/spending/fit?{wrong}").status_code == 422


def test_how_budgets_add_up_is_told(call: Callable[..., Call], wilma: Client):
    told = call()("get", f"/clients/{wilma.pk}/explanations").json()["budgets"]
    assert {budget["budget_type_code"] for budget in told} == {"ON", "AT"}
    [total] = [figure for figure in told[0]["figures"] if figure["name"] == "total"]
    terms = sum(Decimal(term["amount"]) for term in total["terms"])
    assert (Decimal(total["stated"]), Decimal(total["not_explained"])) == (terms, 1000)
    origins = {term["origin"] for budget in told for figure in budget["figures"] for term in figure["terms"]}
    assert {"funder", "unknown"} <= origins <= {"funder", "computed", "unknown"}
    one = call()("get", f"/clients/{wilma.pk}/explanations?budget_id={told[0]['budget_id']}").json()["budgets"]
    assert one == told[:1]


@pytest.mark.parametrize(
    ("body", "field"),
    [({"price": "0"}, "price"), ({"to_date": "2025-12-01"}, "to_date"), ({"from_date": "1999-01-01"}, "from_date")],
)
def test_a_booking_that_cannot_be_is_refused(
    call: Callable[..., Call], wilma: Client, body: dict[str, str], field: str
):
    given = BOOKED | {"from_date": "2026-11-22"} | body
    answer = call()("put", f"/clients/{wilma.pk}/planned-services/R-1", given)
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, field)


def test_only_who_may_books_and_of_their_own_branches(call: Callable[..., Call], wilma: Client, add_client: Any):
    address, body = f"/clients/{wilma.pk}/planned-services/R-1", BOOKED | {"from_date": "2026-11-22"}
    assert call(Role.READ_ONLY)("put", address, body).status_code == 403
    elsewhere = call(Role.COORDINATOR, account_branches=(OTHER_BRANCH,))
    for method, path in (("put", address), ("get", f"/clients/{wilma.pk}/spending"), ("delete", address)):
        assert elsewhere(method, path, body if method == "put" else None).status_code == 404
    call()("put", address, body)
    other = add_client("400000002", service_provider_id=BRANCH)
    assert call()("put", f"/clients/{other.pk}/planned-services/R-1", body).status_code == 409
