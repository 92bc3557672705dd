"""An erasure as work: what was shown is what is done, once, and its run says what was kept, without a name."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from carefund.access.models import AuditEntry
from carefund.access.roles import Role, give_role
from carefund.records.file_uploads import store_upload
from carefund.records.models import ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest
from carefund.runs.erasing import request_erasure
from carefund.runs.erasure import plan_erasure
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import request_run
from carefund.runs.steering import STEPS, MustConfirmAgain, retry

pytestmark = pytest.mark.django_db(transaction=True)
CarryOut = Callable[..., Run]


@pytest.fixture
def boss() -> User:
    user = User.objects.create_user("boss")
    give_role(user, Role.ADMINISTRATOR)
    return user


def claim_for(client: Client) -> None:
    batch = ClaimBatch.objects.create(service_provider_id="SP", from_date=date(2026, 7, 1), to_date=date(2026, 7, 31))
    invoice = Invoice.objects.create(external_reference_id="INV", batch=batch)
    line = InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id="INV-1", service_id="SERV-0001",
        delivery_date=date(2026, 7, 9), quantity=1, price_per_unit=80,
    )  # fmt: skip
    PaymentRequest.objects.create(batch=batch, line_item=line, amount=80)


def test_a_client_is_erased_as_shown_and_once(boss: User, add_client: Callable[..., Client], carry_out: CarryOut):
    gone, stays = add_client("400000003"), add_client("400000004", external_reference_id="HR-4")
    claim_for(stays)
    runs = [request_erasure(client, plan_erasure(client), boss) for client in (gone, stays)]
    number = gone.pk
    said = []
    for run in runs:
        item = carry_out(run).items.get()
        assert item.outcome == "changed"
        assert ["VACUUM" in words for words in item.warnings] == [True], "what unused space still holds is said"
        said.append(item.message)
    assert said[0] == "Records erased: 1. Nothing was kept."
    kept = "Kept: Invoice lines that were sent or prepared 1, Name and Care Recipient ID 1."
    assert said[1].endswith(kept)
    assert not Client.objects.filter(pk=number).exists()
    stays.refresh_from_db()
    assert (stays.is_active, stays.external_reference_id) == (False, "")
    acts = AuditEntry.objects.filter(act="Client erased").order_by("pk")
    assert [(act.user_name, act.subject) for act in acts] == [
        ("boss", f"client {number}"),
        ("boss", f"client {stays.pk}"),
    ]
    # A process that ended after the erasure and before the ledger knew: nothing is done again, and the same is said.
    for run in runs:
        run.items.update(status=RunItem.Status.QUEUED, outcome="", message="")
        Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED)
    assert [carry_out(run).items.get().message for run in runs] == said
    assert AuditEntry.objects.filter(act="Client erased").count() == 2


def test_what_is_not_as_shown_is_refused(boss: User, add_client: Callable[..., Client], carry_out: CarryOut):
    client = add_client("400000003")
    changed = request_erasure(client, plan_erasure(client), boss)
    claim_for(client)
    assert carry_out(changed).items.get().error_code == "changed"
    waiting = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client")
    beside_a_sync = request_erasure(client, plan_erasure(client), boss)
    assert carry_out(beside_a_sync).items.get().error_code == "in-progress"
    waiting.delete()
    demoted = request_erasure(client, plan_erasure(client), boss)
    give_role(boss, Role.FINANCE)
    assert carry_out(demoted).items.get().error_code == "not-allowed"
    client.refresh_from_db()
    assert client.is_active


def test_what_others_upload_meanwhile_refuses_no_erasure(
    boss: User, add_client: Callable[..., Client], carry_out: CarryOut
):
    client = add_client("400000003")
    plan = plan_erasure(client)
    store_upload("invoices", "july.csv", b"anything")
    assert plan_erasure(client) == plan
    item = carry_out(request_erasure(client, plan, boss)).items.get()
    assert (item.outcome, item.message) == ("changed", "Records erased: 2. Nothing was kept.")


def test_nobody_retries_or_resumes_what_was_confirmed(
    boss: User, add_client: Callable[..., Client], carry_out: CarryOut
):
    client = add_client("400000003")
    run = request_erasure(client, plan_erasure(client), boss)
    STEPS["pause"](run)
    with pytest.raises(MustConfirmAgain):
        STEPS["resume"](run)
    Run.objects.update(status=Run.Status.QUEUED)
    claim_for(client)
    assert carry_out(run).items.get().error_code == "changed"
    with pytest.raises(MustConfirmAgain):
        retry(run)
    assert Run.objects.count() == 1


def count_free_pages() -> int:
    with connection.cursor() as cursor:
        return int(cursor.execute("PRAGMA freelist_count").fetchone()[0])


@pytest.mark.one_database  # PostgreSQL keeps deleted rows until VACUUM FULL, and the run says so
def test_sqlite_overwrites_what_goes_and_does_not_copy_its_file(
    boss: User, add_client: Callable[..., Client], carry_out: CarryOut
):
    client = add_client("400000003", last_name="Quisenberry")
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE filler (content TEXT)")
        cursor.execute("INSERT INTO filler VALUES (%s)", ["x" * 100_000])
        cursor.execute("DROP TABLE filler")
    assert count_free_pages() > 10
    assert b"Quisenberry" in connection.connection.serialize()
    carry_out(request_erasure(client, plan_erasure(client), boss))
    assert count_free_pages() > 10, "VACUUM keeps everybody from writing for minutes"
    assert b"Quisenberry" not in connection.connection.serialize()


@pytest.mark.one_database
def test_every_connection_overwrites_what_it_deletes():
    with closing(sqlite3.connect(":memory:")) as database:
        database.execute("PRAGMA secure_delete = OFF")  # as most builds of SQLite have it
        database.executescript(settings.DATABASES["default"]["OPTIONS"]["init_command"])
        assert database.execute("PRAGMA secure_delete").fetchone() == (1,)
