"""Any number of workers on PostgreSQL, in real processes: crashes of a worker and of the database; one shared pace."""

import os
import re
import signal
import time
from itertools import pairwise
from pathlib import Path

import psycopg
import pytest

from tests.runs.conftest import MANY
from tests.runs.installation import kill, running_sandbox, wait_until
from tools.postgresql import as_server, find_programs, running_postgresql

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]


def let_leases_end(installation):
    """Half a minute passes for whatever nobody renews."""
    installation.write("UPDATE runs_runitem SET held_until = now() - interval '1 s' WHERE status = 'running'")


def test_two_workers_share_a_run_and_one_that_is_killed_loses_nobody(distributed):
    distributed.ask("POST", "/switches", {"latencyMs": 400})  # so that both are seen at work at one moment
    first, second = distributed.start("worker"), distributed.start("worker")
    both = [(4,)]  # each has two pairs of hands
    wait_until(lambda: distributed.rows("SELECT count(*) FROM procrastinate_workers") == both)
    distributed.carefund("runs", "start", "--no-watch")
    holding = "SELECT DISTINCT holder FROM runs_runitem WHERE status = 'running'"
    wait_until(lambda: len(distributed.rows(holding)) == 2, lambda: distributed.log)
    kill(first)
    assert distributed.rows(f"SELECT count(*) FROM ({holding}) AS h WHERE holder LIKE '%:{first.pid}:%'") == [(1,)]
    distributed.ask("POST", "/switches", {"latencyMs": 50})
    time.sleep(1)
    distributed.write(
        "UPDATE runs_runitem SET held_until = now() - interval '1 s'"
        f" WHERE status = 'running' AND holder LIKE '%:{first.pid}:%'"
    )
    distributed.wait_for_status("finished")
    distributed.assert_each_once(MANY)
    assert second.poll() is None
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0
    assert "Traceback" not in distributed.log


def test_a_polite_stop_hands_the_work_to_the_others(distributed):
    worker = distributed.start("worker")
    distributed.carefund("runs", "start", "--no-watch")
    distributed.wait_for_done(5)
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert distributed.count("running") == 0
    assert distributed.count("queued") > 0
    distributed.start("worker")
    distributed.wait_for_status("finished")
    distributed.assert_each_once(MANY)


def test_a_run_whose_jobs_were_lost_is_handed_over_again(distributed):
    distributed.carefund("runs", "start", "--no-watch")
    distributed.write("DELETE FROM procrastinate_jobs")
    distributed.start("worker")
    distributed.wait_for_status("finished")
    distributed.assert_each_once(MANY)


def test_a_database_that_is_killed_in_the_middle_costs_nothing_but_time(tmp_path, installed_on_postgresql):
    with running_postgresql() as database_url, running_sandbox(MANY) as sandbox_url:
        own = type(installed_on_postgresql)(tmp_path / "data", sandbox_url, database_url)
        own.settings["CAREFUND_CALLS_AT_ONCE"] = "4"
        try:
            own.prepare(MANY)
            own.ask("POST", "/switches", {"latencyMs": 50})
            own.start("worker")
            own.start("worker")
            own.carefund("runs", "start", "--no-watch")
            own.wait_for_done(10)
            with psycopg.connect(database_url) as database:
                [data] = database.execute("SHOW data_directory").fetchone()
            kill_and_restart(Path(data))
            wait_until(lambda: own.count("done") >= 10)
            let_leases_end(own)
            own.wait_for_status("finished")
            own.assert_each_once(MANY)
        finally:
            own.stop()


def kill_and_restart(data):
    """Kill a PostgreSQL server as a power cut would, leave it dead for a moment, and start it as it was."""
    os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    time.sleep(2)
    options = " ".join(re.findall(r'"([^"]+)"', (data / "postmaster.opts").read_text()))
    control = [str(find_programs() / "pg_ctl"), "-D", str(data), "-w", "-l", str(data.parent / "log")]
    as_server([*control, "-o", options, "start"], data.parent)


def starts_of_calls(installation):
    """When each call to Services Australia began, in seconds."""
    requests = installation.ask("GET", "/journal?limit=2000")["requests"]
    return sorted(entry["at"] for entry in requests if "/services-australia/" in entry["path"])


def test_calls_per_second_hold_across_all_workers(distributed):
    distributed.settings["CAREFUND_CALLS_PER_SECOND"] = "40"
    distributed.ask("DELETE", "/journal")
    distributed.start("worker")
    distributed.start("worker")
    distributed.start("worker")
    distributed.carefund("runs", "start", "--no-watch")
    wait_until(lambda: len(starts_of_calls(distributed)) > 200, lambda: distributed.log)
    starts = starts_of_calls(distributed)
    busiest = max(sum(first <= other < first + 1 for other in starts) for first in starts)
    assert busiest <= 40 * 1.15, "calls that were let through on time may arrive a little late"
    assert len(starts) / (starts[-1] - starts[0]) > 40 * 0.75


def test_calls_at_once_hold_across_all_workers(distributed):
    """Each call takes 200 ms: with two at once there are ten per second, whoever makes them."""
    distributed.settings["CAREFUND_CALLS_AT_ONCE"] = "2"
    distributed.ask("POST", "/switches", {"latencyMs": 200})
    distributed.ask("DELETE", "/journal")
    distributed.start("worker")
    distributed.start("worker")
    distributed.carefund("runs", "start", "--no-watch")
    wait_until(lambda: len(starts_of_calls(distributed)) > 60, lambda: distributed.log)
    starts = starts_of_calls(distributed)
    assert max(sum(first <= other < first + 1 for other in starts) for first in starts) <= 12


def test_one_worker_that_is_told_to_wait_slows_all_of_them(distributed):
    distributed.ask("DELETE", "/journal")
    distributed.start("worker")
    distributed.start("worker")
    distributed.carefund("runs", "start", "--no-watch")
    distributed.wait_for_done(5)
    distributed.ask("POST", "/faults", {"kind": "status", "status": 429, "retryAfter": "4", "times": 1})
    distributed.wait_for_status("finished")
    longest = max(later - earlier for earlier, later in pairwise(starts_of_calls(distributed)))
    assert 2 < longest < 8
    distributed.assert_each_once(MANY)
    assert distributed.rows("SELECT count(*) FROM runs_runitem WHERE error_code = 'throttled'") == [(0,)]
