"""Sync Service Providers as a kind of work: one at a time, in the background or by a command, with progress.

Nothing is stored before all has been fetched, so a search that dies is begun anew by whoever takes it over.
Source: rule SYNC-09.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError, transaction
from django.utils import timezone

from carefund.access.roles import may_administer
from carefund.records.care_management.store import ProviderChanges
from carefund.runs import ledger
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem, LeaseLost
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import find_shown_item
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind
from carefund.sync.service_providers import (
    FoundProviders,
    ProviderSyncResult,
    apply_providers,
    begin_search,
    find_providers,
    list_care_recipient_ids,
    list_stored_ids,
)

_NAME = "service-providers"
_POLL_SECONDS = 1.0


def request_provider_search(requested_by: User | None = None) -> Run:
    """Ask for it; a search that is not over is joined. Raises NotConfigured at once."""
    require_configured(SERVICES_AUSTRALIA)
    return request_once(
        _NAME,
        NewRunItem(_NAME),
        trigger=Run.Trigger.ON_DEMAND,
        scope="Service Provider IDs on care recipients' budgets",
        requested_by=requested_by,
    )


def find_shown_search() -> RunItem | None:
    """The search under way, or the last one if it ended a short while ago."""
    return find_shown_item(_NAME, timezone.now())


def result_of(item: RunItem) -> ProviderSyncResult | None:
    """What a search found and changed; None before its end, and when it failed."""
    if item.result is None:
        return None
    values: dict[str, Any] = {name: _frozen(value) for name, value in item.result.items() if name != "changes"}
    changes = ProviderChanges(**{name: tuple(ids) for name, ids in item.result["changes"].items()})
    return ProviderSyncResult(changes=changes, **values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


async def _search(session: Session, item: ClaimedItem) -> FoundProviders:
    ids = await session.database.insist(list_stored_ids)
    people = await session.database.insist(list_care_recipient_ids)
    found = begin_search(business_today())
    reporting = asyncio.create_task(_keep_reporting(session, item, found))
    try:
        await find_providers(session.source, ids, people, found)
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    return found


async def _keep_reporting(session: Session, item: ClaimedItem, found: FoundProviders) -> None:
    while True:
        calls = f"{found.calls:,} call{'' if found.calls == 1 else 's'}"
        with suppress(DatabaseError, InterfaceError, LeaseLost):  # a lost lease refuses the result
            await session.report_progress(item, found.people - found.left, found.people, calls)
        await asyncio.sleep(_POLL_SECONDS)


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[FoundProviders]) -> None:
    with transaction.atomic():
        for item, found in zip(items, answers, strict=True):
            result = apply_providers(found)
            ledger.record_outcomes(session.worker.holder, [item], [_item_result(result)])


def _item_result(result: ProviderSyncResult) -> ItemResult:
    moved = result.clients_updated or any(asdict(result.changes).values())
    return ItemResult(
        RunItem.Outcome.CHANGED if moved else RunItem.Outcome.UNCHANGED,
        f"{len(result.service_provider_ids):,} IDs found, {result.clients_updated:,} clients updated, "
        f"{result.calls:,} calls.",
        result=asdict(result),
    )


SERVICE_PROVIDERS = WorkKind(
    name=_NAME,
    label="Sync Service Providers",
    items="searches",
    funder=SERVICES_AUSTRALIA,
    work=_search,
    store=_store,
    may_be_cut=True,
    stores_much=True,
    may_ask=may_administer,
)
