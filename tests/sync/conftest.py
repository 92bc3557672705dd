"""One person, synchronised without background work: on any day, in a thread, or with the answers held back."""

import asyncio
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from carefund.records.models import Change, Client
from carefund.runs.business_day import business_today
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.funder_sessions import open_source
from carefund.sync.care_recipient.answers import SyncParts
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.results import SyncResult
from carefund.sync.care_recipient.syncing import sync_care_recipient


@pytest.fixture
def fetch(world: Any) -> Callable[..., Fetched]:
    """Ask the funder about a client, and write nothing."""

    def run(
        client: Client, *, today: date | None = None, parts: SyncParts = SyncParts.EVERYTHING, days: int = 90
    ) -> Fetched:
        async def ask() -> Fetched:
            async with open_source() as source:
                wanted = OpenBudgets(today or business_today(), days)
                return await fetch_care_recipient(
                    source, client.pk, client.care_recipient_id or "", wanted, parts=parts
                )

        return asyncio.run(ask())

    return run


@pytest.fixture
def sync_on(world: Any) -> Callable[..., SyncResult]:
    """Synchronise a client as if a day were today, for the plan's rules."""

    def run(client: Client, today: date, *, parts: SyncParts = SyncParts.EVERYTHING, days: int = 90) -> SyncResult:
        async def work() -> SyncResult:
            database = DatabaseThreads()
            try:
                async with open_source() as source:
                    open_budgets = OpenBudgets(today, days)
                    return await sync_care_recipient(source, database.do, client, open_budgets, parts=parts)
            finally:
                await database.close()

        return asyncio.run(work())

    return run


@pytest.fixture
def changes() -> Callable[..., list[tuple[str, ...]]]:
    """The lines of the change log since a number, as (kind, action, field, before, after)."""

    def read(client: Client, after_id: int = 0) -> list[tuple[str, ...]]:
        rows = Change.objects.filter(client=client, id__gt=after_id).order_by("id")
        return list(rows.values_list("kind", "action", "field", "before", "after"))

    return read
