"""Data and erasure, on a page: the same file and plan as the commands', for administrators who prove who they are."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from django_otp.oath import totp
from pytest_django import Settings
from typer.testing import CliRunner

from carefund.access import two_factor
from carefund.access.models import AccessLogEntry, AuditEntry, DirectoryIdentity
from carefund.cli.main import app
from carefund.records.models import Client
from carefund.runs.erasure import plan_erasure
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]


def open_page(browser: Browser, client: Client) -> str:
    return browser.get(reverse("console:client-data", args=[client.pk])).content.decode()


def confirm(browser: Browser, client: Client, **changed: str) -> str:
    """Fill in the form as it is shown, but for what is changed; gives the page that follows."""
    sent = {"plan": plan_erasure(client).fingerprint, "confirmation": str(client.care_recipient_id)}
    sent |= {"proof": world.PASSWORD} | changed
    address = reverse("console:client-data", args=[client.pk])
    return browser.post(address, sent, follow=True).content.decode()


def test_the_file_is_that_of_the_command_and_in_both_logs(
    browse: Browse, cast: world.Cast, margaret: Client, tmp_path
) -> None:
    address = reverse("console:client-data-file", args=[margaret.pk])
    assert [browse(user).get(address).status_code for user in (cast.ben, cast.fay, cast.rex)] == [403] * 3
    answer = browse(cast.ada).get(address)
    assert answer.headers["Content-Disposition"] == f'attachment; filename="client-{margaret.pk}-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    seen = AccessLogEntry.objects.get(action="exported")
    assert (seen.user_name, seen.client_id, seen.what) == ("ada", margaret.pk, "Personal data (JSON)")
    act = AuditEntry.objects.get(act="Personal data exported")
    assert (act.user_name, act.subject) == ("ada", f"client {margaret.pk}")
    file = tmp_path / "her.json"
    typed = CliRunner().invoke(app, ["clients", "data", str(margaret.care_recipient_id), "--to", str(file)])
    assert typed.exit_code == 0
    assert json.loads(answer.content) == json.loads(file.read_text())
    assert {"Client", "Plan budget", "Budget usage"} <= json.loads(answer.content).keys()


def test_the_page_says_beforehand_what_goes_what_stays_and_where_copies_are(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    browser = browse(cast.ada)
    link = reverse("console:client-data", args=[margaret.pk])
    edit = reverse("console:client-edit", args=[margaret.pk])
    assert link in browser.get(edit).content.decode()
    assert link not in browse(cast.ben).get(edit).content.decode()
    shown, plan = open_page(browser, margaret), plan_erasure(margaret)
    assert plan.erased
    for words, number in plan.erased.items():
        assert f'<th scope="row">{words}</th><td class="amount">{number:,}</td>' in shown
    assert all(f"{words}: {number:,}" in shown for words, number in plan.kept.items())
    assert "Backups hold this client until you delete them." in shown
    assert "both logs" in shown.lower()
    assert AccessLogEntry.objects.filter(user_name="ada", client=margaret, what="Data and erasure").count() == 1


def test_nothing_is_asked_for_without_the_id_the_proof_and_the_plan_as_shown(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    browser = browse(cast.ada)
    assert "This is not" in confirm(browser, margaret, confirmation="400000999")
    assert "neither your password nor the code" in confirm(browser, margaret, proof="wrong")
    assert "This field is required" in confirm(browser, margaret, proof="")
    assert "have changed since you opened this page" in confirm(browser, margaret, plan="0" * 64)
    assert not Run.objects.filter(kind="erasure").exists()
    assert Client.objects.filter(pk=margaret.pk).exists()
    shown = confirm(browser, margaret)
    run = Run.objects.get(kind="erasure")
    assert "Erasure of one client" in shown
    assert (run.requested_by, run.parameters) == (cast.ada, {"plan": plan_erasure(margaret).fingerprint})
    item = run.items.get()
    assert (item.holds, item.client_id, item.care_recipient_id) == (f"client:{margaret.pk}", None, "")
    confirm(browser, margaret)
    assert Run.objects.filter(kind="erasure").count() == 1, "asked for twice, it is one run"


def test_a_client_without_an_id_is_confirmed_by_last_name(browse: Browse, cast: world.Cast) -> None:
    nobody = Client.objects.create(first_name="Nora", last_name="Kim")
    browser = browse(cast.ada)
    assert "Type Kim to confirm" in open_page(browser, nobody)
    assert "Erasure of one client" in confirm(browser, nobody, confirmation=" Kim ")


def test_whoever_the_directory_signs_in_proves_it_by_a_sign_in_just_now(
    browse: Browse, cast: world.Cast, margaret: Client, settings: Settings
) -> None:
    settings.OIDC_ISSUER = "https://directory.example"
    DirectoryIdentity.objects.create(user=cast.ada, issuer=settings.OIDC_ISSUER, subject="ada")
    browser = browse(cast.ada)
    assert "sign-in of the last 10 minutes" in open_page(browser, margaret)
    User.objects.filter(pk=cast.ada.pk).update(last_login=timezone.now() - timedelta(minutes=11))
    assert "Sign out, sign in again" in confirm(browser, margaret, proof="")
    assert not Run.objects.filter(kind="erasure").exists()
    User.objects.filter(pk=cast.ada.pk).update(last_login=timezone.now() - timedelta(minutes=9))
    confirm(browser, margaret, proof="")
    assert Run.objects.filter(kind="erasure").exists()


def test_while_codes_are_slowed_the_page_says_for_how_long(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser, address = browse(cast.ada), reverse("console:two-factor")
    browser.get(address)
    device = two_factor.Authenticator.objects.get(user=cast.ada)
    code = f"{totp(device.bin_key):06d}"
    browser.post(address, {"code": code, "password": world.PASSWORD})
    two_factor.Authenticator.objects.update(
        last_t=-1, throttling_failure_count=4, throttling_failure_timestamp=timezone.now()
    )
    shown = confirm(browser, margaret, proof=code)
    assert "Too many wrong codes. Wait 8 seconds" in shown
    assert "neither your password" not in shown


def test_an_erasure_that_failed_or_was_paused_is_asked_for_again_and_not_repeated(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    browser = browse(cast.ada)
    confirm(browser, margaret)
    run = Run.objects.get(kind="erasure")
    address = reverse("console:run", args=[run.pk])
    assert 'id="cancel-run"' in (shown := browser.get(address).content.decode())
    assert 'id="pause-run"' not in shown
    Run.objects.filter(pk=run.pk).update(status="paused")
    assert 'id="resume-run"' not in browser.get(address).content.decode()
    steer = reverse("console:run-steer", args=[run.pk, "resume"])
    assert "Open Data and erasure again." in browser.post(steer, follow=True).content.decode()
    assert Run.objects.get(pk=run.pk).status == "paused"
    Run.objects.filter(pk=run.pk).update(status="finished")
    run.items.update(status="done", outcome="failed", error_code="changed")
    assert 'id="retry-run"' not in browser.get(address).content.decode()
    steer = reverse("console:run-steer", args=[run.pk, "retry"])
    assert "Open Data and erasure again." in browser.post(steer, follow=True).content.decode()
    typed = CliRunner().invoke(app, ["runs", "retry", str(run.pk)])
    assert typed.exit_code == 2
    assert "Open Data and erasure again." in " ".join(typed.output.split())
    assert Run.objects.filter(kind="erasure").count() == 1
