"""Sync Service Providers as work that is asked for: one at a time, in the background or by a command, with progress.

Nothing is stored before all has been fetched, so a search that dies is begun anew by whoever takes it over.
Source: rule SYNC-09.
"""

import asyncio
import contextlib
import os
import socket
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, IntegrityError, InterfaceError, transaction
from django.db.models import Q
from django.utils import timezone

from carefund.funders.errors import FunderError
from carefund.funders.opening import require_configured
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records.care_management_store import ProviderChanges
from carefund.runs.database import DatabaseThreads
from carefund.runs.dates import business_today
from carefund.runs.models import ProviderSearch
from carefund.runs.sources import device_store, open_source
from carefund.sync.service_providers import (
    FoundProviders,
    ProviderSyncResult,
    apply_providers,
    begin_search,
    find_providers,
    list_care_recipient_ids,
    list_known_ids,
)

_LEASE = timedelta(seconds=30)
_BEAT_SECONDS = 1.0
_LOOK_SECONDS = 0.2
_SHOWN_FOR = timedelta(hours=1)
Tell = Callable[[ProviderSearch], None]


class SearchFailed(Exception):
    """A search that another process worked on did not succeed."""

    def __init__(self, message: str, advice: str) -> None:
        self.message, self.advice = message, advice
        super().__init__(message)


# --- Asking for it


def request_provider_search(user_id: int | None = None) -> ProviderSearch:
    """Ask the background process for it; a search that is not over is joined. Raises NotConfigured at once."""
    require_configured(settings.SERVICES_AUSTRALIA)
    device_store()
    return _ask(user_id)


def sync_service_providers(tell: Tell | None = None) -> ProviderSyncResult:
    """Do it here and now, or wait for the process that is at it already; `tell` gets the search now and then.

    Raises FunderError, and SearchFailed when it was another process that failed.
    """
    search = _ask(None, holder := make_holder())
    while not take_search(search.pk, holder):
        search.refresh_from_db()
        if tell:
            tell(search)
        if search.is_over:
            return _outcome(search)
        time.sleep(_LOOK_SECONDS)
    try:
        return asyncio.run(_search_alone(search.pk, holder, tell))
    except KeyboardInterrupt:
        fail_search(search.pk, "It was stopped by hand; nothing was stored.", "Ask for it again.")
        raise


async def _search_alone(search_id: int, holder: str, tell: Tell | None) -> ProviderSyncResult:
    database = DatabaseThreads()
    try:
        async with failing(search_id, holder, database), open_source() as source:
            return await search_providers(search_id, holder, source, database, tell)
    finally:
        await database.close()


def _ask(user_id: int | None, holder: str = "") -> ProviderSearch:
    """The search that is not over, or a new one, kept to `holder` from its first moment if there is one."""
    held_until = timezone.now() + _LEASE if holder else None
    while True:
        with contextlib.suppress(IntegrityError), transaction.atomic():
            return ProviderSearch.objects.create(requested_by_id=user_id, holder=holder, held_until=held_until)
        if search := ProviderSearch.objects.filter(is_over=False).first():
            return search


def _outcome(search: ProviderSearch) -> ProviderSyncResult:
    result = result_of(search)
    if result is None:
        raise SearchFailed(search.message, search.advice)
    return result


# --- Looking at it


def find_shown_search() -> ProviderSearch | None:
    """The search under way, or the last one if it ended a short while ago."""
    recent = Q(is_over=False) | Q(ended_at__gt=timezone.now() - _SHOWN_FOR)
    return ProviderSearch.objects.filter(recent).first()


def result_of(search: ProviderSearch) -> ProviderSyncResult | None:
    """What a search found and changed; None before its end, and when it failed."""
    if search.result is None:
        return None
    values: dict[str, Any] = {name: _frozen(value) for name, value in search.result.items() if name != "changes"}
    changes = ProviderChanges(**{name: tuple(ids) for name, ids in search.result["changes"].items()})
    return ProviderSyncResult(changes=changes, **values)


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


# --- Working on it


def make_holder() -> str:
    """A name for a process, or a part of it, in leases."""
    return f"{socket.gethostname()[:30]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"


def find_waiting_search() -> int | None:
    """A search that nobody is at."""
    free = Q(held_until__isnull=True) | Q(held_until__lt=timezone.now())
    return ProviderSearch.objects.filter(free, is_over=False).values_list("id", flat=True).first()


def take_search(search_id: int, holder: str) -> bool:
    """Keep a search to this process; False while another one has it, or when it is over."""
    now = timezone.now()
    free = Q(held_until__isnull=True) | Q(held_until__lt=now) | Q(holder=holder)
    return bool(
        ProviderSearch.objects.filter(free, pk=search_id, is_over=False).update(
            status=ProviderSearch.Status.RUNNING, holder=holder, held_until=now + _LEASE
        )
    )


async def search_providers(
    search_id: int, holder: str, source: ServicesAustralia, database: DatabaseThreads, tell: Tell | None = None
) -> ProviderSyncResult:
    """Carry a search that was taken to its end. Raises FunderError; cancelled, the search is left for another one."""
    ids = await database.do(list_known_ids)
    people = await database.do(list_care_recipient_ids)
    found = begin_search(business_today())
    beat = asyncio.create_task(_keep(search_id, holder, found, database, tell))
    try:
        await find_providers(source, ids, people, found)
        return await database.do(_finish, search_id, found)
    finally:
        beat.cancel()
        await asyncio.gather(beat, return_exceptions=True)


@asynccontextmanager
async def failing(search_id: int, holder: str, database: DatabaseThreads) -> AsyncIterator[None]:
    """What goes wrong inside is told in the search; a stop gives the search back. Either way it is raised."""
    try:
        yield
    except FunderError as problem:
        await database.do(fail_search, search_id, problem.message, problem.advice)
        raise
    except (asyncio.CancelledError, DatabaseError, InterfaceError):
        with contextlib.suppress(DatabaseError, InterfaceError):  # then the lease ends by itself
            await database.do(_give_back, search_id, holder)
        raise
    except Exception as error:
        words = f"An unexpected {type(error).__name__} stopped it; nothing was stored."
        await database.do(fail_search, search_id, words, "Try again; if it happens again, report it.")
        raise


async def _keep(
    search_id: int, holder: str, found: FoundProviders, database: DatabaseThreads, tell: Tell | None
) -> None:
    """Now and then: renew the lease, and note how far it is."""
    while True:
        with contextlib.suppress(DatabaseError, InterfaceError):
            search = await database.do(_note, search_id, holder, found)
            if tell and search:
                tell(search)
        await asyncio.sleep(_BEAT_SECONDS)


def _note(search_id: int, holder: str, found: FoundProviders) -> ProviderSearch | None:
    ProviderSearch.objects.filter(pk=search_id, holder=holder, is_over=False).update(
        held_until=timezone.now() + _LEASE, people=found.people, left=found.left, calls=found.calls
    )
    return ProviderSearch.objects.filter(pk=search_id).first()


def _finish(search_id: int, found: FoundProviders) -> ProviderSyncResult:
    with transaction.atomic():
        result = apply_providers(found)
        _end(search_id, ProviderSearch.Status.DONE, people=found.people, calls=found.calls, result=asdict(result))
    return result


def fail_search(search_id: int, message: str, advice: str) -> None:
    """A search did not succeed, and why."""
    _end(search_id, ProviderSearch.Status.FAILED, message=message[:300], advice=advice[:300])


def _end(search_id: int, status: str, **values: Any) -> None:
    ProviderSearch.objects.filter(pk=search_id).update(
        status=status, is_over=True, ended_at=timezone.now(), held_until=None, holder="", left=0, **values
    )


def _give_back(search_id: int, holder: str) -> None:
    ProviderSearch.objects.filter(pk=search_id, holder=holder, is_over=False).update(
        status=ProviderSearch.Status.QUEUED, held_until=None, holder=""
    )
