"""What is read through the API: the same as on pages, of the same clients, and the access log says so."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role
from carefund.domain.care_recipient.identity import SWAPPED, PersonDetails
from carefund.records.care_recipient.identities import store_identities
from carefund.records.claims.accounts import record_account_answer, store_account
from carefund.records.models import Client, PlanBudget, ServiceContract, ServiceContractBudget, ServiceProvider
from carefund.rest.api import api
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from tests.console.world import make_funding, make_run
from tests.rest.conftest import BRANCH, OTHER_BRANCH, Call

pytestmark = pytest.mark.django_db
OWN = {"committed", "claimed_not_drawn", "delivered_not_claimed", "planned", "safe_to_spend"}
KINDS = {record_set.kind: record_set.kind.replace("_", "-") for record_set in RECORD_SETS}


@pytest.fixture
def wilma(add_client: Any) -> Client:
    client: Client = add_client("400000001", service_provider_id=BRANCH, external_reference_id="HR-1")
    make_funding(client)
    return client


@pytest.fixture
def others(add_client: Any) -> Client:
    client: Client = add_client("400000002", service_provider_id=OTHER_BRANCH, is_active=False)
    return client


def make_contract(client: Client) -> ServiceContract:
    now = timezone.now()
    contract = ServiceContract.objects.create(
        client=client, ndis_number="430000001", start_date=date(2026, 7, 1), created_at=now, synced_at=now
    )
    ServiceContractBudget.objects.create(
        contract=contract, category_text="Core", category_name="Core", approved_amount=Decimal("100.00")
    )
    return contract


def test_clients_come_page_by_page_and_each_is_in_the_access_log(
    call: Callable[..., Call], wilma: Client, others: Client
):
    ask = call()
    first = ask("get", "/clients?limit=1").json()
    assert [client["care_recipient_id"] for client in first["clients"]] == ["400000001"]
    second = ask("get", f"/clients?limit=1&after={first['next_after']}").json()
    assert [client["is_active"] for client in second["clients"]] == [False]
    assert second["next_after"] is None
    assert ask("get", "/clients?after=999999999").json() == {"clients": [], "next_after": None}
    assert [entry.client for entry in AccessLogEntry.objects.filter(action="viewed").order_by("id")] == [wilma, others]


@pytest.mark.parametrize(
    "query",
    ["external_reference_id=HR-1", "care_recipient_id=400000001", "search=wil+exa&service_provider_id=" + BRANCH],
)
def test_a_client_is_found_by_what_another_system_knows(
    call: Callable[..., Call], wilma: Client, others: Client, query: str
):
    found = call()("get", f"/clients?{query}").json()["clients"]
    assert [client["client_id"] for client in found] == [wilma.pk]
    assert found[0] | {"checked_at": None, "changed_at": None} == {
        "client_id": wilma.pk, "care_recipient_id": "400000001", "external_reference_id": "HR-1", "first_name": "Wilma",
        "last_name": "Example", "birth_date": "1940-05-03", "service_provider_id": BRANCH, "is_active": True,
        "checked_at": None, "changed_at": None, "outcome": "changed", "consent_missing": False,
        "identity": {
            "state": "not-compared", "differing": [], "sentences": [], "first_name": None, "middle_name": None,
            "last_name": None, "birth_date": None, "given_at": None,
        },
    }  # fmt: skip


def test_clients_are_listed_by_how_their_identity_stands_to_the_funders(
    call: Callable[..., Call], wilma: Client, others: Client
):
    theirs = PersonDetails("EXAMPLE", "Wilma", date(1940, 5, 3), "Ann")
    store_identities(
        [(wilma.pk, theirs, timezone.now()), (others.pk, PersonDetails("Wilma", "Example"), timezone.now())]
    )
    ask = call()
    [found] = ask("get", "/clients?identity=differs").json()["clients"]
    assert found["client_id"] == wilma.pk
    assert found["identity"].pop("given_at")
    assert found["identity"] == {
        "state": "differs", "differing": ["first_name", "last_name"], "sentences": [SWAPPED], "first_name": "EXAMPLE",
        "middle_name": "Ann", "last_name": "Wilma", "birth_date": "1940-05-03",
    }  # fmt: skip
    assert [client["client_id"] for client in ask("get", "/clients?identity=in-step").json()["clients"]] == [others.pk]
    assert ask("get", "/clients?identity=anything").status_code == 422


def test_a_client_of_another_branch_does_not_exist(call: Callable[..., Call], wilma: Client, others: Client):
    contract = make_contract(others)
    coordinator, narrowed = call(Role.COORDINATOR), call(branches=(BRANCH,))
    for ask in (coordinator, narrowed):
        assert [client["client_id"] for client in ask("get", "/clients").json()["clients"]] == [wilma.pk]
        paths = [f"/clients/{others.pk}", f"/clients/{others.pk}/plan", f"/ndis/contracts/{contract.pk}"]
        paths += [f"/clients/{others.pk}/{path}" for path in KINDS.values()]
        assert {ask("get", path).status_code for path in paths} == {404}
        assert ask("get", "/ndis/contracts").json()["contracts"] == []
    assert not AccessLogEntry.objects.filter(client=others).exists()


@pytest.mark.parametrize("kind", KINDS)
def test_the_records_of_a_kind_are_those_that_are_stored(call: Callable[..., Call], wilma: Client, kind: str):
    record_set = next(record_set for record_set in RECORD_SETS if record_set.kind == kind)
    answer = call()("get", f"/clients/{wilma.pk}/{KINDS[kind]}")
    rows = answer.json()[kind]
    assert len(rows) == record_set.model._default_manager.filter(client=wilma).count() > 0
    assert set(rows[0]) >= {*record_set.key, *record_set.fields, "no_longer_returned_date"}
    assert AccessLogEntry.objects.get().client == wilma


def test_a_budget_says_what_is_safe_to_spend(call: Callable[..., Call], wilma: Client):
    budget = PlanBudget.objects.filter(client=wilma, budget_type_code="ON").order_by("-start_date")[0]
    rows = call()("get", f"/clients/{wilma.pk}/budgets").json()["budgets"]
    row = next(row for row in rows if row["budget_id"] == budget.budget_id)
    assert Decimal(row["total"]) == budget.total
    assert Decimal(row["available"]) - Decimal(row["committed"]) == Decimal(row["safe_to_spend"])
    assert Decimal(row["claimed_not_drawn"]) + Decimal(row["delivered_not_claimed"]) == Decimal(row["committed"])
    assert Decimal(row["planned"]) == 0


def test_an_amount_that_cannot_be_read_breaks_no_answer(call: Callable[..., Call], wilma: Client):
    with connection.cursor() as cursor:  # as only a database can that was filled before such values were refused
        cursor.execute("UPDATE records_planbudget SET write_off = 'NaN'")
    rows = call()("get", f"/clients/{wilma.pk}/budgets").json()["budgets"]
    assert {row["write_off"] for row in rows} == {None}


@pytest.mark.parametrize("day", ["1999-12-31", "2999-01-01", "9999-12-31", "0001-01-01", "today", ""])
def test_a_day_of_which_nothing_can_be_known_is_refused(call: Callable[..., Call], wilma: Client, day: str):
    answer = call()("get", f"/clients/{wilma.pk}/budgets?as_of={day}")
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "as_of")


def test_now_and_as_of_today_say_the_same_and_nothing_was_known_before(
    call: Callable[..., Call], world: Any, add_client: Any, synchronise: Any
):
    client = add_client(world.scenario("ordinary")[0], service_provider_id=BRANCH)
    synchronise(client)
    ask, today = call(), timezone.localdate()
    for kind, path in KINDS.items():
        now = ask("get", f"/clients/{client.pk}/{path}").json()[kind]
        then = ask("get", f"/clients/{client.pk}/{path}?as_of={today}").json()[kind]
        for row in [*now, *then]:  # as of a day nobody says what was delivered and not yet drawn
            row.update(dict.fromkeys(OWN & set(row)))
        key = [*RECORD_SETS[list(KINDS).index(kind)].key, "budget_id"]
        by_key = {str([row.get(name) for name in key]): row for row in then}
        assert {str([row.get(name) for name in key]): row for row in now} == by_key, kind
    assert ask("get", f"/clients/{client.pk}/plan?as_of={today}").json()["is_known"]
    before = today - timedelta(days=1)
    assert not ask("get", f"/clients/{client.pk}/plan?as_of={before}").json()["is_known"]
    assert ask("get", f"/clients/{client.pk}/budgets?as_of={before}").json()["budgets"] == []


def test_runs_are_those_that_the_account_may_see(call: Callable[..., Call], wilma: Client, others: Client):
    ask, coordinator, narrowed = call(), call(Role.COORDINATOR), call(branches=(BRANCH,), name="narrow")
    fay = User.objects.get(username="finance")
    run = make_run([wilma, others], fay)
    seen = ask("get", "/runs").json()["runs"]
    assert [(row["run_id"], row["requested_by"], row["total"]) for row in seen] == [(run.pk, "finance", 2)]
    items = ask("get", f"/runs/{run.pk}/items").json()["items"]
    assert [item["client_id"] for item in items] == [wilma.pk, others.pk]
    for other in (coordinator, narrowed):
        assert other("get", "/runs").json()["runs"] == []
        assert other("get", f"/runs/{run.pk}").status_code == 404
        assert other("get", f"/runs/{run.pk}/items").status_code == 404
    ours = call(branches=(BRANCH,))  # of the account that asked
    items = ours("get", f"/runs/{run.pk}/items").json()["items"]
    assert [item["client_id"] for item in items] == [wilma.pk]


def test_runs_come_page_by_page(call: Callable[..., Call], wilma: Client):
    ask = call()
    runs = [make_run([wilma], User.objects.get(username="finance")) for _ in range(2)]
    first = ask("get", "/runs?limit=1").json()
    assert ([run["run_id"] for run in first["runs"]], first["next_before"]) == ([runs[1].pk], runs[1].pk)
    second = ask("get", f"/runs?limit=1&before={first['next_before']}").json()
    assert ([run["run_id"] for run in second["runs"]], second["next_before"]) == ([runs[0].pk], None)


def test_a_contract_comes_with_its_budgets_and_periods(call: Callable[..., Call], wilma: Client):
    contract = make_contract(wilma)
    ask = call()
    assert [row["contract_id"] for row in ask("get", f"/ndis/contracts?client_id={wilma.pk}").json()["contracts"]] == [
        contract.pk
    ]
    whole = ask("get", f"/ndis/contracts/{contract.pk}").json()
    assert [budget["approved_amount"] for budget in whole["budgets"]] == ["100.00"]


def test_branches_and_pools_are_those_that_the_token_may_see(call: Callable[..., Call]):
    now = timezone.now()
    for service_provider_id in (BRANCH, OTHER_BRANCH):
        ServiceProvider.objects.create(service_provider_id=service_provider_id, first_seen_at=now, last_seen_at=now)
    narrowed = call(Role.ADMINISTRATOR, branches=(BRANCH,))
    assert [row["service_provider_id"] for row in narrowed("get", "/service-providers").json()] == [BRANCH]
    assert narrowed("get", f"/service-providers/{BRANCH}/pools").json() == []
    assert narrowed("get", f"/service-providers/{OTHER_BRANCH}/pools").status_code == 404
    assert call()("get", f"/service-providers/{BRANCH}/pools").status_code == 403


def test_account_summaries_say_what_does_not_tie_with_their_evidence(call: Callable[..., Call]):
    now, month = timezone.now(), timezone.localdate().replace(day=1)
    ServiceProvider.objects.create(service_provider_id=BRANCH, first_seen_at=now, last_seen_at=now)
    record_account_answer(BRANCH, month, b'{"serviceProviderId": "x"}')
    stated = {"opening": Decimal(0), "paid": Decimal("90.00"), "closing": Decimal(0)}
    moved = {"claim_id": "C-1", "amount": Decimal("90.00"), "payment_amount": Decimal("90.00")}
    assert store_account(BRANCH, month, stated, [moved])
    assert not store_account(BRANCH, month, stated, [moved])
    ask = call(Role.FINANCE)
    [account] = ask("get", f"/service-providers/{BRANCH}/accounts").json()
    assert (account["difference"], account["ties"]) == ("90.00", False)
    assert [(found["issue"], found["amount"]) for found in account["findings"]] == [("unknown-claim", "90.00")]
    [digest] = account["answers"]
    kept = ask("get", f"/service-providers/{BRANCH}/accounts/{month}/answers/{digest}")
    assert kept.content == b'{"serviceProviderId": "x"}'
    assert ask("get", f"/service-providers/{BRANCH}/accounts/{month}/answers/{'0' * 64}").status_code == 404
    assert ask("get", "/service-providers/1/accounts").status_code == 404
    address = f"/service-providers/{BRANCH}/accounts"
    assert ask("post", address, {"month": "2020-01-01"}).status_code == 422
    assert call(Role.COORDINATOR)("get", address).status_code == 403


def test_each_read_asks_for_the_scope_read(call: Callable[..., Call]):
    ask = call(Role.ADMINISTRATOR, scopes=("sync", "claims", "administration"))
    paths = [path.removeprefix("/api/v1") for path, item in api.get_openapi_schema()["paths"].items() if "get" in item]
    claims = ("/invoice", "/claim", "/exceptions", "/money", "/quarter-close")  # what is of other scopes
    administration = ("/webhooks", "/people", "/tokens", "/schedules", "/connections", "/interfaces", "/access-log")
    apart = ("/problems", "/audit-log", "/ndis/settings", "/alerts/rules", *claims, *administration)
    wanted = [path for path in paths if not path.startswith(apart) and "/accounts" not in path]
    typed = {path: path.replace("{kind}", "clients").replace("{", "").replace("}", "") for path in wanted}
    answers = {path: ask("get", address).status_code for path, address in typed.items()}
    assert len(answers) > 10
    assert set(answers.values()) == {403}, answers


def test_each_read_of_claims_and_administration_asks_for_its_scope(call: Callable[..., Call]):
    ask = call(Role.ADMINISTRATOR, scopes=("read", "sync", "monitoring"))
    paths = [path.removeprefix("/api/v1") for path, item in api.get_openapi_schema()["paths"].items() if "get" in item]
    answers = {path: ask("get", path.replace("{", "").replace("}", "")).status_code for path in paths}
    allowed = {path for path, status in answers.items() if status != 403}
    assert not {path for path in allowed if path.startswith(("/claim-b", "/claims", "/exceptions", "/money"))}
    assert not {path for path in allowed if path.startswith(("/people", "/tokens", "/connections", "/audit-log"))}
    assert "/clients" in allowed
