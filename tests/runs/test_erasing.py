"""An erasure as work: what was shown is what is done, once, and its run says what was kept, without a name."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.db import connection

from carefund.access.models import AuditEntry
from carefund.access.roles import Role, give_role
from carefund.records.models import ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest
from carefund.runs.erasing import request_erasure
from carefund.runs.erasure import plan_erasure
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import request_run

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
        assert bool(item.warnings) == (connection.vendor != "sqlite"), "what unused space still holds is said"
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
