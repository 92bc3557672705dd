"""Care management, asked from a door or after a scheduled run: refresh, and save by itself if so switched."""

import asyncio
import logging
from collections.abc import Sequence

from asgiref.sync import async_to_sync
from django.db import connection
from django.utils import timezone

from carefund.domain.service_providers import is_valid_service_provider_id
from carefund.funders.errors import FunderError
from carefund.records.care_management_store import (
    find_settings,
    list_detected_providers,
    list_tabs,
    store_pool,
    store_settings,
    take_run,
)
from carefund.runs.database import DatabaseThreads
from carefund.runs.dates import business_today
from carefund.runs.models import Run
from carefund.runs.sources import open_source
from carefund.sync.care_management import Refreshed, refresh_pools

log = logging.getLogger(__name__)


class NotRefreshable(Exception):
    """No pool can be asked for: the message says why, and what to do first."""


def refresh(service_provider_id: str = "") -> list[Refreshed]:
    """Ask for one id's pools of the current quarter, or for all ids' that are still returned. Stores nothing.

    Raises NotRefreshable while no valid id is known and for an id that is not one of ours; FunderError when the
    connection could not be opened. What goes wrong with one id is told in its result.
    """
    found = list_tabs()
    ids = [row.service_provider_id for row in found if is_valid_service_provider_id(row.service_provider_id)]
    if service_provider_id and not is_valid_service_provider_id(service_provider_id):
        raise NotRefreshable(
            "That is not a Service Provider ID: it has up to ten letters, digits or hyphens. Services Australia was "
            "not asked."
        )
    if not ids:
        before = "any more" if list_detected_providers().exists() else "yet"
        raise NotRefreshable(
            f"No valid Service Provider ID is known {before}. Run Sync Service Providers first; Refresh is possible "
            "as soon as it has found one."
        )
    if service_provider_id and service_provider_id not in ids:
        raise NotRefreshable(
            "This Service Provider ID was not found on any care recipient's budget. Check it, or run Sync Service "
            "Providers again."
        )
    gone = {row.service_provider_id for row in found if row.no_longer_returned_date}
    wanted = [service_provider_id] if service_provider_id else [one for one in ids if one not in gone]
    return async_to_sync(_refresh)(wanted)


async def _refresh(service_provider_ids: Sequence[str]) -> list[Refreshed]:
    async with open_source() as source:
        return await refresh_pools(source, service_provider_ids, business_today())


async def save_when_due(database: DatabaseThreads) -> None:
    """Save after a scheduled run, in a thread of its own, so that nobody waits for the funder's answer."""
    if await database.do(_ended_run_to_follow):
        await asyncio.to_thread(_save_and_disconnect)


def _save_and_disconnect() -> None:
    try:
        save_after_scheduled_run()
    finally:
        connection.close()


def _ended_run_to_follow() -> int | None:
    """The newest scheduled run that is over and was not followed by a save; None while saving is switched off."""
    settings = find_settings()
    if not settings.is_saved_by_schedule:
        return None
    ended = Run.objects.filter(trigger=Run.Trigger.SCHEDULED, status=Run.Status.FINISHED, id__gt=settings.last_run_id)
    return ended.order_by("-id").values_list("id", flat=True).first()


def save_after_scheduled_run() -> int:
    """Save all pools if that is switched on and a nightly run has ended since the last time; gives how many were new.

    Harmless to call often and from several places: each run is followed by one save. Nothing is raised; a problem is
    kept for the page.
    """
    run_id = _ended_run_to_follow()
    if run_id is None or not take_run(run_id):
        return 0
    try:
        results = refresh()
    except (FunderError, NotRefreshable) as problem:
        log.warning("care management was not saved after a scheduled run: %s", type(problem).__name__)
        store_settings(ran_at=timezone.now(), problem=str(problem)[:300])
        return 0
    new = sum(store_pool(pool, is_by_schedule=True) for one in results for pool in one.to_save)
    problems = [one.problem.message for one in results if one.problem]
    store_settings(ran_at=timezone.now(), problem=" ".join(dict.fromkeys(problems))[:300])
    return new


def switch_saving(*, on: bool) -> None:
    """Switch saving by itself on or off; runs that ended before are not made up for."""
    last = Run.objects.order_by("-id").values_list("id", flat=True).first() or 0
    store_settings(is_saved_by_schedule=on, last_run_id=last)
