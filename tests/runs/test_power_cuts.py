"""What must survive a power cut is on the disk before the funder is called, with real processes and files."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

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
