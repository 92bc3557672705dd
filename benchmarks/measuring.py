"""One measurement in a process of its own: `python -m benchmarks.measuring WHAT …` prints its figures as JSON.

The caller starts the upstream and the database, and sets the environment.
"""

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from benchmarks import world
from benchmarks.upstream import set_revision
from carefund.records.models import Client
from carefund.runs.execution import work_on_run
from carefund.runs.models import Run
from carefund.runs.requests import request_run

_TRIES = 9


async def cycle(options: argparse.Namespace) -> dict[str, Any]:
    """Rounds of everything, each beside a bare download of the same round."""
    await asyncio.to_thread(world.prepare, options.people)
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("bare", "first", "same", "changed")}
    revision = 0
    for _ in range(options.rounds):
        await asyncio.to_thread(world.empty)
        async with world.open_worker(options.url, options.at_once) as worker:

            async def sync(worker: Any = worker) -> None:
                await world.synchronise(worker)

            async def bare() -> None:
                await world.download(options.url, options.people, options.at_once)

            for name, work in (("bare", bare), ("first", sync), ("same", sync), ("bare", bare), ("changed", sync)):
                if name == "changed":
                    revision += 1
                    set_revision(options.url, revision)
                found[name].append(asdict(await world.measured(options.people, work)))
    return found


async def alone(options: argparse.Namespace) -> dict[str, Any]:
    """One person on demand, from the request to the entry in the ledger; and two round trips, bare. Milliseconds."""
    await asyncio.to_thread(world.prepare, _TRIES)
    clients = await asyncio.to_thread(lambda: list(Client.objects.order_by("id")))
    async with world.open_worker(options.url, options.at_once) as worker:
        times = []
        for client in clients:
            begun = time.perf_counter()
            run = await worker.database.do(
                request_run, trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client"
            )
            await work_on_run(worker, run.pk)
            times.append(1000 * (time.perf_counter() - begun))
    return {"milliseconds": statistics.median(times[1:])}


async def sessions(options: argparse.Namespace) -> dict[str, Any]:
    """On PostgreSQL: a first sync by sessions that began with empty tables, then one of as many by sessions that began
    with full ones; each with the rows that were read without an index."""
    found = {}
    for number, name in enumerate(("empty", "full")):
        await asyncio.to_thread(world.prepare, options.people, number * options.people)
        await asyncio.to_thread(world.analyse)
        before = await asyncio.to_thread(world.count_scanned_rows)
        async with world.open_worker(options.url, options.at_once) as worker:
            figure = await world.measured(options.people, lambda worker=worker: world.synchronise_new(worker))
        scanned = await asyncio.to_thread(world.count_scanned_rows) - before
        found[name] = {**asdict(figure), "scanned": scanned}
    return found


async def memory(options: argparse.Namespace) -> dict[str, Any]:
    """The most memory that a first sync took, or one with nothing changed when there was one before."""
    if not options.prepared:
        await asyncio.to_thread(world.prepare, options.people)
    before = world.peak_memory_mb()
    async with world.open_worker(options.url, options.at_once) as worker:
        figure = await world.measured(options.people, lambda: world.synchronise(worker))
    return {"before": before, "peak": world.peak_memory_mb(), **asdict(figure)}


async def request(options: argparse.Namespace) -> dict[str, Any]:
    """Ask for a run of everybody, for others to carry out."""
    await asyncio.to_thread(world.prepare, options.people)
    await asyncio.to_thread(world.request_everybody)
    return {}


async def part(options: argparse.Namespace) -> dict[str, Any]:
    """One of several workers that share a run, the ledger and the rate."""
    run = await asyncio.to_thread(lambda: Run.objects.latest("id"))
    begun = time.time()
    async with world.open_worker(options.url, options.at_once, calls_per_second=options.rate) as worker:
        await work_on_run(worker, run.pk)
    return {"begun": begun, "ended": time.time()}


WHAT: dict[str, Callable[[argparse.Namespace], Awaitable[dict[str, Any]]]] = {
    "cycle": cycle,
    "alone": alone,
    "sessions": sessions,
    "memory": memory,
    "request": request,
    "part": part,
}


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=WHAT)
    parser.add_argument("--url", required=True)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--prepared", action="store_true")
    options = parser.parse_args()
    json.dump(asyncio.run(WHAT[options.what](options)), sys.stdout)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
