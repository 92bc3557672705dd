"""Several commands about one person at the same time, and one that is killed half-way."""

import contextlib
import json
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection, transaction

from tests.installation import Installation

pytestmark = pytest.mark.slow
PATIENCE = 120
# Keeps SQLite busy inside the transaction for longer than any test runs.
SLOW_TRIGGER = """
CREATE TRIGGER slow AFTER INSERT ON records_change BEGIN
  SELECT (WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 1000000000000) SELECT max(x) FROM n);
END
"""


def wait_until(is_so: Callable[[], object]) -> None:
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until, "it did not come about"
        time.sleep(0.05)


def is_under_way(installation: Installation) -> bool:
    return bool(installation.rows("SELECT 1 FROM runs_runitem WHERE status = 'running'"))


def test_several_first_syncs_of_one_person_make_one_plan(installation: Installation):
    commands = [installation.begin("sync", "400000003") for _ in range(3)]
    for command in commands:
        _, errors = command.communicate(timeout=PATIENCE)
        assert command.returncode == 0, errors
    assert installation.rows("SELECT count(*) FROM records_plan") == [(1,)]
    (budgets,) = installation.rows("SELECT count(*), count(DISTINCT budget_id) FROM records_planbudget")
    assert budgets[0] == budgets[1] > 0
    assert installation.rows("SELECT DISTINCT status FROM runs_runitem") == [("done",)]
    assert installation.rows("SELECT count(*) FROM runs_runitem") == [(3,)]


def test_who_asks_for_a_person_under_way_joins_and_gets_that_result(installation: Installation):
    installation.sandbox.ask("DELETE", "/journal")
    with held_back(installation.sandbox.url) as (gate, let_through):
        first = installation.begin("sync", "400000003", "--json", sandbox_url=gate, timeout_seconds="100")
        wait_until(lambda: is_under_way(installation))
        second = installation.begin("sync", "400000003", "--json")
        wait_until(lambda: installation.rows("SELECT 1 FROM runs_runitem WHERE joined_id IS NOT NULL"))
        let_through.set()
        told = [json.loads(command.communicate(timeout=PATIENCE)[0]) for command in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert told[0]["outcome"] == told[1]["outcome"] == "changed"
    assert told[0]["counts"] == told[1]["counts"]
    assert told[0]["run_id"] != told[1]["run_id"]
    asked = installation.sandbox.ask("GET", "/journal?operation=care_recipient_summary")["requests"]
    assert len(asked) == 1, "the person was fetched once for both"


@contextlib.contextmanager
def held_back(url: str) -> Iterator[tuple[str, threading.Event]]:
    """An address in front of another one where whoever comes waits until they are let through."""
    let_through, inside = threading.Event(), urlsplit(url)

    class Waiting(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            let_through.wait(PATIENCE)
            with socket.create_connection((inside.hostname, inside.port)) as there:
                back = threading.Thread(target=pass_on, args=(there, self.request), daemon=True)
                back.start()
                pass_on(self.request, there)
                back.join(PATIENCE)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Waiting) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", let_through
        server.shutdown()


def pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


def test_killed_while_fetching_a_sync_leaves_everything_as_before(installation: Installation):
    assert installation.type("sync", "400000003").status == 0
    installation.sandbox.change("400000003", "add-usage", amount="-6.00")
    before = installation.records()
    installation.sandbox.fault(kind="hang", operation="budget_details")
    command = installation.begin("sync", "400000003")
    wait_until(lambda: is_under_way(installation))
    kill(command)
    assert installation.records() == before
    installation.sandbox.ask("DELETE", "/faults")
    recover(installation, expected="changed")


def test_killed_in_the_middle_of_writing_a_sync_leaves_everything_as_before(installation: Installation):
    assert installation.type("sync", "400000003").status == 0
    installation.sandbox.change("400000003", "add-usage", amount="-6.00")
    before = installation.records()
    if connection.vendor == "postgresql":
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE records_change IN ACCESS EXCLUSIVE MODE")
            command = installation.begin("sync", "400000003")
            waiting = "SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'records_change'::regclass"
            wait_until(lambda: installation.rows(waiting))
            kill(command)
    else:
        installation.change_rows(SLOW_TRIGGER)
        command = installation.begin("sync", "400000003")
        wait_until(lambda: is_under_way(installation))
        wait_until(installation.is_locked)
        kill(command)
        installation.change_rows("DROP TRIGGER slow")
    wait_until(lambda: not installation.is_locked())
    assert installation.records() == before
    recover(installation, expected="changed")


def kill(command: Any) -> None:
    command.kill()
    command.communicate(timeout=PATIENCE)
    assert command.returncode == -9


def recover(installation: Installation, expected: str) -> None:
    """Once the dead process's lease has run out, the next sync does the work."""
    installation.change_rows("UPDATE runs_runitem SET held_until = '2026-01-01 00:00:00' WHERE status = 'running'")
    done = installation.type("sync", "400000003", "--json")
    assert done.status == 0, done.err
    assert done.data["outcome"] == expected
    assert installation.type("sync", "400000003", "--json").data["outcome"] == "unchanged"
