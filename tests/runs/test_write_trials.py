"""A write tried at the funder's: only where nothing real can be reached, each confirmed as shown, and none twice."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings as django_settings
from django.utils import timezone

from carefund.funders.configuration import configure, is_for_tests
from carefund.funders.dialect import Dialect, Interfaces
from carefund.funders.interfaces.file import as_text
from carefund.funders.paths import wrong_paths
from carefund.funders.services_australia.operations import PATHS, SETTING
from carefund.records.models import Client, Rollover, TriedAnswer
from carefund.runs.business_day import business_today
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import retry_failures
from carefund.runs.write_trials import request_write
from carefund.sync.shown_writes import CannotTry, ShownWrite, show_write
from carefund.sync.write_trials import ADD, ATTACH, CLAIM, CREATE, DELETE, ROLL_OVER, SUBMIT
from tests.conftest import Sandbox, activate_device, table_rows
from tests.funders.dialects import speaking
from tests.runs.test_rollovers import budget, count_asked

__all__ = ["budget"]
pytestmark = pytest.mark.one_database
CHAIN = (CREATE, ADD, ATTACH, SUBMIT, CLAIM)
VENDOR = "https://test.healthclaiming.api.humanservices.gov.au/claiming/ext-vnd/acws"
LIVE = "https://healthclaiming.api.humanservices.gov.au/claiming/ext-prd/acws"


@pytest.fixture
def client(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> Client:
    """A client who is known well enough for an invoice."""
    client = add_client("400000007")
    synchronise(client)
    client.refresh_from_db()
    return client


def show(client: Client, operation: str) -> ShownWrite:
    """What somebody is shown."""
    return show_write(client, operation, business_today())


def confirm(client: Client, operation: str) -> RunItem:
    """Look at a write, confirm it, and have it done."""
    return finish_now(request_write(client, operation, show(client, operation).digest)).items.get()


def send(client: Client, operation: str) -> dict[str, Any]:
    """What the report of a confirmed write says."""
    item = confirm(client, operation)
    assert item.result, item.message
    report: dict[str, Any] = item.result
    return report


def outcome(client: Client, operation: str) -> str:
    return str(send(client, operation)["write"]["outcome"])


def count_writes(world: Sandbox) -> int:
    """How many writes the funder was sent, whatever it answered."""
    asked = world.ask("GET", "/journal?limit=500")["requests"]
    return sum(request["operation"] in (*CHAIN, DELETE, ROLL_OVER) for request in asked)


def test_each_write_is_sent_once_reported_and_archived_and_makes_no_record(world: Sandbox, client: Client) -> None:
    apart = ("ProdaDevice", "TriedAnswer", "Payload")
    tables = [model for model in apps.get_app_config("records").get_models() if model.__name__ not in apart]
    before = table_rows(*tables)
    assert outcome(client, CREATE) == "done"
    assert outcome(client, DELETE) == "done"
    for operation in CHAIN:
        report = send(client, operation)
        assert report["write"] == {"operation": operation, "outcome": "done", "words": "Done, and read back."}
        assert all(call["milliseconds"] for call in report["calls"])
        assert [call for call in report["calls"] if call["problem"]] == [], "an empty list is none"
        assert (report["undecoded"], report["unknown_codes"], report["lines"]) == ([], [], [])
        assert operation in [call["operation"] for call in report["calls"]]
        for value in (client.care_recipient_id, client.last_name, client.service_provider_id):
            assert str(value) not in json.dumps(report)
    assert table_rows(*tables) == before
    kept = set(TriedAnswer.objects.filter(client=client).values_list("operation", flat=True))
    assert kept >= {*CHAIN, DELETE} - {ATTACH}, "which is answered with nothing"

    [dead, living] = world.ask("GET", "/invoices")
    assert (dead["status"], living["status"]) == ("DELETED", "CLAIMED")
    assert len(world.ask("GET", "/claims")) == 1
    sent = count_writes(world)
    for operation in (*CHAIN, DELETE):
        assert outcome(client, operation) == "not sent"
    assert count_writes(world) == sent == 7
    assert len(world.ask("GET", "/claims")) == 1


@pytest.mark.parametrize("kind", [{"kind": "denial", "status": 404}, {"kind": "truncate"}])
def test_what_was_done_and_denied_is_done_and_not_sent_again(world: Sandbox, client: Client, kind: Any) -> None:
    for operation in (CREATE, ADD, SUBMIT, CLAIM):
        world.fault(operation=operation, times=1, **kind)
        report = send(client, operation)
        assert report["write"]["outcome"] == "done"
        assert "although the answer was an error" in report["write"]["words"]
        assert [call["problem"] for call in report["calls"] if call["operation"] == operation] != [""]
        assert outcome(client, operation) == "not sent"
    assert count_writes(world) == 4
    assert (len(world.ask("GET", "/invoices")), len(world.ask("GET", "/claims"))) == (1, 1)


def test_a_refusal_is_said_and_what_may_have_been_done_is_read_first(world: Sandbox, client: Client) -> None:
    world.fault(operation=CREATE, kind="status", status=400, message="Closed for maintenance", times=1)
    refused = send(client, CREATE)["write"]
    assert (refused["outcome"], "maintenance" in refused["words"]) == ("refused", True)
    said = f"{client.first_name} {client.last_name}: {client.care_recipient_id} was due $80.25 on 12/05/2026"
    world.fault(operation=CREATE, kind="status", status=400, message=said, times=1)
    report = send(client, CREATE)
    assert "…: … was due … on …" in report["write"]["words"]
    [call] = [call for call in report["calls"] if call["operation"] == CREATE]
    assert "The funder said: …: … was due … on …" in call["problem"]
    for value in (client.first_name, client.last_name, client.care_recipient_id, "80.25", "2026"):
        assert str(value) not in json.dumps(report, ensure_ascii=False)
    world.fault(operation=CREATE, kind="drop", times=1)
    assert outcome(client, CREATE) == "not certain"
    world.fault(operation="invoices", kind="html", status=404, times=1)
    unread = send(client, CREATE)["write"]
    assert (unread["outcome"], "nothing was sent" in unread["words"]) == ("not sent", True)
    assert count_writes(world) == 3
    assert outcome(client, CREATE) == "done"
    assert outcome(client, CLAIM) == "not sent"
    assert len(world.ask("GET", "/invoices")) == 1


def test_an_answer_that_is_called_otherwise_is_named_and_nothing_is_made_twice(
    world: Sandbox, client: Client, settings: Any
) -> None:
    known = django_settings.SERVICES_AUSTRALIA

    def speak(**members: str) -> None:
        dialect = Dialect(members=tuple((f"InvoicePayload.{name}", theirs) for name, theirs in members.items()))
        settings.SERVICES_AUSTRALIA = replace(known, interfaces=Interfaces(dialect=dialect))

    speak(invoice_id="number")
    report = send(client, CREATE)
    assert report["write"]["outcome"] == "not certain"
    assert '[services-australia.members.InvoicePayload] invoice_id = "invoiceId"' in [
        line["line"] for line in report["lines"]
    ]
    assert outcome(client, CREATE) == "not sent", "what is there cannot be read"
    speak(external_reference_id="ours")
    blind = send(client, CREATE)["write"]
    assert (blind["outcome"], "cannot tell" in blind["words"]) == ("not sent", True)
    speak()
    assert "already has a trial invoice" in send(client, CREATE)["write"]["words"]
    assert count_writes(world) == 1


def test_a_funder_that_speaks_a_dialect_is_written_to_in_it(
    world: Sandbox, client: Client, settings: Any, tmp_path: Path
) -> None:
    members = (
        ("NewInvoice.external_reference_id", "ourNumber"), ("NewInvoiceItem.external_reference_id", "ourLine"),
        ("NewInvoiceItem.delivery_date", "day"), ("InvoicePayload.external_reference_id", "ourNumber"),
        ("InvoiceItem.external_reference_id", "ourLine"), ("InvoicePayload.invoice_id", "key"),
        ("NewClaim.invoices", "list"), ("ClaimPayload.claim_id", "key"), ("ClaimPayload.invoices", "list"),
    )  # fmt: skip
    dialect = Dialect(members, date_format="dd/MM/yyyy", sent_date_format="ddMMyyyy")
    theirs = Interfaces({CREATE: "/invoices/v7"}, {"": {"externalReferenceId": "our-number"}}, dialect)
    file = tmp_path / "theirs.toml"
    file.write_text(as_text({"services-australia": theirs}))
    with speaking(file) as url:
        there = Sandbox(url)
        settings.SERVICES_AUSTRALIA = replace(
            configure("services-australia", sandbox_url=url), interfaces=theirs, paths=theirs.paths
        )
        activate_device(there)
        assert '"ourNumber":"TRIAL-' in show(client, CREATE).body
        assert show(client, CREATE).address.endswith("/invoices/v7")
        assert [outcome(client, operation) for operation in CHAIN] == ["done"] * 5
        assert outcome(client, CREATE) == "not sent"
        assert [invoice["status"] for invoice in there.ask("GET", "/invoices")] == ["CLAIMED"]


@pytest.mark.parametrize(
    ("environment", "given", "may"),
    [
        ("sandbox", {}, True),
        ("vendor", {}, True),
        ("production", {}, False),
        ("production", {"base_url": VENDOR}, False),
        ("vendor", {"base_url": LIVE}, False),
        ("sandbox", {"base_url": LIVE}, False),
        ("sandbox", {"base_url": VENDOR}, False),
        ("vendor", {"base_url": VENDOR.replace("https", "http")}, False),
        ("vendor", {"base_url": "https://gateway.example/claiming/ext-vnd/acws"}, False),
        ("vendor", {"proda_token_url": "https://proda.humanservices.gov.au/mga/sps/oauth/oauth20/token"}, False),
        ("sandbox", {"sandbox_url": "https://healthclaiming.api.humanservices.gov.au"}, False),
        ("sandbox", {"sandbox_url": "http://sandbox:8765"}, True),
    ],
)
def test_writes_are_tried_only_where_every_address_is_of_a_test_environment(
    environment: Any, given: dict[str, str], may: bool
) -> None:
    assert is_for_tests(configure("services-australia", environment, **given)) is may


def test_no_path_of_an_interfaces_file_leads_to_another_host() -> None:
    assert wrong_paths(SETTING, {CREATE: "@elsewhere.example/invoice"}, PATHS)


def test_nothing_is_sent_in_production_nor_by_a_process_that_reaches_it(
    world: Sandbox, client: Client, settings: Any
) -> None:
    here = django_settings.SERVICES_AUSTRALIA
    shown = show(client, CREATE)
    run = request_write(client, CREATE, shown.digest)
    settings.SERVICES_AUSTRALIA = replace(here, environment="production")
    with pytest.raises(CannotTry, match="vendor environment"):
        show(client, CREATE)
    with pytest.raises(CannotTry, match="vendor environment"):
        request_write(client, CREATE, shown.digest)
    assert finish_now(run).items.get().error_code == "not-for-tests"
    assert count_writes(world) == 0


def test_a_confirmation_holds_for_what_was_shown_for_a_few_minutes_and_for_no_retry(
    world: Sandbox, client: Client
) -> None:
    with pytest.raises(CannotTry, match="has changed"):
        request_write(client, CREATE, show(client, ADD).digest)
    run = request_write(client, CREATE, show(client, CREATE).digest)
    before = (timezone.now() - timedelta(minutes=11)).isoformat()
    Run.objects.filter(pk=run.pk).update(parameters=run.parameters | {"confirmed_at": before})
    assert finish_now(run).items.get().error_code == "confirmed-long-ago"
    assert finish_now(retry_failures(Run.objects.get(pk=run.pk))).items.get().error_code == "confirmed-long-ago"
    moved = request_write(client, CREATE, show(client, CREATE).digest)
    Client.objects.filter(pk=client.pk).update(service_provider_id="4049000099")
    assert finish_now(moved).items.get().error_code == "changed"
    assert count_writes(world) == 0


def test_a_rollover_is_the_one_of_quarter_close(world: Sandbox, budget: Any, synchronise: Any) -> None:
    shown = show(budget.client, ROLL_OVER)
    assert "It cannot be undone" in shown.words
    assert budget.budget_id in shown.address
    world.fault(operation=ROLL_OVER, kind="denial", status=404, times=1)
    report = send(budget.client, ROLL_OVER)
    assert (report["write"]["outcome"], report["write"]["operation"]) == ("done", ROLL_OVER)
    assert Rollover.objects.get().state == "done"
    with pytest.raises(CannotTry, match="ready to be rolled over"):
        show(budget.client, ROLL_OVER)
    assert count_asked(world) == 1


def test_without_a_synchronised_client_there_is_nothing_to_send(world: Sandbox, add_client: Any) -> None:
    stranger = add_client("400000001")
    for operation in (CREATE, ROLL_OVER):
        with pytest.raises(CannotTry):
            show(stranger, operation)
