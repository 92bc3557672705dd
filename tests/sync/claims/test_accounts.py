"""Account summaries over HTTP: stored by branch and month with evidence, and tied to our claims to the cent."""

import importlib
import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.test.utils import override_settings
from django.urls import reverse
from django.utils import timezone

from carefund.access.roles import Role, give_role
from carefund.cli import accounts as account_command
from carefund.console.run_items import name_item
from carefund.funders.configuration import configure
from carefund.records.claims.accounts import begin_of_month, find_account_evidence, list_account_rows, list_accounts
from carefund.records.models import AccountAnswer, AccountMovement, Claim, ProviderAccount, ServiceProvider
from carefund.runs.business_day import business_today
from carefund.runs.claims.accounts import list_months, request_accounts, request_routine_accounts
from carefund.runs.claims.claiming import find_shown_checks, request_all_checks, request_routine_checks
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_work
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, check_claim, send_batch
from tests.conftest import ENCRYPTION_KEY


@pytest.fixture
def claim(claims: ClaimWorld) -> Claim:
    """A claim of two lines that was made five days ago, decided and paid."""
    today = business_today()
    claims.sandbox.ask("POST", "/clock", {"today": (today - timedelta(days=5)).isoformat()})
    claims.deliver(claims.clients[0], lines=2, day=today - timedelta(days=10))
    send_batch(claims.prepare().pk)
    return Claim.objects.get()


def pay(claims: ClaimWorld, claim: Claim, **fate: object) -> Claim:
    claims.steer(claim.claim_id, **fate)
    claims.turn(advanceDays=5)
    return check_claim(claim).claim


def read(claim: Claim) -> RunItem:
    """Read the account of the month in which a claim was paid."""
    assert claim.payment_date is not None
    return finish_now(request_accounts([begin_of_month(claim.payment_date)])).items.get()


def findings() -> list[tuple[str, Decimal]]:
    [row] = list_account_rows(list_accounts())
    return [(finding.issue.value, finding.amount) for finding in row.tie.findings]


def test_a_month_ties_and_its_answer_is_kept_once(claims: ClaimWorld, claim: Claim):
    paid = pay(claims, claim)
    item = read(paid)
    assert (item.outcome, item.message) == ("changed", "The account summary was saved.")
    assert findings() == []
    [row] = list_account_rows(list_accounts(paid.service_provider_id))
    assert row.account.paid == paid.total_paid
    assert row.tie.due == paid.total_paid
    movement = AccountMovement.objects.get()
    assert (movement.claim_id, movement.movement_date) == (paid.claim_id, paid.payment_date)
    assert read(paid).outcome == "unchanged"
    answer = AccountAnswer.objects.get()
    assert answer.received_again_at is not None
    body, _ = find_account_evidence(row.account, answer.payload_id)
    assert json.loads(body)["transactions"][0]["paymentIdentifier"] == paid.claim_id


def test_what_is_held_over_ties_too(claims: ClaimWorld, claim: Claim):
    claims.sandbox.ask("POST", "/claim-rules", {"heldOverBelow": "100000.00"})
    paid = pay(claims, claim)
    assert paid.total_paid == 0
    read(paid)
    assert findings() == []
    account = ProviderAccount.objects.get()
    assert (account.paid, account.closing) == (0, paid.outstanding_heldover)
    assert account.closing


@pytest.mark.parametrize(
    ("fate", "issues"),
    [
        ({"accountError": "7.03"}, [("amount-differs", Decimal("7.03")), ("does-not-add-up", Decimal("-7.03"))]),
        ({"notInAccount": True}, [("missing-claim", None)]),
        ({"statementError": "1.00"}, [("payment-differs", Decimal("-1.00"))]),
    ],
)
def test_what_does_not_tie_is_named(
    claims: ClaimWorld, claim: Claim, fate: dict[str, object], issues: list[tuple[str, Decimal | None]]
):
    paid = pay(claims, claim, **fate)
    read(paid)
    due = (paid.claim_total or 0) - (paid.care_recipient_individual_contribution or 0)
    assert findings() == [(issue, -due if amount is None else amount) for issue, amount in issues]


def test_one_that_is_not_given_is_no_failure_and_one_of_others_is(claims: ClaimWorld, claim: Claim):
    paid = pay(claims, claim)
    claims.sandbox.fault(kind="status", status=403, operation="account_summary", times=1)
    assert read(paid).outcome == "unchanged"
    assert not list_accounts().exists()


def test_page_command_and_api_show_the_same(claims: ClaimWorld, claim: Claim, call_as: Callable[..., Browser]):
    paid = pay(claims, claim, accountError="7.03")
    read(paid)
    account = ProviderAccount.objects.get()
    browser = call_as(Role.FINANCE)
    page = browser.get(reverse("console:account-summaries")).content.decode()
    assert "2 to review" in " ".join(page.split())
    assert reverse("console:account-summary", args=[account.pk]) in page
    shown = browser.get(reverse("console:account-summary", args=[account.pk])).content.decode()
    assert f"Claim {paid.claim_id} comes to" in shown
    assert "$7.03" in shown
    file = b"".join(browser.get(reverse("console:account-summaries-csv")).streaming_content).decode()
    assert "amount-differs" in file
    moved = b"".join(browser.get(reverse("console:account-summary-csv", args=[account.pk])).streaming_content).decode()
    assert paid.claim_id in moved
    digest = AccountAnswer.objects.get().payload_id
    assert browser.get(reverse("console:account-summary-evidence", args=[account.pk, digest])).status_code == 200
    asked = browser.post(reverse("console:account-summaries-read"), {"month": f"{account.month:%Y-%m}"})
    assert "/runs/" in asked.headers["Location"]
    assert (
        "Choose a month."
        in browser.post(reverse("console:account-summaries-read"), {"month": "1999-01"}, follow=True).content.decode()
    )
    assert call_as(Role.COORDINATOR).get(reverse("console:account-summaries")).status_code == 403


@pytest.fixture
def call_as(db: None) -> Callable[..., Browser]:
    def sign_in(role: Role) -> Browser:
        user = User.objects.create_user(f"{role.value}-1")
        give_role(user, role)
        browser = Browser()
        browser.force_login(user)
        return browser

    return sign_in


def test_the_command_says_the_same(claims: ClaimWorld, claim: Claim, capsys: pytest.CaptureFixture[str]):
    paid = pay(claims, claim)
    account_command.accounts(month=None, read=False, branch="", json=False)
    assert "No account summary has been read." in capsys.readouterr().out
    read(paid)
    account_command.accounts(month=None, read=False, branch="", json=True)
    [told] = json.loads(capsys.readouterr().out)
    assert told["ties"] is True
    assert Decimal(told["paid"]) == paid.total_paid


def test_claims_are_checked_while_account_summaries_cannot_be_read(claims: ClaimWorld, claim: Claim):
    """Few are licensed for the account: an outage of it alone pauses what reads it, and nothing else."""
    now = timezone.now()
    for number in (2, 3):
        ServiceProvider.objects.create(service_provider_id=f"404900009{number}", first_seen_at=now, last_seen_at=now)
    claims.sandbox.fault(kind="status", status=503, operation="account_summary")
    once = configure("services-australia", "sandbox", sandbox_url=claims.sandbox.url, timing={"attempts": 1})
    with override_settings(SERVICES_AUSTRALIA=once):
        reading = finish_now(request_routine_accounts())
    assert (reading.status, reading.total) == (Run.Status.PAUSED, 6)
    assert reading.resumes_at is not None
    checking = request_routine_checks()
    assert checking.items.filter(holds="claim-lines").exists()
    with pytest.raises(NothingToDo):
        request_routine_accounts()
    with pytest.raises(NothingToDo):
        request_routine_checks()


def test_reading_accounts_is_not_shown_as_the_check_of_all_claims(add_client: Callable[..., object]):
    now = timezone.now()
    add_client("400000001", service_provider_id="4049000001")
    configuration = configure("services-australia", "sandbox", sandbox_url="http://[::1]:9")
    with override_settings(SERVICES_AUSTRALIA=configuration, ENCRYPTION_KEYS=[ENCRYPTION_KEY]):
        checking = request_all_checks()
        reading = request_accounts(list_months(business_today(), 2))
    assert find_shown_checks(now) == checking
    assert (reading.kind, reading.total) == ("account-summary", 2)
    item = reading.items.order_by("id")[0]
    assert name_item(item).words == f"Account summary of 4049000001, {business_today():%Y-%m}"
    assert "Account summary" not in name_item(RunItem(run=reading, holds="account:7")).words, "an account of Carefund"


@pytest.mark.django_db
def test_what_was_asked_for_as_a_claim_check_is_read_after_an_upgrade():
    upgrade = importlib.import_module("carefund.runs.migrations.0019_account_summaries_as_work")
    holds = ("account:4049000001:2026-11", "account:4049000001:2026-10")
    reading = request_work("claim-check", map(NewRunItem, holds), trigger="routine", scope="account summaries")
    checking = request_work("claim-check", [NewRunItem("claim:7")], trigger="routine", scope="claims")
    mail = request_work("alert-mail", [NewRunItem("account:7")], trigger="routine", scope="alerts by email")
    upgrade.name_them(apps, None)
    assert [(run.kind, [item.holds for item in run.items.order_by("id")]) for run in Run.objects.order_by("id")] == [
        ("account-summary", [f"account-summary:{holding.partition(':')[2]}" for holding in holds]),
        ("claim-check", ["claim:7"]), ("alert-mail", ["account:7"]),
    ]  # fmt: skip
    assert reading.pk < checking.pk < mail.pk
