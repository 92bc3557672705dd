"""First contact through the page: upload, side by side, accept, try, share."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from carefund.access.access_log import list_entries
from carefund.access.audit_log import list_acts
from carefund.funders.dialect import Dialect
from carefund.funders.interfaces.file import read_file
from carefund.records.models import Client
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console import world as cast_world
from tests.funders.bad_descriptions import BAD

pytestmark = pytest.mark.one_database
FUNDER = "services-australia"
PAGE, PERSON = reverse("console:interfaces"), "400000003"
DETAILS = "/service/support-at-home/budget/v1/{budgetId}"
MEMBERS = {
    "budgetId": {"type": "string"}, "spent": {"type": "number"}, "total": {"type": "number"},
    "available": {"type": "number"}, "startDate": {"type": "string", "format": "date"},
}  # fmt: skip
Browse = Callable[[User | None], Browser]


def description(members: Any = MEMBERS, name: str = "budgets.json") -> SimpleUploadedFile:
    operation = {
        "operationId": "AgedcareBudgetSahDetails1Get",
        "parameters": [{"name": "budgetId", "in": "path", "required": True, "type": "string"}],
        "responses": {"200": {"schema": {"type": "object", "properties": members}}, "400": {"schema": {"$ref": "#/e"}}},
    }
    document = {
        "swagger": "2.0", "basePath": "/claiming/acws", "paths": {DETAILS: {"get": operation}},
        "e": {"properties": {"fault": {"type": "string"}}},
    }  # fmt: skip
    return SimpleUploadedFile(name, json.dumps(document).encode())


@pytest.fixture
def people(db: None) -> cast_world.Cast:
    return cast_world.make_cast()


@pytest.fixture
def ada(people: cast_world.Cast, browse: Browse, settings: Any, tmp_path: Path) -> Browser:
    settings.ACCEPTED_INTERFACES_FILE = tmp_path / "data" / "interfaces.toml"
    return browse(people.ada)


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def upload(browser: Browser, *files: SimpleUploadedFile) -> str:
    return text_of(browser.post(PAGE, {"step": "compare", "files": list(files)}, follow=True))


def test_descriptions_are_compared_questions_answered_and_the_file_is_used(ada: Browser, settings: Any):
    shown = upload(ada, description())
    assert "budget_details: AgedcareBudgetSahDetails1Get" in shown
    assert 'members: is "spent" what Carefund calls Budget.used (in AgedcareBudgetSahDetails1Get)?' in shown
    assert "no member that Carefund reads; fault: only in the descriptions" in shown
    file: Path = settings.ACCEPTED_INTERFACES_FILE

    refused = text_of(ada.post(PAGE, {"step": "preview"}))
    assert "This was not confirmed" in refused
    agreed = ["services-australia|members|Budget.used|spent"]
    previewed = text_of(ada.post(PAGE, {"step": "preview", "agreed": agreed}))
    assert 'used = "spent"' in previewed
    assert "errors: Carefund reads no member of a refusal of budget_details." in previewed
    assert not file.exists(), "nothing is written before somebody confirms"

    done = text_of(ada.post(PAGE, {"step": "accept", "agreed": agreed}, follow=True))
    assert "Restart Carefund to use it" in done
    assert dict(read_file(file)[FUNDER].dialect.members) == {"Budget.used": "spent"}
    assert "A newer file was accepted." in done
    assert "Side by side" not in done
    assert [entry.act for entry in list_acts()[:2]] == ["Interfaces file accepted", "Interface descriptions compared"]

    upload(ada, description(MEMBERS | {"used": {"type": "number"}}))
    ada.post(PAGE, {"step": "accept"})
    assert read_file(file.with_name("interfaces-before.toml"))[FUNDER].dialect.members
    assert not read_file(file)[FUNDER].dialect.members


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([], "Choose at least one file."),
        ([description(name="../a.json"), description(name="b/a.json")], "Two of the files are called a.json."),
        ([SimpleUploadedFile(f"{n}.yaml", b"#" * 7_000_000) for n in range(5)], "larger than 32 MB together."),
        ([description(MEMBERS | {"x\0": {"type": "string"}})], "These files have a character that cannot be stored."),
        ([description({"$ref": "#"})], ""),
    ],
)
def test_what_cannot_be_used_is_one_sentence_and_nothing_waits(
    ada: Browser, files: list[SimpleUploadedFile], sentence: str
):
    for file in files:
        file.seek(0)
    assert sentence in upload(ada, *files)
    if sentence:
        assert "Side by side" not in text_of(ada.get(PAGE))


def test_each_file_that_cannot_be_used_is_one_sentence_on_the_page_too(ada: Browser, settings: Any):
    for files, words in BAD.values():
        shown = upload(ada, *(SimpleUploadedFile(name, content) for name, content in files.items()))
        assert words in shown
        assert shown.count('class="note bad') == 1
        assert "Side by side" not in shown
    assert not settings.ACCEPTED_INTERFACES_FILE.parent.exists()
    assert not list_acts()


def test_only_an_administrator_comes_here(people: cast_world.Cast, browse: Browse):
    assert browse(people.ben).get(PAGE).status_code in (403, 404)
    assert browse(people.ben).get(reverse("console:interfaces-description")).status_code in (403, 404)


def test_without_a_stored_response_there_is_nothing_to_share(ada: Browser):
    assert ada.get(reverse("console:interfaces-description")).status_code == 404
    for nobody in ("1", "no id"):
        tried = ada.post(PAGE, {"step": "try", "number": nobody}, follow=True)
        assert "No client has this Care Recipient ID." in text_of(tried)
        tried = ada.post(PAGE, {"step": "try", "interface": "ndia", "number": nobody}, follow=True)
        assert "No client has this NDIS number." in text_of(tried)


@pytest.mark.django_db(transaction=True)
def test_a_trial_is_work_in_the_background_and_its_report_is_shown(world: Sandbox, add_client: Any, ada: Browser):
    add_client("400000003")
    ada.post(PAGE, {"step": "try", "number": "400000003"})
    assert list_entries()[0].what == "Trial of the interfaces"
    finish_now(Run.objects.get())
    shown = text_of(ada.get(PAGE))
    assert "Nothing to change in the interfaces file." in shown
    assert "budget_details" in shown
    assert f"/clients/{Client.objects.get(care_recipient_id=PERSON).pk}/synchronise" in shown
    shared = ada.get(reverse("console:interfaces-description"))
    assert "[seen.Budget.members]" in shared.content.decode()
    assert "400000003" not in shared.content.decode()


@pytest.mark.django_db(transaction=True)
def test_what_a_trial_proposes_is_ticked_and_added_to_the_file(
    world: Sandbox, add_client: Any, ada: Browser, settings: Any
):
    known = settings.SERVICES_AUSTRALIA
    dialect = Dialect(members=(("Budget.used", "spent"), ("Budget.total", "sum"), ("BudgetUsage.amount", "drawn")))
    settings.SERVICES_AUSTRALIA = replace(known, interfaces=replace(known.interfaces, dialect=dialect))
    add_client(PERSON)
    ada.post(PAGE, {"step": "try", "number": PERSON})
    finish_now(Run.objects.get())
    shown = text_of(ada.get(PAGE))
    wanted = [f"{FUNDER}|members|Budget.used|used", f"{FUNDER}|members|Budget.total|total"]
    assert all(f'value="{key}"' in shown for key in wanted)
    file: Path = settings.ACCEPTED_INTERFACES_FILE
    for nothing in ([], [f"{FUNDER}|members|Budget.used|anything"], ["x"]):
        refused = text_of(ada.post(PAGE, {"step": "take-lines", "line": nothing}, follow=True))
        assert "Choose at least one line" in refused
    assert not file.exists()
    done = text_of(ada.post(PAGE, {"step": "take-lines", "line": wanted}, follow=True))
    assert "Restart Carefund to use it, then try again." in done
    assert done.count("In the file") == 2
    assert dict(read_file(file)[FUNDER].dialect.members) == {
        "Budget.used": "used", "Budget.total": "total", "BudgetUsage.amount": "drawn",
    }  # fmt: skip
    assert list_acts()[0].act == "Interfaces file changed"
    settings.INTERFACES_FILE = "/elsewhere.toml"
    assert 'value="take-lines"' not in text_of(ada.get(PAGE))


@pytest.mark.django_db(transaction=True)
def test_a_write_is_shown_confirmed_and_sent_once(world: Sandbox, add_client: Any, synchronise: Any, ada: Browser):
    client = add_client(PERSON)
    assert "3. Try sending data" in text_of(ada.get(PAGE))
    asked = {"step": "show-write", "write": "invoice_create", "number": PERSON}
    assert "Synchronise them first." in text_of(ada.post(PAGE, asked, follow=True))
    synchronise(client)
    shown = text_of(ada.post(PAGE, asked))
    assert f"POST {world.url}/services-australia/claiming/ext-vnd/acws/service/support-at-home/invoice/v1" in shown
    assert '"externalReferenceId":"TRIAL-' in shown
    assert not world.ask("GET", "/invoices"), "nothing is sent before somebody confirms"
    digest = re.search('name="digest" value="([0-9a-f]+)"', shown)
    assert digest is not None
    confirmed = asked | {"step": "send-write", "digest": digest[1]}
    assert "has changed" in text_of(ada.post(PAGE, confirmed | {"write": "claim_create"}, follow=True))
    for _ in range(2):
        ada.post(PAGE, confirmed)
        finish_now(Run.objects.order_by("pk").last())
    assert len(world.ask("GET", "/invoices")) == 1
    assert "invoice_create: not sent." in text_of(ada.get(PAGE))
    assert [entry.act for entry in list_acts()[:2]] == ["Interface write tried"] * 2
    assert list_entries()[0].what == "Trial of a write, to confirm"


def test_in_production_the_page_says_why_no_write_is_tried(ada: Browser, settings: Any):
    settings.SERVICES_AUSTRALIA = replace(settings.SERVICES_AUSTRALIA, environment="production")
    shown = text_of(ada.get(PAGE))
    assert "Writes are tried only in the vendor environment" in shown
    assert "Show what would be sent" not in shown
