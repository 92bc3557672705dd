"""Synchronise one person while somebody waits: the same request, ledger and engine as every run, in this process."""

import asyncio
import os
import time

from carefund.records.models import Client
from carefund.runs import ledger
from carefund.runs.database import DatabaseThreads
from carefund.runs.dates import business_today
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import request_run
from carefund.runs.sources import open_source
from carefund.sync.answers import Parts
from carefund.sync.applying import preview_fetched
from carefund.sync.fetching import OpenBudgets, fetch_care_recipient
from carefund.sync.results import SyncResult

_LOOK_SECONDS = 0.1
_LOOKS = 20
_LONGEST_WAIT_SECONDS = 300.0


class StillUnderWay(Exception):
    """Another process has been synchronising this person for too long to wait for it."""


async def synchronise_now(client: Client) -> RunItem:
    """Synchronise one client and wait for the outcome, whoever does the work. Raises FunderError, StillUnderWay.

    If somebody else has begun, this waits for them, and takes over once their lease has run out.
    """
    database = DatabaseThreads()
    try:
        async with open_source() as source:
            run = await database.do(_request, client)
            worker = Worker(source, database, f"terminal:{os.getpid()}")
            until = time.monotonic() + _LONGEST_WAIT_SECONDS
            while time.monotonic() < until:
                await work_on_run(worker, run.pk)
                item = await _watch(database, run)
                if item is not None:
                    return item
                await database.do(ledger.hand_back_abandoned)
        raise StillUnderWay
    finally:
        await database.close()


async def _watch(database: DatabaseThreads, run: Run) -> RunItem | None:
    """The only entry of a run once it is over, looked for during a few seconds."""
    for _ in range(_LOOKS):
        item = await database.do(RunItem.objects.select_related("run").get, run=run)
        if item.status not in (RunItem.Status.QUEUED, RunItem.Status.RUNNING):
            return item
        await asyncio.sleep(_LOOK_SECONDS)
    return None


def _request(client: Client) -> Run:
    return request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client")


async def preview_now(client: Client, open_days: int) -> SyncResult:
    """Fetch and compare one client; nothing is written. Raises FunderError."""
    database = DatabaseThreads()
    try:
        async with open_source() as source:
            fetched = await fetch_care_recipient(
                source,
                client.pk,
                client.care_recipient_id or "",
                OpenBudgets(business_today(), open_days),
                parts=Parts.EVERYTHING,
            )
        return await database.do(preview_fetched, fetched, business_today())
    finally:
        await database.close()
