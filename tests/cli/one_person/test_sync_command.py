"""`carefund sync`, `show` and `check` as typed by a person: what they print, write, and end with."""

from datetime import timedelta

import pytest

from carefund.runs.business_day import business_today
from carefund.runs.models import RunItem
from tests.cli.one_person.conftest import Terminal
from tests.conftest import DEVICE
from tests.installation import Installation

pytestmark = pytest.mark.django_db(transaction=True)

KINDS = {
    "budgets", "approved_services", "classifications", "individual_contributions", "supplements", "entitlements",
    "budget_usage",
}  # fmt: skip


def test_a_sync_tells_counts_per_kind_and_a_link_to_the_plan(terminal: Terminal):
    done = terminal.type("sync", "400000003")
    assert done.status == 0, done.err
    for words in ("400000003: synchronised", "Budget records", "Entitlements", "Plan: http://127.0.0.1:8000/"):
        assert words in done.out
    again = terminal.type("sync", "400000003", "--json")
    assert again.status == 0
    assert again.data["outcome"] == "unchanged"
    assert set(again.data["counts"]) == KINDS
    assert again.data["plan"].startswith("/")
    assert all(count["new"] == count["changed"] == 0 for count in again.data["counts"].values())


def test_a_dry_run_prints_every_field_and_writes_nothing(terminal: Terminal):
    before = terminal.records()
    first = terminal.type("sync", "400000003", "--dry-run")
    assert first.status == 0, first.err
    assert "nothing was saved" in first.out
    assert terminal.records() == before
    assert terminal.type("sync", "400000003").status == 0
    terminal.sandbox.change("400000003", "add-usage", amount="-8.00")
    before = terminal.records()
    told = terminal.type("sync", "400000003", "--dry-run", "--json").data
    assert told["dry_run"] is True
    fields = {(change["kind"], change["field"]) for change in told["changes"]}
    assert {("budgets", "used"), ("budgets", "available")} <= fields
    assert terminal.records() == before
    told = terminal.type("sync", "400000003", "--dry-run").out
    assert "8.00 drawn in 1 line; " in told.replace("\n", " ")
    assert "Available" in told
    assert RunItem.objects.count() == 1


def test_refused_consent_ends_with_a_status_of_its_own(terminal: Terminal):
    terminal.sandbox.change("400000003", "consent", given=False)
    done = terminal.type("sync", "400000003")
    assert done.status == 3
    assert done.out.casefold().count("consent") == 1
    assert terminal.last_item().outcome == "consent not given"
    assert terminal.type("sync", "400000003", "--dry-run").status == 3


def test_what_is_known_is_shown_now_and_as_of_a_day(terminal: Terminal):
    nothing = terminal.type("show", "400000003")
    assert nothing.status == 0
    assert "No funding information" in nothing.out
    terminal.type("sync", "400000003")
    today = business_today()
    now = terminal.type("show", "400000003", "--json").data
    then = terminal.type("show", "400000003", "--as-of", today.isoformat(), "--json").data
    for budget in now["budgets"]:  # what is committed is known of now alone
        assert budget["safe_to_spend"] == budget["available"]
        own = ("committed", "claimed_not_drawn", "delivered_not_claimed", "planned", "safe_to_spend")
        budget.update(dict.fromkeys(own))
    assert then | {"as_of": now["as_of"]} == now
    assert now["budgets"][0]["total"]
    earlier = terminal.type("show", "400000003", "--as-of", (today - timedelta(days=1)).isoformat(), "--json").data
    assert earlier["budgets"] == []
    wrong = terminal.type("show", "400000003", "--as-of", "yesterday")
    assert (wrong.status, "YYYY-MM-DD" in wrong.err) == (2, True)


def test_what_ended_is_shown_as_ended(terminal: Terminal):
    today = business_today()
    terminal.sandbox.change("400000003", "add-supplement", typeCode="OXY_NORM", startDate="2026-01-05",
                            endDate=(today - timedelta(days=1)).isoformat())  # fmt: skip
    terminal.sandbox.change("400000003", "add-supplement", typeCode="ENT_NBO", startDate="2026-01-05",
                            endDate=today.isoformat())  # fmt: skip
    terminal.type("sync", "400000003")
    data = terminal.type("show", "400000003", "--as-of", today.isoformat(), "--json").data
    standings = {row["type_code"]: row["standing"] for row in data["supplements"]}
    assert (standings["OXY_NORM"], standings["ENT_NBO"]) == ("ended", "in force")
    shown = terminal.type("show", "400000003").out
    assert "ended" in next(line for line in shown.splitlines() if line.startswith("Supplement oxygen normal"))


def test_a_plan_without_classifications_is_shown_without_dates(terminal: Terminal, add_client):
    (care_recipient_id, *_) = terminal.sandbox.scenario("no-classification")
    add_client(care_recipient_id)
    terminal.type("sync", care_recipient_id)
    assert "Plan: no dates yet, because there is no classification" in terminal.type("show", care_recipient_id).out


def test_somebody_who_returned_has_the_same_plan_dates_in_the_terminal_as_on_the_page(terminal: Terminal):
    today = business_today()
    terminal.sandbox.change("400000003", "end-classifications", date=(today - timedelta(days=40)).isoformat())
    terminal.type("sync", "400000003")
    before = terminal.type("show", "400000003", "--json").data["plan"]
    back = (today - timedelta(days=2)).isoformat()
    terminal.sandbox.change("400000003", "add-classification", code="ON", level="6", startDate=back)
    terminal.type("sync", "400000003")
    assert before["end_date"]
    for how in ((), ("--as-of", today.isoformat())):
        plan = terminal.type("show", "400000003", *how, "--json").data["plan"]
        assert plan == {"start_date": back, "end_date": None}


def test_check_is_content_when_all_works(terminal: Terminal):
    done = terminal.type("check")
    assert done.status == 0, done.out
    assert "Services Australia: PRODA issued a new token" in done.out
    assert "Key expires" in done.out
    told = terminal.type("check", "--json").data
    assert told["ready"] is True
    assert told["funders"]["services-australia"]["token_expires_at"]


def test_check_asks_proda_also_while_a_token_is_in_hand(terminal: Terminal):
    assert terminal.type("check").status == 0
    terminal.sandbox.ask("POST", f"/proda/devices/{DEVICE}", {"status": "INACTIVE"})
    try:
        done = terminal.type("check")
        told = terminal.type("check", "--json").data
    finally:
        terminal.sandbox.ask("POST", f"/proda/devices/{DEVICE}", {"status": "ACTIVE"})
    assert done.status == 1
    assert "gave a" not in done.out
    assert "✗ Device: ACTIVE at PRODA's last response" in done.out
    assert "✗ Services Australia: " in done.out
    assert told["ready"] is False
    assert told["funders"]["services-australia"]["problem"]["code"] == "device-inactive"


def test_check_tells_each_missing_setting_in_a_line_of_its_own(installation: Installation):
    done = installation.type("check", funder_environment="vendor", secret_key="", encryption_keys="")
    assert done.status == 1
    lines = done.out.splitlines()
    for name in (
        "SECRET_KEY", "ENCRYPTION_KEYS", "ORGANISATION_ID", "DEVICE_NAME", "PRODA_CLIENT_ID", "CLIENT_ID", "PRODUCT_ID",
        "SERVICES_AUSTRALIA_AUDIENCE",
    ):  # fmt: skip
        assert sum(f"CAREFUND_{name} is not set" in line for line in lines) == 1, name
    told = installation.type("check", "--json", funder_environment="vendor").data
    assert told["ready"] is False
    assert len(told["missing"]) == 6
    assert told["funders"]["ndia"] == {"is_used": False}


def test_check_has_a_line_for_each_funder(terminal: Terminal):
    lines = terminal.type("check").out.splitlines()
    for funder in ("Services Australia", "The NDIA"):
        [line] = [line for line in lines if f"{funder}:" in line]
        assert "PRODA issued a new token" in line
    assert sum("Device:" in line for line in lines) == 1


def test_a_funder_that_nobody_set_up_is_fine_and_one_half_set_up_is_not(installation: Installation):
    lines = installation.type("check", funder_environment="vendor").out.splitlines()
    assert [line for line in lines if "The NDIA:" in line and "not set up. Set it up only if" in line]
    done = installation.type("check", funder_environment="vendor", ndia_audience="https://ndia.example")
    [line] = [line for line in done.out.splitlines() if "The NDIA:" in line]
    assert "settings are missing" in line
    assert done.out.count("CAREFUND_NDIA_URL is not set") == done.out.count("CAREFUND_DEVICE_NAME is not set") == 1


def test_a_partners_gateway_needs_only_its_own_settings(installation: Installation):
    given = {"funder_environment": "vendor", "ndia_partner_url": "https://partner.example"}
    done = installation.type("check", **given)
    assert "CAREFUND_NDIA_PARTNER_KEY is not set" in done.out
    assert "CAREFUND_NDIA_AUDIENCE" not in done.out
    given |= {"ndia_partner_key": "a-key", "ndia_partner_organisation": "wattle-grove"}
    done = installation.type("check", **given)
    [line] = [line for line in done.out.splitlines() if "The NDIA:" in line]
    assert "uses a partner's gateway, https://partner.example" in line
    assert installation.type("check", "--json", **given).data["funders"]["ndia"]["missing"] == []


def test_a_live_environment_that_is_not_configured_sends_nothing(installation: Installation):
    done = installation.type("sync", "400000003", funder_environment="vendor")
    assert done.status == 1
    assert sum("is not set" in line for line in done.err.splitlines()) == 6
    assert "Traceback" not in done.err


def test_check_says_when_the_tables_are_missing(installation: Installation):
    done = installation.type("check", database_url=f"sqlite:///{installation.folder}/none.sqlite3")
    assert done.status == 1
    assert "carefund setup" in done.out
    done = installation.type("sync", "400000003", database_url=f"sqlite:///{installation.folder}/none.sqlite3")
    assert (done.status, "carefund setup" in done.err, "Traceback" in done.err) == (1, True, False)
