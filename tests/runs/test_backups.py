"""Backups that are restored: what comes back, what is refused, what the schedule does, and on another machine.

Whatever needs many processes and minutes is in test_backup_proof.py, which `make backup-proof` runs.
"""

import re
import sqlite3
import subprocess
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from carefund.records.backups import postgresql_dump, sqlite_file
from carefund.records.backups.key_wrapping import unwrap_keys
from carefund.records.backups.making import MadeBackup, make_backup
from carefund.records.backups.manifest import BackupRefused, DatabaseState
from carefund.records.backups.packing import read_manifest
from carefund.records.backups.restoring import plan_restore, restore
from carefund.runs.backups import describe_backups, request_backup
from carefund.runs.models import Run, RunItem
from tests.house.tree import DOCS
from tests.runs.conftest import another_database, open_database
from tests.runs.installation import CAREFUND, Installation, kill, wait_until

PASSPHRASE = "four words of our own"
KEYS = ["AAAA-newest-key-AAAA", "BBBB-older-key-BBBB"]
SOME = 30


@pytest.fixture
def media(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


def back_up(media: Path, passphrase: str = PASSPHRASE) -> MadeBackup:
    return make_backup(media, KEYS, passphrase, lambda done, total, words: None)


def describe(installation: Installation) -> DatabaseState:
    """What is in a database, read past the settings."""
    if installation.database_url:
        with psycopg.connect(installation.database_url, autocommit=True) as database:
            return postgresql_dump.describe(database)
    with closing(sqlite3.connect(installation.folder / "carefund.sqlite3")) as database:
        return sqlite_file.describe(database)


def test_a_database_that_is_not_empty_is_replaced_only_when_nobody_uses_it(own: Installation, media: Path):
    before = describe(own)
    made = back_up(media)
    assert made.is_restored
    assert made.manifest.database.rows == before.rows > 100
    own.write("UPDATE records_client SET last_name = 'Other'")
    own.write("INSERT INTO django_session VALUES ('key', 'data', '2026-01-01 00:00:00+00:00')")
    changed = describe(own)
    assert before.find_differences(changed) == ["django_session", "records_client"]
    plan = plan_restore(made.path)
    assert plan.present is not None
    assert plan.present.rows == changed.rows
    with closing(open_database(own)), pytest.raises(BackupRefused, match="uses the database"):
        restore(plan)
    assert describe(own).find_differences(changed) == []
    kept = restore(plan)
    assert describe(own).find_differences(before) == []
    assert Path(kept).is_file() is not bool(own.database_url)


@pytest.mark.one_database
def test_what_is_no_backup_or_a_damaged_one_changes_nothing(own: Installation, media: Path):
    made, before = back_up(media).path, describe(own)
    whole = made.read_bytes()
    middle = len(whole) // 2  # of the packed database
    for content, sentence in (
        (b"not a tar", "This is not a backup of Carefund."),
        (whole[: len(whole) // 2], "The backup is damaged."),
        (whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :], "The backup is damaged."),
        (whole.replace(b'"format": 1', b'"format": 2'), "by a newer version"),
        (whole.replace(b"runs.0001_initial", b"runs.0001_unknown"), "by a newer version"),
        (whole.replace(b'"engine": "sqlite"', b'"engine": "oracle"'), "of another database"),
    ):
        made.write_bytes(content)
        with pytest.raises(BackupRefused, match=sentence):
            restore(plan_restore(made))
    assert describe(own).find_differences(before) == []


@pytest.mark.one_database
def test_the_keys_are_in_the_backup_only_under_the_passphrase(own: Installation, media: Path):
    made = back_up(media)
    keys = read_manifest(made.path).keys
    assert keys is not None
    assert unwrap_keys(keys, PASSPHRASE) == KEYS
    assert not any(key.encode() in made.path.read_bytes() for key in KEYS)
    with pytest.raises(BackupRefused, match="The passphrase does not open"):
        unwrap_keys(keys, "another one of ours")
    with pytest.raises(BackupRefused, match="fewer than 12"):
        back_up(media, "short")
    made.path.unlink()
    with tarfile.open(back_up(media, "").path) as archive:
        assert b'"keys": null' in archive.extractfile("manifest.json").read()  # type: ignore[union-attr]


def test_a_backup_that_is_killed_leaves_nothing_that_looks_like_one(own: Installation, media: Path):
    process = own.start("backup", str(media), "--without-keys")
    while not list(media.glob(".carefund-backup-*")):
        assert process.poll() is None, own.log
        time.sleep(0.002)
    kill(process)
    assert not list(media.glob("*.tar")), "it was never killed in the middle"
    made = back_up(media)
    assert list(media.iterdir()) == [made.path]
    if own.database_url:
        left = "SELECT count(*) FROM pg_database WHERE datname LIKE 'carefund_scratch_%'"
        wait_until(lambda: own.rows(left) == [(0,)])


def test_the_schedule_makes_backups_keeps_some_and_says_so(
    transactional_db: None, own: Installation, tmp_path: Path, carry_out: Callable[..., Run], settings: Any
):
    media = tmp_path / "backups"
    settings.BACKUP_FOLDER, settings.BACKUP_KEEP_DAILY, settings.BACKUP_KEEP_WEEKLY = str(media), 2, 0
    failed = carry_out(request_backup("scheduled")).items.get()
    assert failed.outcome == RunItem.Outcome.FAILED
    state = describe_backups(timezone.now())
    assert state.is_urgent
    assert state.problem.startswith("The last backup failed: The folder for backups does not exist.")
    media.mkdir()
    for day in ("20260101", "20260102", "20260103"):
        (media / f"carefund-{day}-010000.tar").write_text("old")
    (media / "carefund-notes.tar").write_text("ours")
    item = carry_out(request_backup("scheduled")).items.get()
    assert item.outcome == RunItem.Outcome.CHANGED, item.message
    names = sorted(path.name for path in media.iterdir())
    assert names[0] == "carefund-20260103-010000.tar"
    assert names[2:] == ["carefund-notes.tar"]
    state = describe_backups(timezone.now())
    assert state.problem == ""
    assert state.last is not None
    assert state.last.is_restored
    assert not state.last.has_keys
    state = describe_backups(timezone.now() + timedelta(hours=37))
    assert state.is_urgent
    assert state.problem.startswith("No backup has been made for more than 36 hours.")


@pytest.fixture
def places(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Installation, Installation]]:
    """An installation with clients, and a place where nothing is installed yet."""
    there = tmp_path / "there"
    there.mkdir()
    if not django_settings.ON_POSTGRESQL:
        here = request.getfixturevalue("installation")
        elsewhere = Installation(there, here.sandbox_url, settings=dict(here.settings))
        yield here, elsewhere
        elsewhere.stop()
        return
    here = request.getfixturevalue("distributed")
    with another_database("carefund_restored") as database_url:
        elsewhere = Installation(there, here.sandbox_url, database_url, dict(here.settings))
        yield here, elsewhere
        elsewhere.stop()


@pytest.mark.slow
def test_what_the_page_says_carries_the_middle_of_a_bulk_run_to_another_machine(
    places: tuple[Installation, Installation], media: Path
):
    here, there = places
    page = (DOCS / "running.md").read_text()
    here.settings["CAREFUND_BACKUP_PASSPHRASE"] = there.settings["CAREFUND_BACKUP_PASSPHRASE"] = PASSPHRASE
    here.write(f"DELETE FROM records_client WHERE id NOT IN (SELECT id FROM records_client ORDER BY id LIMIT {SOME})")
    worker = here.start("worker")
    here.carefund("runs", "start", "--no-watch")
    here.wait_for_done(3)
    here.ask("POST", "/switches", {"latencyMs": 1000})  # the command starts up meanwhile
    for line in commands(page, "Backing up"):
        here.carefund(*line.replace("/media/backups", str(media)).split())
    assert worker.poll() is None
    here.ask("POST", "/switches", {"latencyMs": 0})
    [backup] = media.iterdir()
    said = ""
    for line in commands(page, "Restore"):
        done = subprocess.run(
            [CAREFUND, *line.replace("/media/backups/carefund-20261121-010000.tar", str(backup)).split()],
            env=there.environment,
            cwd=there.folder,
            input="y\n",
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        said += done.stdout
    assert f"{SOME} clients" in said
    assert "✓ Device:" in said  # its key could be read, and PRODA gave a token for it
    assert "✓ Audit log: whole" in said
    assert there.rows("SELECT count(*) FROM access_auditentry WHERE act = 'Backup restored'") == [(1,)]
    here.wait_for_status("finished")  # nobody was kept waiting for good
    here.assert_each_once(SOME)
    here.stop()
    done_before = there.count("done")
    assert 3 <= done_before < SOME
    read = "SELECT count(*) FROM runs_runitem WHERE status = 'done' AND outcome <> 'failed' AND client_id IS NOT NULL"
    assert there.rows("SELECT count(*) FROM records_plan") >= there.rows(read)
    there.start("worker")
    there.wait_for_status("finished")
    there.assert_each_once(SOME)
    assert there.rows("SELECT max(fence) FROM runs_runitem WHERE status = 'done'") <= [(2,)]


def commands(page: str, heading: str) -> list[str]:
    """The commands that a section of the page has people type."""
    section = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert section is not None
    lines = re.findall(r"^ *\.venv/bin/carefund (.+)$", section[1], re.MULTILINE)
    assert lines, heading
    return lines
