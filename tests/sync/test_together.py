"""Many things at once: one person's calls go out together; two syncs make one plan; readers see whole sets.

What needs two writers at a time on SQLite runs as processes, in tests/cli; here PostgreSQL shows it with threads.
"""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from carefund.records.care_recipient.clients import edit_client
from carefund.records.models import Change, IndividualContribution, Plan, PlanBudget
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import open_source
from carefund.sync.care_recipient.answers import BUDGET_DETAILS, BUDGET_LIST
from carefund.sync.care_recipient.fetching import OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.syncing import apply_fetched

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE = 20


class Gathering:
    """The real client behind a turnstile that opens only for a whole party, so calls that wait for one another hang."""

    def __init__(self, source, first: int, second: int) -> None:
        self.source = source
        self.first, self.second = Turnstile(first), Turnstile(second)

    async def fetch_care_recipient_summary(self, *asked):
        await self.first.pass_through()
        return await self.source.fetch_care_recipient_summary(*asked)

    async def fetch_individual_contributions(self, *asked):
        await self.first.pass_through()
        return await self.source.fetch_individual_contributions(*asked)

    async def fetch_budgets(self, *asked):
        await self.first.pass_through()
        return await self.source.fetch_budgets(*asked)

    async def fetch_budget_details(self, *asked):
        await self.second.pass_through()
        return await self.source.fetch_budget_details(*asked)


class Turnstile:
    def __init__(self, party: int) -> None:
        self.party, self.here, self.opened = party, 0, asyncio.Event()

    async def pass_through(self) -> None:
        self.here += 1
        if self.here == self.party:
            self.opened.set()
        await self.opened.wait()


def test_a_person_takes_two_round_trips_and_not_one_per_call(world, add_client, fetch):
    client = add_client("400000001")
    details = len(fetch(client).list_all(BUDGET_DETAILS))
    assert details > 1
    world.ask("DELETE", "/journal")

    async def ask():
        async with open_source() as source:
            gathering = Gathering(source, 3, details)
            wanted = OpenBudgets(business_today(), 90)
            return await asyncio.wait_for(
                fetch_care_recipient(gathering, client.pk, "400000001", wanted), timeout=PATIENCE
            )

    assert len(asyncio.run(ask()).list_all(BUDGET_DETAILS)) == details
    asked = [
        line["operation"] for line in world.ask("GET", "/journal")["requests"] if line["operation"] != "proda_token"
    ]
    assert sorted(asked[:3]) == ["budgets_by_care_recipient", "care_recipient_summary", "individual_contribution"]
    assert asked[3:] == ["budget_details"] * details


def in_threads(work, count: int) -> list[object]:
    """Do the same in several threads at the same moment, each with its own connection."""
    start = threading.Barrier(count, timeout=PATIENCE)

    def run(number: int) -> object:
        try:
            start.wait()
            return work(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(run, range(count)))


@pytest.mark.postgresql
def test_simultaneous_syncs_of_one_person_make_one_plan_and_one_set_of_rows(world, add_client, fetch):
    client = add_client("400000001")
    fetched = [fetch(client) for _ in range(4)]
    results = in_threads(lambda number: apply_fetched([fetched[number]], business_today())[0], 4)
    assert Plan.objects.filter(client=client).count() == 1
    budgets = PlanBudget.objects.filter(client=client).values_list("budget_id", flat=True)
    assert len(budgets) == len(set(budgets)) == len(fetched[0].find(BUDGET_LIST).value)
    assert [result.outcome.value for result in results].count("changed") == 1
    assert Change.objects.filter(client=client, action="first sync").count() == 1


@pytest.mark.postgresql
def test_simultaneous_returns_of_one_person_make_one_new_plan(world, add_client, sync_on, fetch):
    client = add_client("400000001")
    world.change("400000001", "end-classifications", date="2026-08-31")
    sync_on(client, business_today())
    world.change("400000001", "add-classification", code="ON", level="6", startDate="2026-11-02")
    fetched = [fetch(client) for _ in range(4)]
    in_threads(lambda number: apply_fetched([fetched[number]], business_today()), 4)
    assert sorted(Plan.objects.filter(client=client).values_list("is_latest", flat=True)) == [False, True]


@pytest.mark.postgresql
def test_overlapping_groups_in_any_order_do_not_deadlock(world, add_client, fetch):
    clients = [add_client(f"40000000{number}") for number in (1, 3, 5, 7)]
    for _ in range(3):
        fetched = [[fetch(client) for client in clients], [fetch(client) for client in reversed(clients)]]
        in_threads(lambda number, both=fetched: apply_fetched(both[number], business_today()), 2)
        world.ask("POST", "/change?share=1")
    assert Plan.objects.count() == len(clients)


@pytest.mark.postgresql
def test_a_client_is_edited_while_a_sync_stores_and_the_id_waits_for_it(add_client):
    client = add_client("400000001")
    stored, edited = threading.Event(), threading.Event()

    def store() -> None:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM records_client WHERE id = %s FOR KEY SHARE", [client.pk]
                )  # as its rows do
                stored.set()
                edited.wait(PATIENCE)
        finally:
            connection.close()

    syncing = threading.Thread(target=store)
    syncing.start()
    assert stored.wait(PATIENCE)
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '300ms'")
        assert edit_client(client.pk, {"last_name": "New"}, made_by="ann") == ["last_name"]
        with pytest.raises(OperationalError, match="lock timeout"):
            edit_client(client.pk, {"care_recipient_id": "400000003"}, made_by="ann")
    finally:
        edited.set()
        syncing.join(PATIENCE)
        connection.close()


@pytest.mark.postgresql
def test_no_reader_ever_sees_contributions_missing(world, add_client, sync_on):
    client = add_client("400000001")
    sync_on(client, business_today())
    expected = IndividualContribution.objects.filter(client=client).count()
    assert expected > 0
    seen: set[int] = set()
    done, looking = threading.Event(), threading.Event()

    def look() -> None:
        try:
            while not done.is_set():
                seen.add(IndividualContribution.objects.filter(client=client).count())
                looking.set()
        finally:
            connection.close()

    reader = threading.Thread(target=look)
    reader.start()
    try:
        assert looking.wait(PATIENCE)
        for percent in range(10, 16):
            row = {"everydayLivingPercentage": "40.00", "effectiveDateFrom": "2026-07-01"}
            rows = [{**row, "independencePercentage": f"{percent}.{number:02d}"} for number in range(expected)]
            world.change("400000001", "contributions", rows=rows)
            sync_on(client, business_today())
    finally:
        done.set()
        reader.join()
    assert seen == {expected}
