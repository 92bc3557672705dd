"""A person who takes the worker down twice is set aside as failed; everybody else is done."""

import pytest

from tests.runs.installation import Installation, kill, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.one_database]
PEOPLE = 8
POISON = "400000004"


def test_a_person_who_takes_a_worker_down_twice_is_set_aside(installation: Installation):
    """The worker is killed whenever it has begun with one person; nobody else takes their place."""
    installation.ask("POST", "/switches", {"latencyMs": 0})
    ids = ",".join(str(400_000_000 + number) for number in range(1, PEOPLE + 1))
    installation.write(f"DELETE FROM records_client WHERE care_recipient_id NOT IN ({ids})")
    installation.ask("POST", "/faults", {"kind": "hang", "operation": "care_recipient_summary", "subject": POISON})
    installation.carefund("runs", "start", "--no-watch")
    run_id = installation.rows("SELECT max(id) FROM runs_run WHERE kind = 'sync'")[0][0]
    this_one = f"run_id = {run_id} AND care_recipient_id = '{POISON}'"
    for deaths in (1, 2):
        worker = installation.start("worker")
        held = f"SELECT count(*) FROM runs_runitem WHERE {this_one} AND status = 'running' AND fence = {deaths}"
        wait_until(lambda query=held: installation.rows(query) == [(1,)], lambda: installation.log)
        kill(worker)
    installation.start("worker")
    installation.wait_for_status("finished", run_id)
    ended = f"SELECT outcome, error_code, message FROM runs_runitem WHERE {this_one}"
    sentence = "The process that did this work stopped twice, so this item was set aside."
    assert installation.rows(ended) == [("failed", "worker-ended", sentence)]
    others = f"SELECT count(*) FROM runs_runitem WHERE run_id = {run_id} AND status = 'done' AND outcome = 'changed'"
    assert installation.rows(others) == [(PEOPLE - 1,)]


def test_the_one_who_is_to_blame_is_found_among_many(installation: Installation):
    """Whoever was in hand when the first worker ended is done one at a time: the second death is that of one alone."""
    installation.ask("POST", "/switches", {"latencyMs": 300})
    installation.carefund("runs", "start", "--no-watch")
    worker = installation.start("worker")
    installation.wait_for_done(2)
    kill(worker)
    in_hand = installation.count("running")
    assert in_hand > 4
    worker = installation.start("worker")
    wait_until(
        lambda: installation.rows("SELECT count(*) FROM runs_runitem WHERE fence = 2 AND status = 'running'") == [(1,)],
        lambda: installation.log,
    )
    kill(worker)
    installation.ask("POST", "/switches", {"latencyMs": 0})
    installation.start("worker")
    installation.wait_for_status("finished")
    assert installation.rows("SELECT count(*) FROM runs_runitem WHERE error_code = 'worker-ended'") == [(1,)]
