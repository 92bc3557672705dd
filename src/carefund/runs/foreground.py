"""Do work while somebody waits at a terminal: the same request, ledger and engine as every run, in this process."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from django.db import DatabaseError

from carefund.records.claims.queries import list_unsettled_claims
from carefund.records.models import Claim, Client, ServiceContract
from carefund.runs import crash_recovery, leases
from carefund.runs.business_day import business_today
from carefund.runs.call_counts import store_call_counts
from carefund.runs.care_management.refreshing import request_refresh
from carefund.runs.claims.claiming import request_checks, request_search, request_sending
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, open_source, open_sources, require_configured
from carefund.runs.models import Run, RunItem
from carefund.runs.ndis.plans import ShownPlan, find_plan, request_plan
from carefund.runs.requests import CannotChangeRun, cancel_run, request_run
from carefund.runs.service_providers import request_provider_search, result_of
from carefund.sync.care_recipient.fetching import OpenBudgets
from carefund.sync.care_recipient.results import SyncResult
from carefund.sync.care_recipient.syncing import sync_care_recipient
from carefund.sync.service_providers import ProviderSyncResult

_POLL_SECONDS = 0.1
_POLLS = 20
_LONGEST_WAIT_SECONDS = 300.0
OnProgress = Callable[[RunItem], None]


class StillUnderWay(Exception):
    """Another process has been at this for too long to wait for it."""


class WorkFailed(Exception):
    """The work was done, here or by another process, and did not succeed."""

    def __init__(self, message: str, advice: str) -> None:
        self.message, self.advice = message, advice
        super().__init__(message)


def finish_now(run: Run, on_progress: OnProgress | None = None, *, seconds: float | None = None) -> Run:
    """Carry a run of one item to its end here and now, or wait for the process that is at it already.

    `on_progress` gets the item now and then. Interrupted by hand, the run is cancelled. Raises FunderError when
    the funder cannot be asked at all, StillUnderWay after `seconds`.
    """
    try:
        return asyncio.run(_finish(run, on_progress, seconds))
    except KeyboardInterrupt:
        try:
            cancel_run(run)
        except CannotChangeRun:
            run.refresh_from_db()
        raise


async def _finish(run: Run, on_progress: OnProgress | None, seconds: float | None) -> Run:
    until = time.monotonic() + seconds if seconds is not None else None
    database = DatabaseThreads()
    reporting = asyncio.create_task(_keep_reporting(database, run, on_progress)) if on_progress else None
    try:
        async with open_sources() as sources:
            worker = Worker(sources, database, leases.name_holder("terminal"))
            while until is None or time.monotonic() < until:
                await work_on_run(worker, run.pk)
                if await _watch(database, run):
                    return run
                await database.do(crash_recovery.release_expired)
        raise StillUnderWay
    finally:
        if reporting:
            reporting.cancel()
            await asyncio.gather(reporting, return_exceptions=True)
        with suppress(DatabaseError):
            await database.do(store_call_counts)
        await database.close()


async def _watch(database: DatabaseThreads, run: Run) -> bool:
    """Look during a few seconds whether a run is over, or waits for something."""
    for _ in range(_POLLS):
        await database.do(run.refresh_from_db)
        if run.is_over or run.status == Run.Status.PAUSED:
            return True
        await asyncio.sleep(_POLL_SECONDS)
    return False


async def _keep_reporting(database: DatabaseThreads, run: Run, on_progress: OnProgress) -> None:
    while True:
        on_progress(await database.do(RunItem.objects.get, run=run))
        await asyncio.sleep(_POLL_SECONDS * 2)


def sync_service_providers(on_progress: OnProgress | None = None) -> ProviderSyncResult:
    """Sync Service Providers here and now. Raises FunderError when nobody can be asked, WorkFailed."""
    item = finish_one(request_provider_search(), on_progress)
    result = result_of(item)
    assert result is not None
    return result


def refresh_pools_now(service_provider_id: str = "") -> Run:
    """Refresh care management here and now. Raises NotRefreshable, FunderError when nobody can be asked, WorkFailed."""
    run = request_refresh(service_provider_id)
    _finish_all(run)
    return run


def send_batch(batch_id: int, on_progress: OnProgress | None = None) -> RunItem:
    """Send a claim batch here and now. The batch says what came of it. Raises FunderError, WorkFailed."""
    return finish_one(request_sending(batch_id), on_progress)


def check_claims(claims: Sequence[Claim]) -> list[RunItem]:
    """Check Status of these claims here and now. Raises FunderError, WorkFailed when the funder is down."""
    run = request_checks(claims, trigger=Run.Trigger.ON_DEMAND, scope=f"{len(claims):,} claims")
    return _finish_all(run)


def check_all_claims() -> list[RunItem]:
    """Look for claims made elsewhere, and check every claim that is not at its end. Raises as `check_claims`."""
    _finish_all(request_search())
    open_claims = list(list_unsettled_claims())
    return check_claims(open_claims) if open_claims else []


def retrieve_plan(client: Client, contract: ServiceContract | None = None) -> ShownPlan:
    """Ask the NDIA about a client here and now. Raises PaceProblem, NotRetrieved, FunderError when nobody can be asked,
    WorkFailed when this hour's number of budgets is used up."""
    item = request_plan(client, contract)
    run = finish_now(item.run)
    if run.status == Run.Status.PAUSED:
        cancel_run(run)
        raise WorkFailed(run.paused_reason, "Try again later.")
    item.refresh_from_db()
    return find_plan(item)


def _finish_all(run: Run) -> list[RunItem]:
    run = finish_now(run)
    if run.status != Run.Status.FINISHED:
        raise WorkFailed(f"The run is {run.status}.", run.paused_reason)
    return list(run.items.order_by("id"))


def finish_one(run: Run, on_progress: OnProgress | None = None) -> RunItem:
    """As `finish_now` for a run of one item; gives the item. Raises WorkFailed unless it was done."""
    run = finish_now(run, on_progress)
    item = run.items.get()
    if item.status != RunItem.Status.DONE or item.outcome == RunItem.Outcome.FAILED:
        raise WorkFailed(item.message or f"The run is {run.status}. {run.paused_reason}".strip(), item.advice)
    return item


async def synchronise_now(client: Client) -> RunItem:
    """Synchronise one client and wait for the outcome, whoever does the work. Raises FunderError, StillUnderWay.

    If somebody else has begun, this waits for them, and takes over once their lease has run out.
    """
    database = DatabaseThreads()
    try:
        await database.do(require_configured, SERVICES_AUSTRALIA)
        run = await database.do(_request, client)
        await _finish(run, None, _LONGEST_WAIT_SECONDS)
        return await database.do(RunItem.objects.select_related("run").get, run=run)
    finally:
        await database.close()


def _request(client: Client) -> Run:
    return request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client")


async def preview_now(client: Client, open_days: int) -> SyncResult:
    """Fetch and compare one client; nothing is written. Raises FunderError."""
    database = DatabaseThreads()
    try:
        async with open_source() as source:
            open_budgets = OpenBudgets(business_today(), open_days)
            return await sync_care_recipient(source, database.do, client, open_budgets, dry_run=True)
    finally:
        await database.close()
