"""The engine on PostgreSQL: any number of worker processes on any machines, fed by Procrastinate's queue.

A job is a share of about 50 items of a run of any kind. It takes whatever is still open in the ledger, so a job too
many finds nothing, and a job lost with its worker is made again by the housekeeping. Each process works on two queues,
so that someone who waits at a page never waits for a bulk run.
"""

import asyncio
import logging

from django.db import DatabaseError, InterfaceError
from procrastinate import App, JobContext
from procrastinate.contrib.django import connector_params
from procrastinate.jobs import Status
from procrastinate.psycopg_connector import PsycopgConnector
from procrastinate.worker import Worker as QueueWorker

from carefund.runs import enqueueing, housekeeping, postgresql_queue
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.engines.carry_out import AFTER_TROUBLE_SECONDS, carry_out, collect_seldom, rest
from carefund.runs.engines.stop_signals import stop_on_signals
from carefund.runs.execution import Worker
from carefund.runs.funder_sessions import open_sources
from carefund.runs.leases import name_holder

log = logging.getLogger(__name__)

_HOUSE = "house"
_BULK_JOBS, _INTERACTIVE_JOBS = 2, 10  # two, so that one begins while the last people of the other are under way
_HEARTBEAT_SECONDS, _DEAD_AFTER_SECONDS = 5.0, 30.0
_STOP_SECONDS = 25.0
_CONNECTIONS = 8
DATABASE_THREADS = 2


async def work() -> None:
    """Carry out runs together with the other workers until asked to stop by a signal."""
    collect_seldom()
    stopping = asyncio.Event()
    database = DatabaseThreads(DATABASE_THREADS)
    try:
        with stop_on_signals(stopping):
            async with open_sources() as sources:
                worker = Worker(sources, database, name_holder(), stopping=stopping)
                while not stopping.is_set():
                    await _work_while_connected(worker)
    finally:
        await database.close()


async def _work_while_connected(worker: Worker) -> None:
    try:
        await _take_jobs(worker)
    except Exception as error:  # noqa: BLE001 whatever ended it, the next attempt begins from nothing
        kind: BaseException = error
        while isinstance(kind, BaseExceptionGroup):
            kind = kind.exceptions[0]
        log.error("the queue cannot be reached (%s); trying again", type(kind).__name__)
        await rest(worker.stopping, AFTER_TROUBLE_SECONDS)


async def _take_jobs(worker: Worker) -> None:
    app = _app()
    async with app.open_async():
        queue_workers = [
            _queue_worker(app, worker, [postgresql_queue.BULK], _BULK_JOBS),
            _queue_worker(app, worker, [postgresql_queue.INTERACTIVE, _HOUSE], _INTERACTIVE_JOBS),
        ]
        async with asyncio.TaskGroup() as tasks:
            working = [tasks.create_task(queue_worker.run()) for queue_worker in queue_workers]  # type: ignore[no-untyped-call]
            stop = tasks.create_task(_stop_at_signal(worker.stopping, queue_workers))
            await asyncio.wait(working)
            stop.cancel()


def _app() -> App:
    """Procrastinate with connections of its own; made anew whenever the database was lost."""
    app = App(connector=PsycopgConnector(kwargs=connector_params(), min_size=1, max_size=_CONNECTIONS, timeout=10))
    app.task(name=postgresql_queue.TASK, pass_context=True)(work_on_share)
    house = app.task(name="keep house", pass_context=True, queue=_HOUSE, queueing_lock="keep house", priority=20)
    app.periodic(cron="* * * * * */10")(house(keep_house))
    return app


def _queue_worker(app: App, worker: Worker, queues: list[str], at_a_time: int) -> QueueWorker:
    return QueueWorker(
        app,
        queues=queues,
        name=queues[0],
        concurrency=at_a_time,
        delete_jobs="always",  # the ledger is the record
        additional_context={"worker": worker},
        install_signal_handlers=False,
        shutdown_graceful_timeout=_STOP_SECONDS,
        update_heartbeat_interval=_HEARTBEAT_SECONDS,
        stalled_worker_timeout=_DEAD_AFTER_SECONDS,
    )


async def _stop_at_signal(stopping: asyncio.Event, queue_workers: list[QueueWorker]) -> None:
    await stopping.wait()
    for queue_worker in queue_workers:
        queue_worker.stop()  # type: ignore[no-untyped-call]


async def work_on_share(context: JobContext, /, *, run_id: int) -> None:
    """One job: a share of a run's items."""
    await carry_out(context.additional_context["worker"], run_id, items=postgresql_queue.SHARE)


async def keep_house(context: JobContext, /, timestamp: int) -> None:
    """Every ten seconds, on one of the workers: take over from the dead, and see that all that waits has its jobs."""
    worker: Worker = context.additional_context["worker"]
    for job in await context.app.job_manager.get_stalled_jobs(seconds_since_heartbeat=_DEAD_AFTER_SECONDS):
        if job.id is not None:
            await context.app.job_manager.finish_job_by_id_async(job.id, Status.FAILED, delete_job=True)
    try:
        await worker.database.do(housekeeping.tidy)
        await worker.database.do(enqueueing.enqueue_missing)
    except (DatabaseError, InterfaceError) as error:
        log.error("the database refused the housekeeping: %s", type(error).__name__)
