"""Sync Service Providers in the background, in real processes: stopped, killed, taken over; beside SQLite and not."""

import signal

import pytest

from tests.runs.installation import Installation, kill, wait_until

pytestmark = pytest.mark.slow
ASK = "from carefund.runs.service_providers import request_provider_search as ask; ask()"


@pytest.fixture(
    params=[
        pytest.param("installation", marks=pytest.mark.one_database),
        pytest.param("distributed", marks=pytest.mark.postgresql),
    ]
)
def either(request: pytest.FixtureRequest) -> Installation:
    """One process beside SQLite, and workers on PostgreSQL."""
    return request.getfixturevalue(request.param)


def search_of(installation: Installation) -> tuple[object, ...]:
    [row] = installation.rows(
        "SELECT i.status, i.holder = '', i.result IS NULL FROM runs_runitem i JOIN runs_run r ON r.id = i.run_id"
        " WHERE r.kind = 'service-providers'"
    )
    return tuple(row)


def wait_for(installation: Installation, status: str) -> None:
    wait_until(lambda: search_of(installation)[0] == status, lambda: installation.log)


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_a_search_outlives_the_process_that_is_at_it(either: Installation, end: str):
    either.ask("POST", "/switches", {"latencyMs": 2000})
    worker = either.start("worker")
    either.carefund("manage", "shell", "-c", ASK)
    wait_for(either, "running")
    if end == "stop":
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(30) == 0
        assert search_of(either)[:2] == ("queued", True)
    else:
        kill(worker)
        assert search_of(either)[0] == "running"
        either.write("UPDATE runs_runitem SET held_until = '2000-01-01 00:00:00+00:00' WHERE status = 'running'")
    either.ask("POST", "/switches", {"latencyMs": 0})
    either.start("worker")
    wait_for(either, "done")
    assert search_of(either) == ("done", True, False)
    assert either.rows("SELECT count(*) FROM records_client WHERE service_provider_id = ''") == [(0,)]
    assert "Traceback" not in either.log


def test_where_nothing_can_be_asked_a_search_says_so(installation: Installation):
    installation.carefund("manage", "shell", "-c", ASK)
    installation.settings["CAREFUND_FUNDER_ENVIRONMENT"] = "vendor"  # of which this installation knows nothing
    installation.start("worker")
    installation.wait_for_status("paused")
    [(reason,)] = installation.rows("SELECT paused_reason FROM runs_run")
    assert "CAREFUND_ORGANISATION_ID is not set" in reason
