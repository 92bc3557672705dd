"""Alerts on pages: Home, the list with its CSV, the rules of an administrator, and the email of one's own account."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.alerts import find_mail_choice
from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.console.templatetags.badges import device_badge
from carefund.domain.alerts import DEFAULTS, AlertKind, AlertRule, FoundAlert
from carefund.domain.wording import write_day
from carefund.records.alerts.store import find_rules, store_found
from carefund.records.models import Alert, Client, ProdaDevice
from carefund.runs.business_day import business_today
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
DAY = date(2026, 12, 3)


@pytest.fixture
def alerts(clients: list[Client]) -> list[Alert]:
    """One about a client, one about each branch's claims, one about refused lines."""
    money = Decimal("1234.50")
    store_found(
        [
            FoundAlert(AlertKind.LOSS, "1:x", clients[0].pk, due_date=DAY, amount=money),
            FoundAlert(AlertKind.CONSENT, "1", clients[0].pk),
            FoundAlert(AlertKind.WINDOW, "a", None, world.BRANCH, DAY, money, 3),
            FoundAlert(AlertKind.WINDOW, "b", None, world.OTHER_BRANCH, DAY, money, 4),
            FoundAlert(AlertKind.STALE, world.BRANCH, None, world.BRANCH, number=2),
            FoundAlert(AlertKind.REFUSED, "7", None, world.BRANCH, None, money, 1),
            FoundAlert(AlertKind.KEY, "device 1", due_date=DAY),
        ],
        timezone.now(),
    )
    return list(Alert.objects.all())


def text(browser: Browser, page: str, query: str = "") -> str:
    return " ".join(browser.get(reverse(f"console:{page}") + query).content.decode().split())


def test_home_shows_what_one_may_see(browse: Browse, cast: world.Cast, alerts: list[Alert]):
    of_finance, of_coordinator, of_other = (
        text(browse(user), "home").partition('id="alerts"')[2].partition("</section>")[0]
        for user in (cast.fay, cast.ben, cast.cy)
    )
    assert all(words in of_finance for words in ("Money will be lost", "Claim window closes", "Claim refused"))
    assert "$2,469.00" in of_finance
    assert "Money will be lost" in of_coordinator
    assert not any(words in of_coordinator for words in ("Claim window closes", "Claim refused", "Consent"))
    assert of_other == "", "another branch's coordinator has none"


def test_the_list_names_clients_of_ones_branch_and_the_log_says_so(
    browse: Browse, cast: world.Cast, clients: list[Client], alerts: list[Alert]
):
    shown = text(browse(cast.ben), "alerts")
    assert clients[0].full_name in shown
    assert "$1,234.50 is expected to be lost from the quarter to 3 December 2026 (estimate)" in shown
    assert "3 lines" not in shown
    entry = AccessLogEntry.objects.order_by("-id")[0]
    assert (entry.what, clients[0].pk in (entry.client_id, *entry.listed_ids)) == ("Alerts", True)
    assert "No alerts" in text(browse(cast.cy), "alerts")
    chosen = text(browse(cast.fay), "alerts", f"?kind=window-closes&branch={world.OTHER_BRANCH}")
    assert "4 lines of $1,234.50 to claim by 3 December 2026" in chosen
    assert "3 lines of" not in chosen
    assert text(browse(cast.fay), "alerts", "?kind=nonsense")


def test_each_alert_leads_to_where_something_is_done(browse: Browse, cast: world.Cast, alerts: list[Alert]):
    browser = browse(cast.ada)
    shown = browser.get(reverse("console:alerts")).context["lines"]
    addresses = {line.kind: line.address for line in shown}
    assert set(addresses) == {AlertKind(alert.kind) for alert in alerts}
    opened = {kind: browser.get(address).status_code for kind, address in addresses.items()}
    assert opened == dict.fromkeys(addresses, 200) | {AlertKind.REFUSED: 404}, "there is no batch 7 here"


def test_the_list_as_csv(browse: Browse, cast: world.Cast, clients: list[Client], alerts: list[Alert]):
    assert browse(cast.ben).get(reverse("console:alerts-csv")).status_code == 403
    answer = browse(cast.fay).get(reverse("console:alerts-csv") + "?kind=loss")
    content = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    rows = list(csv.DictReader(content.splitlines()))
    assert [(row["kind"], row["care_recipient_id"], row["amount"]) for row in rows] == [
        ("loss", clients[0].care_recipient_id, "1234.50")
    ]
    assert rows[0]["service_provider_id"] == world.BRANCH
    assert AccessLogEntry.objects.filter(action="exported", what="Alerts (CSV)").count() == 1


def test_an_administrator_sets_the_rules_with_an_entry_in_the_audit_log(browse: Browse, cast: world.Cast):
    address = reverse("console:alert-rules")
    assert browse(cast.fay).get(address).status_code == 403
    browser = browse(cast.ada)
    form = browser.get(address).context["form"]
    sent = {name: field.initial for name, field in form.fields.items() if field.initial is not False}
    sent |= {"loss-amount": "500.00", "runs-out-days": 10}
    del sent["sync-stale-is_on"]
    assert browser.post(address, sent).status_code == 302
    expected = {
        **DEFAULTS,
        AlertKind.LOSS: AlertRule(days=28, amount=Decimal("500.00")),
        AlertKind.RUNS_OUT: AlertRule(days=10),
        AlertKind.STALE: AlertRule(is_on=False),
    }
    assert find_rules() == expected
    entry = AuditEntry.objects.get(act="Alert rules changed")
    assert (entry.before, entry.after) == (
        {"runs-out days": 28, "loss amount": "200.00", "sync-stale is_on": True},
        {"runs-out days": 10, "loss amount": "500.00", "sync-stale is_on": False},
    )
    assert Run.objects.filter(kind="alerts").count() == 1, "a look is asked for"
    for wrong in ({"runs-out-days": 366}, {"runs-out-days": ""}, {"loss-amount": "-1"}, {"loss-amount": "1e9"}):
        assert browser.post(address, sent | wrong).status_code == 200
    assert find_rules() == expected


def test_one_chooses_how_one_is_told(browse: Browse, cast: world.Cast):
    browser, address = browse(cast.ben), reverse("console:alert-mail")
    assert find_mail_choice(cast.ben).frequency == "off"
    assert "No mail server is set up yet" in text(browser, "account")
    browser.post(address, {"frequency": "daily", "email": ""})
    assert "Enter an email address." in text(browser, "account")
    browser.post(address, {"frequency": "daily", "email": "ben@care.example\nBcc: x@y.example"})
    assert find_mail_choice(cast.ben).frequency == "off"
    browser.post(address, {"frequency": "weekly", "email": "ben@care.example", "has_amounts": "on"})
    choice = find_mail_choice(cast.ben)
    cast.ben.refresh_from_db()
    assert (choice.frequency, choice.has_amounts, cast.ben.email) == ("weekly", True, "ben@care.example")
    entry = AuditEntry.objects.get(act="Own alert email changed")
    assert entry.after == {"frequency": "weekly", "amounts": True, "address": "changed"}
    assert browse(cast.dee).post(address, {"frequency": "off"}).status_code == 403


def test_a_key_that_expires_is_on_home_for_those_who_look_after_runs(
    browse: Browse, cast: world.Cast, alerts: list[Alert]
):
    in_12_days = business_today() + timedelta(days=12)
    Alert.objects.filter(kind=AlertKind.KEY).update(key="device 1 key 14", due_date=in_12_days)
    words = f"The PRODA key expires on {write_day(in_12_days)}, in 12 days"
    assert f"<b>{words}.</b>" in text(browse(cast.fay), "home")
    assert words in text(browse(cast.fay), "alerts")
    assert "The PRODA key expires on" not in text(browse(cast.ben), "home")


def test_the_badge_of_a_device_says_which_of_both_expires_first():
    now = timezone.now()
    near, far, past = now + timedelta(days=29), now + timedelta(days=31), now - timedelta(days=1)
    words = {
        device_badge(ProdaDevice(status="active", key_expires_at=key, device_expires_at=device), now).split(">")[1][:-6]
        for key, device in ((near, far), (far, near), (past, near), (near, past), (far, far), (None, None))
    }
    assert words == {"Key expires soon", "Device expires soon", "Key expired", "Device expired", "Active"}
