"""Two machines whose clocks are three minutes apart, a funder slower than a lease, and a second click: each item is
sent once. Real processes on PostgreSQL."""

import subprocess
import sys

import pytest

from tests.runs.installation import Installation, wait_until

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]
LEASE_SECONDS, ITEM_SECONDS, AHEAD_SECONDS = 10, 12, 180
LINES = 2
# `carefund` on a machine with a clock of its own; leases live for a third as long, so that the test need not wait.
ON_A_MACHINE = f"""
import sys
from datetime import timedelta
from django.utils import timezone
now, ahead = timezone.now, timedelta(seconds=float(sys.argv.pop(1)))
timezone.now = lambda: now() + ahead
from carefund.cli.main import main
from carefund.runs import leases
leases.LEASE = timedelta(seconds={LEASE_SECONDS})
main()
"""
PREPARE = f"""
import django
django.setup()
from datetime import timedelta
from django.utils import timezone
from carefund.cli.demo_world import deliver_services
from carefund.records.models import Client, Invoice, InvoiceLineItem
from carefund.runs.foreground import finish_now, sync_service_providers
from carefund.runs.requests import request_run
from carefund.sync.claims.preparing import BatchChoice, prepare_batch
finish_now(request_run(trigger="bulk", clients=Client.objects.order_by("pk")[:40], scope="some"))
sync_service_providers()
deliver_services()
branch = InvoiceLineItem.objects.order_by("pk")[0].client.service_provider_id
kept = InvoiceLineItem.objects.filter(client__service_provider_id=branch).order_by("pk").values_list("pk", flat=True)
InvoiceLineItem.objects.exclude(pk__in=list(kept[:{LINES}])).delete()
Invoice.objects.filter(line_items=None).delete()
today = timezone.localdate()
print(prepare_batch(BatchChoice(branch, today - timedelta(days=30), today), today).pk)
"""


def begin(installation: Installation, ahead: int, *words: str) -> "subprocess.Popen[bytes]":
    """Start a command on a machine that is so many seconds ahead."""
    with (installation.folder / "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", ON_A_MACHINE, str(ahead), *words],
            env=installation.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    installation.processes.append(process)
    return process


def prepare_batch(installation: Installation) -> str:
    environment = installation.environment | {"DJANGO_SETTINGS_MODULE": "carefund.settings"}
    done = subprocess.run([sys.executable, "-c", PREPARE], env=environment, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, done.stderr
    return done.stdout.split()[-1]


def test_a_second_machine_ahead_and_a_slow_funder_send_each_item_once(distributed: Installation):
    distributed.ask("POST", "/switches", {"latencyMs": 0})
    batch = prepare_batch(distributed)
    slow = {"kind": "delay", "operation": "invoice_item_add", "seconds": ITEM_SECONDS}
    distributed.ask("POST", "/faults", slow)
    begin(distributed, 0, "worker")
    begin(distributed, 0, "claims", "submit", "--yes", batch)
    asked = f"SELECT count(*) FROM runs_runitem WHERE holds = 'batch:{batch}' AND status = 'running'"
    wait_until(lambda: distributed.rows(asked) == [(1,)], lambda: distributed.log)
    begin(distributed, AHEAD_SECONDS, "worker")
    clicked = begin(distributed, AHEAD_SECONDS, "claims", "submit", "--yes", batch)
    state = f"SELECT state FROM records_claimbatch WHERE id = {batch}"
    wait_until(lambda: distributed.rows(state) == [("claimed",)], lambda: distributed.log)
    assert clicked.wait(120) == 0, distributed.log
    added = distributed.ask("GET", "/journal?operation=invoice_item_add&limit=100")["requests"]
    assert len(added) == LINES
    items = [
        item["externalReferenceId"] for invoice in distributed.ask("GET", "/invoices") for item in invoice["items"]
    ]
    assert len(items) == len(set(items)) == LINES
    assert distributed.rows(f"SELECT max(fence) FROM runs_runitem WHERE holds = 'batch:{batch}'") == [(1,)]
    assert len(distributed.ask("GET", "/claims")) == 1
