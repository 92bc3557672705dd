"""What must survive a power cut is on the disk before the funder is called, with real processes and files."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from carefund.domain.quarters import previous_quarter, quarter_of
from tests.runs.installation import Installation, running_sandbox

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
WRITES = ("invoice_create", "invoice_item_add", "invoice_submit", "claim_create")


def photograph(installation: Installation, folder: Path, *command: str) -> list[Path]:
    """Run a command; gives the photographs of its database, oldest first."""
    program = str(Path(__file__).with_name("photographed.py"))
    done = subprocess.run(
        [sys.executable, program, str(folder), *command],
        env=installation.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return sorted(folder.iterdir(), key=lambda path: float(path.name))


def calls(installation: Installation, operation: str) -> list[float]:
    """When the funder answered an operation, in epoch seconds."""
    asked = installation.ask("GET", f"/journal?operation={operation}&limit=100")["requests"]
    return [call["at"] for call in asked]


def ask(photograph: Path, query: str) -> list[tuple]:
    with contextlib.closing(sqlite3.connect(photograph / "carefund.sqlite3")) as database:
        return database.execute(query).fetchall()


def restore(installation: Installation, photograph: Path) -> None:
    """The machine comes back with what was on the disk."""
    for name in ("carefund.sqlite3-wal", "carefund.sqlite3-shm"):
        (installation.folder / name).unlink(missing_ok=True)
    for file in photograph.iterdir():
        shutil.copy(file, installation.folder)


def test_each_mark_is_on_the_disk_before_its_call_goes_out(installation: Installation, tmp_path: Path):
    installation.ask("POST", "/switches", {"latencyMs": 0})
    installation.carefund("sync", "400000001")
    [(provider,)] = installation.rows(
        "SELECT service_provider_id FROM records_client WHERE care_recipient_id = '400000001'"
    )
    file = tmp_path / "invoices.csv"
    file.write_text(installation.text("/invoice-file?limit=1&days=6"))
    lines = file.read_text().splitlines()
    file.write_text("\n".join([lines[0], *[line.replace(line.split(",")[0], "INV-1", 1) for line in lines[1:7]]]))
    installation.carefund("invoices", "import", str(file), "--confirm")
    prepared = json.loads(installation.carefund("claims", "prepare", "--service-provider-id", provider, "--json"))
    photographs = photograph(installation, tmp_path / "disk", "claims", "submit", "--yes", str(prepared["batch"]))
    written = sorted(at for operation in WRITES for at in calls(installation, operation))
    assert len(written) == 9  # an invoice, six items, the submission, the claim
    marks = "SELECT (SELECT max(is_uncertain) FROM records_invoice), max(is_claim_uncertain) FROM records_claimbatch"
    before = 0.0
    for number, at in enumerate(written, 1):
        on_disk = [disk_copy for disk_copy in photographs if before < float(disk_copy.name) < at]
        assert on_disk, f"write {number} went out before anything was on the disk"
        assert ask(on_disk[-1], marks) == [(0, 1) if number == len(written) else (1, 0)]
        before = at
    restore(installation, photographs[3])
    installation.carefund("claims", "submit", "--yes", str(prepared["batch"]), status=None)
    held = [invoice for invoice in installation.ask("GET", "/invoices") if invoice["status"] != "DELETED"]
    references = [item["externalReferenceId"] for invoice in held for item in invoice["items"]]
    assert len(references) == len(set(references)) == 6
    assert len(installation.ask("GET", "/claims")) == 1


@pytest.fixture
def apart(tmp_path: Path) -> Iterator[Installation]:
    """An installation with a sandbox of its own: what all others share knows the device by its first key."""
    with running_sandbox(1) as sandbox_url:
        installation = Installation(tmp_path / "data", sandbox_url)
        installation.prepare(1)
        yield installation
        installation.stop()


def test_a_power_cut_after_the_key_was_renewed_does_not_lock_the_device_out(apart: Installation, tmp_path: Path):
    installation = apart
    installation.ask("POST", "/proda/devices/carefund-sandbox-device", {"keyAge": 120 * 86_400})
    installation.write(
        "UPDATE records_prodadevice SET refreshed_at = datetime('now', '-120 days'),"
        " key_expires_at = datetime('now', '60 days')"
    )
    photographs = photograph(installation, tmp_path / "disk", "device", "refresh")
    [renewed_at] = calls(installation, "proda_refresh")
    restore(installation, [disk_copy for disk_copy in photographs if float(disk_copy.name) < renewed_at][-1])
    installation.ask("POST", "/proda/forget-tokens")
    installation.carefund("sync", "400000001")


ROLL_OVER = """
from datetime import timedelta
from carefund.domain.quarters import quarter_of
from carefund.records.care_recipient.quarter_close import list_closing_rows
from carefund.records.models import PlanBudget
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.rolling_over import request_rollovers
from carefund.runs.foreground import finish_now
budget = PlanBudget.objects.filter(budget_type_code="ON", end_date=DAY).get()
budget.end_date = business_today() - timedelta(days=10)
budget.save()
rows = list_closing_rows(quarter_of(budget.end_date), business_today(), budget_keys=[budget.pk])
finish_now(request_rollovers(rows))
"""


def test_the_mark_of_a_rollover_is_on_the_disk_before_it_is_asked_for(installation: Installation, tmp_path: Path):
    installation.ask("POST", "/switches", {"latencyMs": 0})
    ended = previous_quarter(quarter_of(datetime.now(UTC).date())).end_date
    installation.ask("POST", "/clock", {"today": (ended + timedelta(days=10)).isoformat()})
    installation.settings["CAREFUND_OPEN_BUDGET_DAYS"] = "120"
    installation.carefund("sync", "400000001")
    asking = f"import datetime\nDAY = {ended!r}\n{ROLL_OVER}"
    photographs = photograph(installation, tmp_path / "disk", "manage", "shell", "-c", asking)
    [asked_at] = calls(installation, "budget_roll_over")
    on_disk = [disk_copy for disk_copy in photographs if float(disk_copy.name) < asked_at]
    assert on_disk, "the call went out before anything was on the disk"
    assert ask(on_disk[-1], "SELECT is_uncertain, state FROM records_rollover") == [(1, "requested")]


DELIVER = """
from django.utils import timezone
from carefund.records.webhooks.events import NewEvent, note_events
from carefund.runs.foreground import finish_now
from carefund.runs.webhooks import managing
from carefund.runs.webhooks.delivering import request_deliveries
managing.add(None, managing.Wanted("Rostering", URL, ["run.finished"], False))
note_events([NewEvent("run.finished", f"run:{number}", {}) for number in range(3)])
finish_now(request_deliveries(timezone.now()))
"""


def test_a_message_is_on_the_disk_before_it_is_sent(installation: Installation, tmp_path: Path):
    """So it comes again under the same id after a power cut, and its receiver knows it."""
    got: list[tuple[float, str]] = []

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((time.time(), self.headers["webhook-id"]))
            self.send_response(204)
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    Thread(target=server.serve_forever, daemon=True).start()
    installation.settings["CAREFUND_WEBHOOK_ADDRESSES"] = "127.0.0.1"
    sending = f"URL = 'http://127.0.0.1:{server.server_port}/'\n{DELIVER}"
    photographs = photograph(installation, tmp_path / "disk", "manage", "shell", "-c", sending)
    server.shutdown()
    assert len(got) == 3
    for at, message_id in got:
        on_disk = [disk_copy for disk_copy in photographs if float(disk_copy.name) < at]
        assert on_disk, "a message went out before anything was on the disk"
        assert (message_id,) in ask(on_disk[-1], "SELECT message_id FROM records_webhookdelivery")
