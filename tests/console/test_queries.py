"""No page asks the database more often because there is more to show."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from carefund.records.models import Client
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]

# Each limit counts session, account, rights, second factor and, where clients are shown, the entry in the access log.
LIMITS = {
    "home": 22, "clients": 20, "client": 30, "plan": 22, "spending": 20, "synchronise": 16, "client-changes": 17,
    "client-syncs": 12, "as-of": 11, "runs": 9, "run": 10, "access-log": 8, "people": 11, "tokens": 8, "all-tokens": 10,
    "claims": 15, "claim-exceptions": 14, "draws-without-line": 12, "ndis-comparisons": 9,
}  # fmt: skip


OF_ONE_CLIENT = ("client", "plan", "spending", "synchronise", "client-changes", "client-syncs", "as-of", "ndis-client")
# What everybody's rows are in, year after year.
LONG_TABLES = (
    "records_budgetusage", "records_entitlement", "records_invoicelineitem", "records_paymentrequest",
    "records_invoice", "records_change", "records_answer", "records_planbudget", "runs_runitem",
    "access_accesslogentry",
)  # fmt: skip


def count(browser: Browser, name: str, margaret: Client) -> int:
    keywords: dict[str, int] = {}
    if name in OF_ONE_CLIENT:
        keywords = {"client_id": margaret.pk}
    elif name == "run":
        keywords = {"run_id": Run.objects.order_by("id").values_list("id", flat=True)[0]}
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(reverse(f"console:{name}", kwargs=keywords)).status_code == 200
    return len(queries)


@pytest.mark.parametrize("name", LIMITS)
def test_a_page_asks_a_fixed_number_of_times(name: str, browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser = browse(cast.ada)
    before = count(browser, name, margaret)
    assert before <= LIMITS[name]
    more = world.make_clients(8, first_id=400000501)
    for client in more:
        world.make_funding(client, quarters=2)
        world.make_changes(client)
    world.make_run(more, cast.fay)
    for hours in (3, 4, 5):
        world.make_changes(margaret, hours_ago=hours)
        world.make_run([margaret], cast.fay)
    assert count(browser, name, margaret) <= before


@pytest.mark.one_database
@pytest.mark.parametrize("name", OF_ONE_CLIENT)
def test_a_page_about_one_client_reads_no_table_from_end_to_end(
    name: str, browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    browser = browse(cast.ada)
    with CaptureQueriesContext(connection) as queries:
        assert browser.get(reverse(f"console:{name}", kwargs={"client_id": margaret.pk})).status_code == 200
    read_whole = set()
    for sql in [query["sql"] for query in queries if query["sql"].startswith("SELECT")]:
        names = dict(re.findall(r'"(\w+)" ([UVW]\d)\b', sql))
        with connection.cursor() as cursor:
            cursor.execute("EXPLAIN QUERY PLAN " + sql.replace("%", "%%"))
            steps = [step for *_, step in cursor.fetchall()]
        for table in LONG_TABLES:
            called = {table, names.get(table, table)}
            read_whole |= {
                f"{step} in {sql}" for step in steps if step.split()[:1] == ["SCAN"] and step.split()[1] in called
            }
    assert not read_whole, "\n".join(sorted(read_whole))
