"""Crashes and faults of the one process beside SQLite, with real processes: nothing lost, nothing doubled."""

import contextlib
import os
import resource
import signal
import time
from pathlib import Path

import pytest

from tests.runs.conftest import PEOPLE
from tests.runs.installation import Installation, kill, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.one_database]


def test_a_worker_that_is_killed_in_the_middle_goes_on_after_a_restart(installation):
    worker = installation.start("worker")
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_done(10)
    kill(worker)
    assert installation.count("running") > 0
    assert installation.run_status() == "running"
    installation.ask("POST", "/switches", {"latencyMs": 0})
    installation.start("worker")
    installation.wait_for_status("finished")
    installation.assert_each_once(PEOPLE)


def test_a_polite_stop_ends_soon_and_hands_back_the_work_in_hand(installation):
    installation.ask("POST", "/switches", {"latencyMs": 300})
    worker = installation.start("worker")
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_done(2)
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert time.monotonic() - begun < 30
    assert installation.count("running") == 0
    assert installation.count("queued") > 0
    assert "Traceback" not in installation.log


def test_a_polite_stop_does_not_wait_for_a_funder_that_hangs(installation):
    worker = installation.start("worker")
    installation.ask("POST", "/faults", {"kind": "hang", "operation": "budget_details", "after": 20})
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_done(1)
    time.sleep(1)
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert time.monotonic() - begun < 25
    assert installation.count("running") == 0
    assert installation.rows("SELECT count(*) FROM runs_runitem WHERE outcome = 'failed'") == [(0,)]


def test_a_second_worker_beside_sqlite_is_refused(installation):
    installation.start("worker")
    wait_until((installation.folder / "carefund.sqlite3-worker.lock").exists)
    said = installation.carefund("worker", status=1)
    assert "Another process already does the background work" in said


@pytest.mark.parametrize("name", ["by its own name", "by a link"])
def test_a_second_worker_with_another_data_folder_is_refused_by_the_database(installation, tmp_path, name):
    installation.start("worker")
    database = installation.folder / "carefund.sqlite3"
    wait_until((installation.folder / "carefund.sqlite3-worker.lock").exists)
    if name == "by a link":
        database = tmp_path / "link.sqlite3"
        database.symlink_to(installation.folder / "carefund.sqlite3")
    folder = tmp_path / "another folder"
    folder.mkdir()
    settings = installation.settings | {"CAREFUND_DATABASE_URL": f"sqlite:///{database}"}
    second = Installation(folder, installation.sandbox_url, settings=settings)
    assert "Another process already does the background work" in second.carefund("worker", status=1)


def test_a_full_disk_loses_nothing_and_the_run_goes_on_when_there_is_room(installation):
    worker = installation.start("worker")
    wait_until((installation.folder / "carefund.sqlite3-worker.lock").exists)
    may_grow(worker, 100_000)
    installation.carefund("runs", "start", "--no-watch")
    wait_until(lambda: "the database refused" in installation.log, lambda: installation.log)
    assert installation.count("done") < PEOPLE
    assert installation.rows("SELECT count(*) FROM runs_runitem WHERE outcome = 'failed'") == [(0,)]
    may_grow(worker, resource.RLIM_INFINITY)
    installation.wait_for_status("finished")
    installation.assert_each_once(PEOPLE)
    assert "Traceback" not in installation.log


def may_grow(process, size):
    """Let the system refuse this process every file that gets longer, as it does when the disk is full."""
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def test_serve_brings_a_killed_worker_back_and_takes_its_children_with_it(installation):
    serve = installation.start("serve", "--port", "0")
    wait_until(lambda: worker_of(installation))
    first = worker_of(installation)
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_done(5)
    os.kill(first, signal.SIGKILL)
    installation.wait_for_status("finished")
    installation.assert_each_once(PEOPLE)
    second = worker_of(installation)
    assert second != first
    os.kill(serve.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{second}").exists())


def worker_of(installation):
    """The process that holds the work beside this installation's database, or None."""
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            ours = f"CAREFUND_DATA_FOLDER={installation.folder}".encode() in (path / "environ").read_bytes()
            if ours and b"\0worker\0" in (path / "cmdline").read_bytes():
                return int(path.name)
    return None


def test_no_background_work_without_a_device_is_told_in_the_run(installation):
    installation.write("DELETE FROM records_prodadevice")
    installation.start("worker")
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_status("paused")
    shown = installation.carefund("runs", "show", "1")
    assert "activate" in shown.lower()
    assert installation.count("queued") == PEOPLE
