"""The client's side of a measurement: settings, an empty database, people, a worker whose token is given.

Import this first in a measuring process: it configures Django from the environment of that process. The run goes
through the product's own background work (ledger, engine, client, archive, change log); only PRODA is left out.
"""

import asyncio
import gc
import os
import resource
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import django

django.setup()

import aiohttp  # noqa: E402 Django must be set up before its models are imported
from django.conf import settings  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.db import connection  # noqa: E402

from benchmarks.upstream import care_recipient_id  # noqa: E402
from carefund.funders.configuration import FunderConfiguration  # noqa: E402
from carefund.funders.http import Caller, gateway_headers, open_session  # noqa: E402
from carefund.funders.services_australia.client import ServicesAustralia  # noqa: E402
from carefund.funders.services_australia.operations import path_for  # noqa: E402
from carefund.records.models import Client  # noqa: E402
from carefund.runs.database_threads import DatabaseThreads  # noqa: E402
from carefund.runs.engines.carry_out import collect_seldom  # noqa: E402
from carefund.runs.engines.workers import DATABASE_THREADS  # noqa: E402
from carefund.runs.execution import Worker, work_on_run  # noqa: E402
from carefund.runs.funder_sessions import Sources  # noqa: E402
from carefund.runs.models import Run  # noqa: E402
from carefund.runs.requests import request_run  # noqa: E402
from carefund.runs.shared_limit import open_call_limiter  # noqa: E402

TOKEN = "benchmark-token"
_EMPTIED = (
    "runs_preview",
    "runs_runitem",
    "runs_run",
    "records_answer",
    "records_change",
    "records_budgetusage",
    "records_entitlement",
    "records_individualcontribution",
    "records_supplement",
    "records_approvedservice",
    "records_classification",
    "records_planbudget",
    "records_plan",
    "records_payload",
    "records_syncstate",
)


class GivenToken:
    """A token that never ends."""

    def current(self) -> str:
        return TOKEN

    async def fetch_token(self, refused: str = "") -> str:
        return TOKEN


@dataclass(frozen=True)
class Figure:
    """What one piece of work took: seconds on the wall, CPU seconds of this process, people."""

    wall: float
    cpu: float
    people: int


async def measured(people: int, work: Callable[[], Any]) -> Figure:
    """Time one coroutine function."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return Figure(time.perf_counter() - wall, time.process_time() - cpu, people)


def peak_memory_mb() -> float:
    """The most memory that this process ever had, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def prepare(people: int, first: int = 0) -> None:
    """Make the tables and the people, numbered from the first."""
    call_command("migrate", verbosity=0)
    Client.objects.bulk_create(
        [
            Client(care_recipient_id=care_recipient_id(number), first_name="Wilma", last_name=f"Example {number}")
            for number in range(first, first + people)
        ],
        batch_size=2000,
    )


def empty() -> None:
    """Forget everything but the people, as before a first sync."""
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(f"TRUNCATE {', '.join(_EMPTIED)} CASCADE")
        else:
            for table in _EMPTIED:
                cursor.execute(f"DELETE FROM {table}")
    Client.objects.update(service_provider_id="")
    if connection.vendor == "postgresql":
        analyse()


def analyse() -> None:
    """Let PostgreSQL know how large its tables are, so that sessions that begin now plan by that."""
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


def count_scanned_rows() -> int:
    """How many rows PostgreSQL read without an index so far, as told by sessions that are over."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(seq_tup_read) FROM pg_stat_user_tables")
        return int(cursor.fetchone()[0])


def configuration_for(url: str, at_once: int, calls_per_second: float = 0) -> FunderConfiguration:
    """The product's settings, pointed at the upstream; 0: no limit on calls per second."""
    configured = settings.SERVICES_AUSTRALIA
    timing = replace(configured.timing, calls_at_once=at_once, calls_per_second=calls_per_second)
    return replace(configured, base_url=url, timing=timing)


@asynccontextmanager
async def open_worker(url: str, at_once: int, calls_per_second: float = 0) -> AsyncIterator[Worker]:
    """A worker as `carefund worker` makes one; with a rate it shares that with its like on the same database."""
    configuration = configuration_for(url, at_once, calls_per_second)
    collect_seldom()
    database = DatabaseThreads(DATABASE_THREADS if settings.ON_POSTGRESQL else 1)
    try:
        async with (
            open_session(configuration.timing) as session,
            open_call_limiter(configuration) if calls_per_second else nullcontext() as pace,
        ):
            source = ServicesAustralia(Caller(session, configuration, GivenToken(), pace), configuration)
            async with AsyncExitStack() as stack:
                sources = Sources(stack, {"services-australia": source})
                yield Worker(sources, database, f"benchmark:{os.getpid()}", at_once=at_once)
    finally:
        await database.close()


async def synchronise(worker: Worker) -> None:
    """One bulk run of everybody, from the request to the last entry in the ledger. Raises if anybody was left out."""
    await _carry_out(worker, await worker.database.do(request_everybody))


async def synchronise_new(worker: Worker) -> None:
    """The same for those who were never synchronised."""
    await _carry_out(worker, await worker.database.do(_request, Client.objects.filter(sync_state=None)))


async def _carry_out(worker: Worker, run: Run) -> None:
    await work_on_run(worker, run.pk)
    done = await worker.database.do(_failures, run.pk)
    if done:
        raise RuntimeError(f"{done} people were not synchronised")


def request_everybody() -> Run:
    """A run of everybody, in the ledger."""
    return _request(Client.objects.all())


def _request(clients: Any) -> Run:
    return request_run(trigger=Run.Trigger.BULK, clients=clients, scope="benchmark")


def _failures(run_id: int) -> int:
    run = Run.objects.get(pk=run_id)
    return run.total - run.items.filter(status="done").exclude(outcome="failed").count()


def paths_of(number: int, configuration: FunderConfiguration) -> list[str]:
    """The six addresses that a sync of one person asks for."""
    ids = {"careRecipientId": care_recipient_id(number)}
    page = {"page": 1, "limit": configuration.page_limit}
    return [
        path_for("care_recipient_summary", {}, ids),
        path_for("individual_contribution", {}, ids, page),
        path_for("budgets_by_care_recipient", {}, ids, page),
        *(path_for("budget_details", {}, {"budgetId": f"{ids['careRecipientId']}{budget}"}) for budget in range(3)),
    ]


async def download(url: str, people: int, at_once: int) -> None:
    """The same answers with the same HTTP client, headers and number of calls at once, and nothing done with them."""
    configuration = configuration_for(url, at_once)
    headers = gateway_headers(configuration) | {
        "X-IBM-Client-Id": configuration.client_id,
        "Authorization": f"Bearer {TOKEN}",
    }
    numbers = iter(range(people))
    async with open_session(configuration.timing) as session:

        async def fetch_in_turn() -> None:
            for number in numbers:
                for path in paths_of(number, configuration):
                    await _get(session, url + path, headers)

        await asyncio.gather(*(fetch_in_turn() for _ in range(at_once)))


async def _get(session: aiohttp.ClientSession, url: str, headers: dict[str, str]) -> bytes:
    async with session.get(url, headers=headers) as response:
        return await response.read()
