"""Backups under bad luck, for `make backup-proof`: killed again and again, and made in the middle of a claim."""

import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runs.conftest import another_database
from tests.runs.installation import Installation, kill, wait_until

pytestmark = pytest.mark.slow
PASSPHRASE = "four words of our own"
PREPARE_A_BATCH = """
import datetime
from django.utils import timezone
from carefund.cli.demo_world import deliver_services
from carefund.records.models import Client
from carefund.runs.foreground import finish_now, sync_service_providers
from carefund.runs.requests import request_run
from carefund.sync.claims.preparing import BatchChoice, prepare_batch

Client.objects.exclude(pk__in=Client.objects.order_by("pk")[:8].values("pk")).update(is_active=False)
finish_now(request_run(trigger="on demand", clients=Client.objects.filter(is_active=True), scope="eight"))
sync_service_providers()
deliver_services()
today = timezone.localdate()
branch = Client.objects.filter(is_active=True).order_by("pk")[0].service_provider_id
print(prepare_batch(BatchChoice(branch, today - datetime.timedelta(days=30), today), today).pk)
"""


@pytest.fixture(
    params=[
        pytest.param("sqlite", marks=pytest.mark.one_database),
        pytest.param("postgresql", marks=pytest.mark.postgresql),
    ]
)
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """An installation under way, and a place where nothing is installed yet."""
    there = tmp_path / "there"
    there.mkdir()
    settings = {"CAREFUND_BACKUP_PASSPHRASE": PASSPHRASE}
    if request.param == "sqlite":
        here = request.getfixturevalue("installation")
        here.settings |= settings
        elsewhere = Installation(there, here.sandbox_url, settings=dict(here.settings))
        yield here, elsewhere
        elsewhere.stop()
        return
    here = request.getfixturevalue("distributed")
    here.settings |= settings
    with another_database("carefund_restored") as database_url:
        elsewhere = Installation(there, here.sandbox_url, database_url, dict(here.settings))
        yield here, elsewhere
        elsewhere.stop()


def test_what_was_claimed_after_the_backup_is_not_claimed_again(places: tuple[Installation, Installation]):
    here, there = places
    backup = here.folder / "backup.tar"
    batch = here.carefund("manage", "shell", "-c", PREPARE_A_BATCH).split()[-1]
    here.ask("POST", "/switches", {"latencyMs": 300})
    sending = here.start("claims", "submit", "--yes", batch)
    wait_until(lambda: here.ask("GET", "/invoices"), lambda: here.log)
    here.ask("POST", "/switches", {"latencyMs": 5000})  # the command starts up meanwhile
    here.carefund("backup", str(backup))
    assert not here.ask("GET", "/claims"), "the backup is of the middle"
    here.ask("POST", "/switches", {"latencyMs": 0})
    assert sending.wait(120) == 0, here.log
    assert len(here.ask("GET", "/claims")) == 1
    held = here.ask("GET", "/invoices")
    there.carefund("restore", str(backup), "--yes", "--environment-file", str(there.folder / "carefund.env"))
    there.carefund("setup")
    assert there.rows("SELECT count(*) FROM records_claim") == [(0,)]
    there.carefund("claims", "submit", "--yes", batch)
    assert len(there.ask("GET", "/claims")) == there.rows("SELECT count(*) FROM records_claim")[0][0] == 1
    assert [len(invoice["items"]) for invoice in there.ask("GET", "/invoices")] == [len(kept["items"]) for kept in held]
    references = [item["externalReferenceId"] for invoice in held for item in invoice["items"]]
    assert len(references) == len(set(references)) == there.rows("SELECT count(*) FROM records_paymentrequest")[0][0]


def test_a_backup_that_is_killed_at_any_moment_is_whole_or_not_there(
    places: tuple[Installation, Installation], tmp_path: Path
):
    here, _ = places
    backup, media = here.folder / "backup.tar", tmp_path / "backups"
    media.mkdir()
    for seconds in (0.0, 0.3, 0.6, 0.9):
        process = here.start("backup", str(media), "--without-keys")
        wait_until(lambda: list(media.glob(".carefund-backup-*")), lambda: here.log)
        time.sleep(seconds)
        kill(process)
    here.carefund("backup", str(media), "--without-keys")
    assert not [path.name for path in media.iterdir() if not re.fullmatch(r"carefund-\d{8}-\d{6}\.tar", path.name)]
    for path in media.glob("*.tar"):  # whatever has the name is whole
        shutil.copy(path, backup)
        here.carefund("restore", str(backup), "--yes", "--replace")
    if here.database_url:
        left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'carefund_scratch_%'"
        wait_until(lambda: here.rows(left) == [(0,)])
