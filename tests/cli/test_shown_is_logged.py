"""What a command shows of a client is in the access log, what it changes is in the audit log, by the account of the
operating system; also where the environment says another name."""

import json
import os
import pwd
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings
from typer.main import get_command
from typer.testing import CliRunner

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.cli.main import app
from carefund.domain.alerts import AlertKind, FoundAlert
from carefund.records.alerts.store import store_found
from carefund.records.models import Client, ClientMatch, Invoice
from carefund.records.models.webhooks import WebhookDelivery, WebhookEndpoint
from carefund.runs.business_day import business_today
from carefund.runs.models import Run
from tests.claim_world import ClaimWorld, approved_services, late_day

VIEWED, EXPORTED, ASKED, ACT = "viewed", "exported", "synchronised", "act"
# What a command leaves in the logs; a new command is entered here with a test below, or with nothing if it shows and
# changes nothing of clients, accounts, runs, claims or settings.
LOGS: dict[str, set[str]] = {
    "alerts": {VIEWED},
    "backup": {ACT},  # tests/runs/test_backups.py
    "care-management history": {VIEWED},
    "care-management refresh": {VIEWED, ACT},
    "check": set(),
    "claims accounts": set(),  # a provider's amounts, nobody's records
    "claims attach": {VIEWED, ACT},
    "claims check": set(),
    "claims list": set(),
    "claims prepare": {VIEWED, ACT},
    "claims show": {VIEWED},
    "claims submit": {ACT},
    "clients add": {VIEWED, ACT},
    "clients edit": {VIEWED, ACT},
    "clients data": {EXPORTED, ACT},  # tests/runs/test_erasure.py
    "clients erase": {VIEWED, ACT},  # tests/runs/test_erasure.py
    "clients import": {ACT, VIEWED},
    "clients list": {VIEWED},
    "clients match": {VIEWED, ACT},
    "clients matches": {VIEWED},
    "demo": set(),  # invented people in a database of its own
    "device activate": {ACT},
    "device refresh": {ACT},
    "explain": {VIEWED},
    "export": {EXPORTED},
    "doctor": set(),  # nobody is in it: tests/runs/test_diagnostics.py
    "interfaces check": set(),  # descriptions of interfaces, nobody's records
    "interfaces share": {ACT},
    "interfaces try": {ACT},
    "invoices import": {ACT},
    "keys rotate": {ACT},  # tests/runs/test_key_rotation.py
    "manage": {ACT},
    "money": set(),  # figures, nobody's records
    "planned import": {ACT},
    "pace apply": {ASKED, ACT},
    "pace compare": {ASKED},
    "pace create": {ASKED, ACT},
    "pace preview": {ASKED},
    "providers sync": {ACT},
    "replay": {VIEWED, ACT},  # the earlier name of reprocess
    "quarter-close": {VIEWED},
    "reprocess": {VIEWED, ACT},
    "restore": {ACT},  # tests/runs/test_backups.py
    "runs cancel": {ACT},
    "runs list": set(),
    "runs pause": {ACT},
    "runs resume": {ACT},
    "runs retry": {ACT},
    "runs show": {VIEWED, EXPORTED},
    "runs start": {ACT},
    "serve": set(),
    "setup": set(),
    "show": {VIEWED},
    "spending": {VIEWED},
    "sync": {ASKED},
    "tokens add": {ACT},
    "tokens list": set(),
    "tokens revoke": {ACT},
    "webhooks add": {ACT},
    "webhooks deliveries": set(),  # numbers and states: messages are not shown
    "webhooks list": set(),
    "webhooks remove": {ACT},
    "webhooks rotate": {ACT},
    "webhooks send-again": {ACT},
    "webhooks switch": {ACT},
    "webhooks test": {ACT},
    "users add": {ACT},
    "users list": set(),
    "worker": set(),
}


def list_commands(group: Any, name: str = "") -> set[str]:
    commands = getattr(group, "commands", None)
    if commands is None:
        return {name}
    return {found for word, command in commands.items() for found in list_commands(command, f"{name} {word}".strip())}


def test_each_command_says_what_it_leaves_in_the_logs():
    assert list_commands(get_command(app)) == set(LOGS)


class Terminal:
    """Types commands, and says what is new in the logs after each."""

    def type(self, *words: str, about: Client | None = None, expect: set[str], act: str = "", status: int = 0) -> str:
        """Type a command; it leaves exactly this in the logs, about this client."""
        first, last = newest(AccessLogEntry), newest(AuditEntry)
        result = CliRunner().invoke(app, list(words))
        assert result.exit_code == status, result.output
        entries = list(AccessLogEntry.objects.filter(pk__gt=first))
        acts = list(AuditEntry.objects.filter(pk__gt=last))
        assert {entry.action for entry in entries} | {ACT for _ in acts} == expect, words
        account = pwd.getpwuid(os.getuid()).pw_name
        assert all(entry.user_name.startswith(f"terminal ({account}") for entry in [*entries, *acts])
        assert all("mallory" not in entry.user_name for entry in [*entries, *acts])
        if about is not None:
            assert all(about.pk in (entry.client_id, *entry.listed_ids) for entry in entries), words
        if act:
            assert [entry.act for entry in acts] == [act]
        return result.stdout


def newest(log: Any) -> int:
    entry = log.objects.order_by("-id").first()
    return entry.pk if entry else 0


@pytest.fixture(autouse=True)
def another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever types may say any name in the environment."""
    for name in ("LOGNAME", "USER", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory")


@pytest.fixture
def terminal() -> Terminal:
    return Terminal()


def test_one_client(terminal: Terminal, claims: ClaimWorld):
    client = claims.clients[0]
    number = client.care_recipient_id or ""
    shown = (("show", number), ("show", number, "--json"), ("show", number, "--as-of", "2026-05-03"))
    for words in (*shown, ("explain", number), ("spending", number), ("clients", "list", number, "--json")):
        terminal.type(*words, about=client, expect={VIEWED})
    terminal.type("sync", number, "--dry-run", about=client, expect={ASKED})
    terminal.type("sync", number, "--json", about=client, expect={ASKED})
    terminal.type("reprocess", number, "--dry-run", about=client, expect={VIEWED})


@pytest.mark.django_db
def test_clients_are_added_edited_and_confirmed(terminal: Terminal, tmp_path: Path):
    User.objects.create_user("ben")
    words = ("clients", "add", "400000003", "Wilma", "Example", "--by", "ben")
    terminal.type(*words, expect={VIEWED, ACT}, act="Client added")
    assert AuditEntry.objects.get().after == {"in the name of": "ben"}
    wilma = Client.objects.get()
    edit = ("clients", "edit", "400000003", "--last-name", "Renamed")
    terminal.type(*edit, about=wilma, expect={VIEWED, ACT}, act="Client changed")
    assert AuditEntry.objects.order_by("-id")[0].after == {"fields": ["last_name"]}
    terminal.type(*edit, about=wilma, expect={VIEWED})
    here = Client.objects.create(first_name="Otto", last_name="Waiting")
    people = [{"careRecipientId": "400000007", "firstName": "Otto", "lastName": "Waiting"}]
    file = tmp_path / "provider.json"
    file.write_text(json.dumps({"clients": people}))
    terminal.type("clients", "import", str(file), expect={ACT}, act="Provider file loaded")
    table = tmp_path / "clients.csv"
    table.write_text("First name,Last name,Care Recipient ID\nWilma,Sample,400000003\n")
    terminal.type("clients", "import", str(table), about=wilma, expect={VIEWED})
    update = ("clients", "import", str(table), "--confirm", "--update", "last_name")
    terminal.type(*update, about=wilma, expect={VIEWED, ACT}, act="Client file imported")
    assert "Otto" in terminal.type("clients", "matches", about=here, expect={VIEWED})
    match = str(ClientMatch.objects.get().pk)
    terminal.type("clients", "match", match, "--same", about=here, expect={VIEWED, ACT}, act="Client confirmed")


def test_claims_from_file_to_statement(terminal: Terminal, claims: ClaimWorld, tmp_path: Path):
    client = claims.clients[0]
    service, yesterday = approved_services(client)[0], business_today() - timedelta(days=1)
    file = tmp_path / "invoices.csv"
    heading = "Invoice reference,Line reference,Care recipient ID,Service,Date,Quantity,Price\n"
    file.write_text(heading + f"INV-1,INV-1-1,{client.care_recipient_id},{service},{yesterday:%d/%m/%Y},2.5,80.00\n")
    terminal.type("invoices", "import", str(file), expect=set())
    terminal.type("invoices", "import", str(file), "--confirm", expect={ACT}, act="Invoice file loaded")
    prepare = ("claims", "prepare", "--service-provider-id", client.service_provider_id)
    terminal.type(*prepare, "--dry-run", about=client, expect={VIEWED})
    made = terminal.type(*prepare, "--json", about=client, expect={VIEWED, ACT}, act="Claim batch prepared")
    batch = json.loads(made)["batch"]
    assert AuditEntry.objects.order_by("-id")[0].after["service_provider_id"] == client.service_provider_id
    sent = terminal.type("claims", "submit", str(batch), "--yes", "--json", expect={ACT}, act="Claim batch sent")
    assert AuditEntry.objects.order_by("-id")[0].subject == f"batch {batch}"
    [claim_id] = json.loads(sent)["claim_ids"]
    terminal.type("claims", "check", expect=set())
    terminal.type("claims", "list", expect=set())
    terminal.type("claims", "show", claim_id, about=client, expect={VIEWED})
    terminal.type("claims", "show", claim_id, "--json", about=client, expect={VIEWED})


def test_evidence_for_a_late_line(terminal: Terminal, claims: ClaimWorld, tmp_path: Path):
    client = claims.clients[0]
    claims.deliver(client, "INV-LATE", day=late_day(), late_reason_code="LATE01")
    reference = Invoice.objects.get().line_items.get().external_reference_id
    file = tmp_path / "why.pdf"
    file.write_bytes(b"%PDF-1.4\n%%EOF\n")
    words = ("claims", "attach", reference, str(file))
    terminal.type(*words, about=client, expect={VIEWED, ACT}, act="Late evidence attached")


def test_care_management(terminal: Terminal, claims: ClaimWorld):
    terminal.type("providers", "sync", expect={ACT}, act="Sync Service Providers started")
    terminal.type("care-management", "refresh", expect=set())
    shown = terminal.type("care-management", "refresh", "--save", "--json", expect={VIEWED, ACT})
    named = {str(client.care_recipient_id) for client in claims.clients if str(client.care_recipient_id) in shown}
    assert named
    entry = AccessLogEntry.objects.order_by("-id")[0]
    listed = {entry.client_id, *entry.listed_ids}
    assert {client.pk for client in claims.clients if client.care_recipient_id in named} <= listed
    terminal.type("care-management", "history", expect=set())
    terminal.type("care-management", "history", "--json", expect={VIEWED})


def test_runs(terminal: Terminal, claims: ClaimWorld):
    client = claims.clients[0]
    terminal.type("runs", "start", "--no-watch", expect={ACT}, act="Bulk run started")
    run = Run.objects.order_by("-id")[0]
    for word, done in (("pause", "paused"), ("resume", "resumed"), ("cancel", "cancelled")):
        terminal.type("runs", word, str(run.pk), expect={ACT}, act=f"Run {done}")
    terminal.type("runs", "list", "--json", expect=set())
    terminal.type("runs", "show", str(run.pk), expect=set())
    run.items.filter(client=client).update(status="done", outcome="failed")
    assert str(client.care_recipient_id) in terminal.type("runs", "show", str(run.pk), about=client, expect={VIEWED})
    terminal.type("runs", "show", str(run.pk), "--json", about=client, expect={VIEWED})
    terminal.type("runs", "show", str(run.pk), "--csv", about=client, expect={EXPORTED})
    terminal.type("runs", "retry", str(run.pk), expect={ACT})


def test_quarter_close(terminal: Terminal, claims: ClaimWorld):
    terminal.type("quarter-close", expect=set())
    shown = json.loads(terminal.type("quarter-close", "--json", about=claims.clients[0], expect={VIEWED}))
    assert {row["care_recipient_id"] for row in shown["clients"]} == {row.care_recipient_id for row in claims.clients}


def test_alerts(terminal: Terminal, claims: ClaimWorld):
    store_found([FoundAlert(AlertKind.CONSENT, "1", claims.clients[0].pk)], timezone.now())
    assert "Consent not given" in terminal.type("alerts", about=claims.clients[0], expect={VIEWED})
    shown = json.loads(terminal.type("alerts", "--kind", "consent-missing", "--json", expect={VIEWED}))
    assert [row["care_recipient_id"] for row in shown] == [claims.clients[0].care_recipient_id]
    terminal.type("alerts", "--kind", "other", expect=set(), status=2)


def test_exports(terminal: Terminal, claims: ClaimWorld, tmp_path: Path):
    file = str(tmp_path / "budgets.csv")
    terminal.type("export", "budgets", file, about=claims.clients[0], expect={EXPORTED})


@pytest.mark.django_db
def test_webhooks(terminal: Terminal, settings: Settings):
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    terminal.type("webhooks", "add", "https://hooks.example.org", expect={ACT})
    number = str(WebhookEndpoint.objects.get().pk)
    terminal.type("webhooks", "list", expect=set())
    terminal.type("webhooks", "deliveries", number, expect=set())
    terminal.type("webhooks", "test", number, expect={ACT}, act="Webhook tested")
    delivery = str(WebhookDelivery.objects.latest("pk").pk)
    terminal.type("webhooks", "send-again", number, delivery, expect={ACT}, act="Webhook message sent again")
    terminal.type("webhooks", "switch", number, "--off", expect={ACT}, act="Webhook turned off")
    terminal.type("webhooks", "rotate", number, expect={ACT})
    terminal.type("webhooks", "remove", number, expect={ACT}, act="Webhook removed")


@pytest.mark.django_db(transaction=True)  # since Django's commands close their connections
def test_accounts_tokens_and_commands_of_django(terminal: Terminal):
    terminal.type("users", "add", "ada", "--password", "a long sentence of words", expect={ACT}, act="Account added")
    terminal.type("tokens", "add", "ada", expect={ACT}, act="API token created")
    terminal.type("tokens", "list", expect=set())
    terminal.type("tokens", "revoke", token_number(), expect={ACT})
    terminal.type("manage", "check", expect={ACT}, act="Django command")
    assert AuditEntry.objects.order_by("-id")[0].subject == "check"


def token_number() -> str:
    return str(User.objects.get().api_tokens.get().pk)
