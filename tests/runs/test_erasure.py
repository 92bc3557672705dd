"""One person's data leave: as a file, and then from the database and its archive, wholly or but for what must stay."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.utils import timezone
from typer.testing import CliRunner

from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.access.roles import Role
from carefund.cli.main import app
from carefund.records.backups import sqlite_file
from carefund.records.backups.making import make_backup
from carefund.records.backups.packing import read_manifest, unpack
from carefund.records.compression import decompress
from carefund.records.models import (
    CareManagementSave,
    CareManagementUse,
    ClaimBatch,
    Client,
    ClientMatch,
    FunderIdentity,
    Invoice,
    InvoiceLineItem,
    NdisParticipant,
    Payload,
    PaymentRequest,
)
from tests.conftest import Sandbox

HER, HIM = "400000003", "400000004"


@pytest.fixture
def people(
    world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]
) -> tuple[Client, Client, set[str]]:
    """She and he, synchronised; and the texts that were in the database before she came."""
    him = add_client(HIM, first_name="Bertram", last_name="Olderson", birth_date=date(1939, 2, 1))
    synchronise(him)
    administrator = User.objects.create(username="boss")
    administrator.groups.add(Group.objects.get_or_create(name=Role.ADMINISTRATOR.value)[0])
    before = list_texts()
    her = add_client(HER, first_name="Philippa", last_name="Quisenberry", external_reference_id="REF-PQ-77")
    world.change(HER, "identity", firstName="Zephyrine", middleName="Ottoline", lastName="Quackenbush")
    synchronise(her)
    ClientMatch.objects.create(client=her, care_recipient_id="4999912345", first_name="Pippa", last_name="Quisenbery")
    NdisParticipant.objects.create(client=her, ndis_number="430012345", surname="Quisen-Berry")
    pool = CareManagementSave.objects.create(
        service_provider_id="SP",
        quarter_start_date=date(2026, 7, 1),
        synced_at=timezone.now(),
        last_synced_at=timezone.now(),
    )
    CareManagementUse.objects.create(save_record=pool, care_recipient_id=HER, amount=Decimal("10.00"), lines=1)
    return her, him, before


def list_texts() -> set[str]:
    """Every text of every row, and of every archived answer; on SQLite also of the file itself."""
    found: set[str] = set()
    for model in [model for model in apps.get_models() if model._meta.app_label in ("records", "runs", "access")]:
        for row in model._default_manager.values_list():
            found.update(str(value) for value in row if value is not None and not isinstance(value, bytes | memoryview))
    found.update(decompress(bytes(payload.body)).decode() for payload in Payload.objects.all())
    if connection.vendor == "sqlite":
        found.add(connection.connection.serialize().decode("latin-1"))
    return found


def read_backup(folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything in a backup of the database as it is now: the file that a restore would put in place, and the answers
    in it. A dump of PostgreSQL holds rows alone, and those are in `list_texts`."""
    if connection.vendor != "sqlite":
        return "\n".join(list_texts())
    folder.mkdir()
    file, restored = folder / "carefund.sqlite3", folder / "restored.sqlite3"
    file.write_bytes(connection.connection.serialize())
    with monkeypatch.context() as patch:
        patch.setattr(settings, "DATABASES", {"default": {**settings.DATABASES["default"], "NAME": str(file)}})
        made = make_backup(folder, [], "", lambda done, total, words: None)
    unpack(made.path, read_manifest(made.path), sqlite_file.MEMBER, restored)
    with closing(sqlite3.connect(restored)) as database:
        answers = [decompress(body).decode() for (body,) in database.execute("SELECT body FROM records_payload")]
    return "\n".join([restored.read_bytes().decode("latin-1"), *answers])


def list_leaves(data: Any) -> Iterator[str]:
    if isinstance(data, dict | list):
        for value in data.values() if isinstance(data, dict) else data:
            yield from list_leaves(value)
    elif isinstance(data, str):
        yield data


def type_command(*words: str, status: int = 0) -> str:
    done = CliRunner().invoke(app, ["clients", *words])
    assert done.exit_code == status, done.output
    return " ".join(done.output.split())


def find_values(her: Client, before: set[str], file: Path) -> set[str]:
    """Her own values: what her file says and nothing that was there before said, instants and words of ours apart."""
    type_command("data", HER, "--to", str(file))
    assert file.stat().st_mode & 0o777 == 0o600
    leaves = {
        text for text in list_leaves(json.loads(file.read_text())) if re.search(r"\d{4}|[A-Z]", text) and len(text) > 5
    }
    everything = "\n".join(before)
    return {text for text in leaves if text not in everything and not re.match(r"20\d\d-\d\d-\d\d", text)}


def test_a_person_who_claimed_nothing_leaves_wholly(
    people: tuple[Client, Client, set[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    her, him, before = people
    values = find_values(her, before, tmp_path / "her.json")
    assert {
        HER,
        "Philippa",
        "Quisenberry",
        "REF-PQ-77",
        "4999912345",
        "Quisenbery",
        "430012345",
        "Quisen-Berry",
        "Zephyrine",
        "Ottoline",
        "Quackenbush",
    } <= values
    assert len(values) > 15
    data = json.loads((tmp_path / "her.json").read_text())
    assert {
        "Client", "Plan", "Plan budget", "Budget usage", "Answer", "Change", "Run item", "Funder identity",
    } <= data.keys()  # fmt: skip
    assert any("content" in answer for answer in data["Answer"])
    his_budgets = him.plans.count()
    backup = read_backup(tmp_path / "before", monkeypatch)
    assert [value for value in values if value not in backup and value.isascii()] == []
    number, entries = her.pk, AccessLogEntry.objects.count()
    said = type_command("erase", HER, "--by", "boss", "--yes")
    assert "These records stay" not in said
    assert AccessLogEntry.objects.count() == entries + 1
    act = AuditEntry.objects.get(act="Client erased")
    assert (act.subject, act.after["in the name of"]) == (f"client {number}", "boss")
    assert "Backups hold this client" in said
    left = "\n".join(list_texts())
    assert [value for value in values if value in left] == []
    backup = read_backup(tmp_path / "after", monkeypatch)
    assert [value for value in values if value in backup] == []
    assert not Client.objects.filter(care_recipient_id=HER).exists()
    assert CareManagementUse.objects.get().amount == Decimal("10.00")
    assert him.plans.count() == his_budgets > 0
    assert Payload.objects.exists()


def test_what_was_claimed_stays_and_is_said_beforehand(people: tuple[Client, Client, set[str]], tmp_path: Path):
    her, _, _ = people
    batch = ClaimBatch.objects.create(service_provider_id="SP", from_date=date(2026, 7, 1), to_date=date(2026, 7, 31))
    for reference, its_batch in (("INV-SENT", batch), ("INV-DRAFT", None)):
        invoice = Invoice.objects.create(external_reference_id=reference, batch=its_batch)
        line = InvoiceLineItem.objects.create(
            invoice=invoice, client=her, external_reference_id=f"{reference}-1", service_id="SERV-0001",
            delivery_date=date(2026, 7, 9), quantity=1, price_per_unit=80,
        )  # fmt: skip
        if its_batch:
            PaymentRequest.objects.create(batch=batch, line_item=line, amount=80)
    said = type_command("erase", HER, "--by", "boss", "--yes")
    assert "Invoice lines that were sent or prepared: 1" in said
    assert "Name and Care Recipient ID: 1" in said
    her.refresh_from_db()
    assert (her.birth_date, her.external_reference_id, her.is_active) == (None, "", False)
    assert [line.external_reference_id for line in her.invoice_line_items.all()] == ["INV-SENT-1"]
    assert not Invoice.objects.filter(external_reference_id="INV-DRAFT").exists()
    assert not her.plans.exists()
    assert not NdisParticipant.objects.exists()
    assert not FunderIdentity.objects.filter(client=her).exists()
    again = type_command("erase", HER, "--by", "boss", "--yes")
    assert "Plan" not in again


def test_only_an_administrator_erases_and_only_when_told(people: tuple[Client, Client, set[str]], tmp_path: Path):
    User.objects.create(username="ann")
    assert "Only an administrator" in type_command("erase", HER, "--by", "ann", "--yes", status=2)
    done = CliRunner().invoke(app, ["clients", "erase", HER, "--by", "boss"], input="n\n")
    assert done.exit_code == 1
    assert Client.objects.filter(care_recipient_id=HER).exists()
    file = tmp_path / "her.json"
    file.write_text("")
    assert "exists already" in type_command("data", HER, "--to", str(file), status=2)
