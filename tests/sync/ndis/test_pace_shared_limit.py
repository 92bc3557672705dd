"""The NDIA's limits on calls and on budgets in an hour hold for everybody who asks at once, on PostgreSQL."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from carefund.funders.configuration import configure
from carefund.records.models import Client
from carefund.records.ndis import store as pace_store
from carefund.runs.foreground import retrieve_plan
from carefund.runs.models import CallLimit
from tests.pace_world import NdiaSandbox

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
PER_SECOND = 6
SCENARIOS = ("take-over", "no-periods", "monthly", "up-front")
OPERATIONS = ("ndia_determine_plan", "ndia_plans", "ndia_pace_budget")


def ask(client: Client) -> None:
    """In a thread with a funder's client, an event loop and connections of its own, as in a process of its own."""
    try:
        retrieve_plan(client)
    finally:
        connection.close()


def test_calls_per_second_hold_for_all_who_ask_at_once(ndia: NdiaSandbox, settings) -> None:
    settings.NDIA = configure("ndia", sandbox_url=ndia.url, timing={"calls_per_second": PER_SECOND})
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(ask, [ndia.client(scenario) for scenario in SCENARIOS]))
    times = sorted(line["at"] for operation in OPERATIONS for line in ndia.asked(operation))
    assert len(times) == 12
    # A call starts at its time and arrives a moment later.
    assert all(sum(start <= time < start + 0.9 for time in times) <= PER_SECOND for start in times)
    assert times[-1] - times[0] > (len(times) - 1) / PER_SECOND - 0.3
    assert CallLimit.objects.get(funder="ndia").shares == {}


def test_the_hour_lets_no_more_budgets_through_than_its_number(db: None) -> None:
    """Eight processes ask at the same moment, again and again; three may."""
    for again in range(10):
        now = timezone.now() + timedelta(hours=2 * again)
        ready = Barrier(8)

        def take(_: int, now=now, ready=ready) -> bool:
            try:
                connection.ensure_connection()
                ready.wait(20)
                return pace_store.take_budget_call(3, now)
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as askers:
            assert sum(askers.map(take, range(8))) == 3
