"""Importing clients by page, API and command: who may, what is shown before, and that the three agree."""

from collections.abc import Callable
from datetime import date
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from typer.testing import CliRunner

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.tokens import create_token
from carefund.cli.main import app
from carefund.records.models import Change, Client, FileUpload
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
HEADING = "First name,Last name,Date of birth,Care Recipient ID,Service Provider ID,External reference\r\n"
FILE = HEADING + "Wilma,Sample,,400000001,,HR-1\r\nFred,Example,1938-11-30,400000009,,\r\n"
BAD = FILE + "=1+1,Example,,,,\r\n"


@pytest.fixture
def cast() -> world.Cast:
    world.make_branches()
    return world.make_cast()


@pytest.fixture
def wilma(add_client: Callable[..., Client]) -> Client:
    return add_client("400000001", service_provider_id=world.BRANCH, birth_date=date(1940, 5, 3))


def send_file(browser: Browser, content: str) -> str:
    sent = {"file": SimpleUploadedFile("clients.csv", content.encode())}
    return unescape(browser.post(reverse("console:client-import"), sent, follow=True).content.decode())


def confirm(browser: Browser, page: str, *fields: str) -> str:
    fingerprint = page.partition('name="fingerprint" value="')[2].partition('"')[0]
    address = reverse("console:client-upload", args=[FileUpload.objects.get().pk])
    sent = {"fingerprint": fingerprint, "update": list(fields)}
    return unescape(browser.post(address, sent, follow=True).content.decode())


def test_only_finance_and_administration_import(cast: world.Cast, browse: Browse):
    address = reverse("console:client-import")
    people = (cast.ada, cast.fay, cast.ben, cast.rex)
    assert [browse(user).get(address).status_code for user in people] == [200, 200, 403, 403]
    clients = reverse("console:clients")
    assert [address in browse(user).get(clients).content.decode() for user in people] == [True, True, False, False]


def test_a_file_is_shown_before_it_is_imported_field_by_field(cast: world.Cast, browse: Browse, wilma: Client):
    fay = browse(cast.fay)
    page = send_file(fay, FILE)
    for words in ("1</b><span>new client<", "Last name of 1 client", "External reference of 1 client", "Fred Example"):
        assert words in page
    assert AccessLogEntry.objects.filter(user=cast.fay, what="Client file", client=wilma).exists()
    assert Client.objects.count() == 1
    assert "1 client added, 1 changed." in confirm(fay, page, "last_name", "is_active")
    wilma.refresh_from_db()
    assert (wilma.last_name, wilma.external_reference_id, wilma.is_active) == ("Sample", "", True)
    entry = AuditEntry.objects.get(act="Client file imported")
    assert entry.after == {"new": 1, "changed": 1, "fields": ["last_name"], "to_confirm": 0}
    upload = FileUpload.objects.get()
    assert (upload.content, upload.loaded_at is None) == (b"", False)
    assert "already been imported" in confirm(fay, page)


def test_a_bad_row_is_named_and_nothing_can_be_imported(cast: world.Cast, browse: Browse, wilma: Client):
    fay = browse(cast.fay)
    page = send_file(fay, BAD)
    for words in ("1 problem found", "Begins as a formula does"):
        assert words in page
    assert "Import clients\n" not in page.partition("</ol>")[2]
    assert "Nothing was imported." in confirm(fay, page, "last_name")
    assert Client.objects.count() == 1
    assert "Two columns mean last_name" in send_file(fay, "Surname,Last name\r\n")


def test_what_changed_since_the_preview_is_shown_again(cast: world.Cast, browse: Browse, wilma: Client):
    fay = browse(cast.fay)
    page = send_file(fay, FILE)
    Client.objects.filter(pk=wilma.pk).update(last_name="Other")
    assert "Clients have changed since the preview" in confirm(fay, page, "last_name")
    assert not Change.objects.exists()


def test_a_file_of_invoices_is_no_file_of_clients(cast: world.Cast, browse: Browse):
    upload = FileUpload.objects.create(name="x", content=b"", created_by=cast.fay)
    assert browse(cast.fay).get(reverse("console:client-upload", args=[upload.pk])).status_code == 404


def ask(user: User, content: str, query: str = "", **named: Any) -> Any:
    _, text = create_token(user, "HR", **named)
    return Browser().post(
        f"/api/v1/client-imports{query}",
        data=content.encode(),
        content_type="text/csv",
        headers={"Authorization": f"Bearer {text}", "Idempotency-Key": f"{len(content)}{query}"[:40]},
    )


def test_by_api_it_is_previewed_then_imported(cast: world.Cast, wilma: Client):
    preview = ask(cast.fay, FILE)
    assert preview.status_code == 200, preview.content
    found = preview.json()
    assert (found["new"], found["differences"], found["stored"]) == (
        1, {"last_name": 1, "external_reference_id": 1}, False,
    )  # fmt: skip
    assert found["different"][0] == {
        "line": 2, "client_id": wilma.pk, "field": "last_name", "before": "Example", "after": "Sample",
    }  # fmt: skip
    assert Client.objects.count() == 1
    done = ask(cast.fay, FILE, "?confirm=true&update=last_name&update=external_reference_id")
    assert (done.status_code, done.json()["stored"]) == (200, True)
    wilma.refresh_from_db()
    assert (wilma.last_name, wilma.external_reference_id) == ("Sample", "HR-1")
    assert ask(cast.fay, FILE).json()["same"] == 2


def test_by_api_problems_are_listed_or_refused(cast: world.Cast, wilma: Client):
    assert [problem["field"] for problem in ask(cast.fay, BAD).json()["problems"]] == ["first_name"]
    refused = ask(cast.fay, BAD, "?confirm=true")
    assert (refused.status_code, refused.json()["problems"][0]["line"]) == (422, 4)
    assert ask(cast.fay, "a|b").status_code == 422
    assert ask(cast.ben, FILE).status_code == 403
    assert ask(cast.fay, FILE, scopes=("read",)).status_code == 403
    assert ask(cast.fay, FILE, service_provider_ids=(world.BRANCH,)).status_code == 403
    assert Client.objects.count() == 1


def test_by_command_it_is_previewed_then_imported(tmp_path: Path, wilma: Client):
    file = tmp_path / "clients.csv"
    file.write_text(FILE)
    words = ["clients", "import", str(file)]
    shown = CliRunner().invoke(app, words)
    assert shown.exit_code == 0, shown.output
    for sentence in ("1 new client, 0 the same", "Update: --update last_name", "Add --confirm"):
        assert sentence in shown.output
    assert AccessLogEntry.objects.get().client == wilma
    assert CliRunner().invoke(app, [*words, "--update", "is_active"]).exit_code == 2
    done = CliRunner().invoke(app, [*words, "--confirm", "--update", "last_name", "--json"])
    assert (done.exit_code, '"loaded": true' in done.output) == (0, True)
    wilma.refresh_from_db()
    assert wilma.last_name == "Sample"
    file.write_text(BAD)
    refused = CliRunner().invoke(app, [*words, "--confirm"])
    assert (refused.exit_code, "1 problem. Nothing was imported." in refused.output) == (2, True)
