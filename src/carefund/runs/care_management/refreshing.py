"""Care management as a kind of work: refresh the pools of service provider ids, and keep what was shown.

A refresh keeps what came back for an hour as a preview of each id, so that a person may leave the page, come back, look
and save exactly that. After a scheduled sync, where that is switched on, what came back is saved at once.
Source: rule SYNC-10.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from carefund.access.roles import may_administer
from carefund.domain.care_management.pools import Pool
from carefund.domain.service_providers import is_valid_service_provider_id
from carefund.records.care_management.store import list_detected_providers, list_tabs, store_pool
from carefund.runs import ledger
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, require_configured
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import Failure, ItemResult, WorkKind
from carefund.sync.care_management.previews import freeze_pool, thaw_pool
from carefund.sync.care_management.refreshing import Refreshed, refresh_pools

_NAME = "pools"
_SAVE = {"save": True}
_SHOWN_FOR = timedelta(hours=1)
_ONE_ID, _ALL_IDS = "care management of one Service Provider ID", "care management of all Service Provider IDs"


class NotRefreshable(Exception):
    """No pool can be asked for: the message says why, and what to do first."""


class NotSavable(Exception):
    """What was shown is too old to be saved, or was saved already."""


@dataclass(frozen=True, slots=True)
class ShownRefresh:
    """A refresh under way, or what one brought that was not saved yet: `results` is empty until the run is over."""

    run: Run
    results: Sequence[Refreshed]


def request_refresh(service_provider_id: str = "", requested_by: User | None = None) -> Run:
    """Ask for one id's pools of the current quarter, or for all ids' that are still returned.

    Raises NotRefreshable as long as no valid id is returned and for an id that is not one of ours; NotConfigured.
    """
    ids = _choose_ids(service_provider_id)
    require_configured(SERVICES_AUSTRALIA)
    return request_work(
        _NAME,
        [NewRunItem(f"pool:{wanted}") for wanted in ids],
        trigger=Run.Trigger.ON_DEMAND,
        scope=_ONE_ID if service_provider_id else _ALL_IDS,
        requested_by=requested_by,
    )


def request_saving() -> Run:
    """Ask for all ids' pools, to be saved without anybody looking. Raises NothingToDo without a valid id."""
    try:
        ids = _choose_ids("")
    except NotRefreshable:
        raise NothingToDo from None
    items = [NewRunItem(f"pool:{wanted}") for wanted in ids]
    return request_work(_NAME, items, trigger=Run.Trigger.SCHEDULED, scope=_ALL_IDS, parameters=_SAVE)


def _choose_ids(service_provider_id: str) -> list[str]:
    found = list_tabs()
    ids = [row.service_provider_id for row in found if is_valid_service_provider_id(row.service_provider_id)]
    if service_provider_id and not is_valid_service_provider_id(service_provider_id):
        raise NotRefreshable("This is not a Service Provider ID. It has up to 10 letters, digits or hyphens.")
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
    return [service_provider_id] if service_provider_id else [wanted for wanted in ids if wanted not in gone]


def find_shown_refresh(service_provider_id: str) -> ShownRefresh | None:
    """The refresh of an id (of all ids together, if it is empty) that is under way, or ended within the hour and was
    not saved yet."""
    asked = RunItem.objects.select_related("run").filter(run__kind=_NAME, run__trigger=Run.Trigger.ON_DEMAND)
    if service_provider_id:
        asked = asked.filter(holds=f"pool:{service_provider_id}")
    else:
        asked = asked.filter(run__scope=_ALL_IDS)
    item = asked.exclude(status=RunItem.Status.CANCELLED).order_by("-run_id").first()
    if item is None:
        return None
    if not item.run.is_over:
        return ShownRefresh(item.run, ())
    results = results_of(item.run, service_provider_id)
    return ShownRefresh(item.run, results) if results else None


def results_of(run: Run, service_provider_id: str = "") -> list[Refreshed]:
    """What a refresh brought, by id, as far as it may still be saved; of one id or of all."""
    found = [thaw_pool(bytes(preview.fetch)) for preview in _list_fresh_previews(run)]
    wanted = [refreshed for refreshed in found if service_provider_id in ("", refreshed.pool.service_provider_id)]
    return sorted(wanted, key=lambda refreshed: refreshed.pool.service_provider_id)


def _list_fresh_previews(run: Run) -> "QuerySet[Preview]":
    """Those of the run, and those of work under way elsewhere that it joined."""
    items = list(run.items.values_list("id", "joined_id"))
    return Preview.objects.filter(
        item_id__in=[joined_id or item_id for item_id, joined_id in items],
        applied_at__isnull=True,
        item__finished_at__gt=timezone.now() - _SHOWN_FOR,
    )


def save_refreshed(run: Run, user_id: int | None = None, *, service_provider_id: str = "") -> list[Pool]:
    """Keep what a refresh brought (of one id or of all) in the history. Return the pools that were new in it.

    Raises NotSavable when there is nothing of it that may be saved.
    """
    with transaction.atomic():
        previews = {preview.pk: thaw_pool(bytes(preview.fetch)) for preview in _list_fresh_previews(run)}
        wanted = {
            pk: refreshed
            for pk, refreshed in previews.items()
            if service_provider_id in ("", refreshed.pool.service_provider_id)
        }
        fresh = Preview.objects.filter(pk__in=wanted, applied_at__isnull=True).update(applied_at=timezone.now())
        if not fresh or fresh < len(wanted):
            raise NotSavable
        return [pool for refreshed in wanted.values() for pool in _store_pools(refreshed, user_id=user_id)]


def _store_pools(refreshed: Refreshed, *, user_id: int | None = None, is_by_schedule: bool = False) -> list[Pool]:
    """Keep the quarter's pool and those just ended. Return those that were new."""
    return [pool for pool in refreshed.to_save if store_pool(pool, user_id=user_id, is_by_schedule=is_by_schedule)]


def find_last_saving() -> Run | None:
    """The newest run that saved after a scheduled sync and is over."""
    runs = Run.objects.filter(kind=_NAME, trigger=Run.Trigger.SCHEDULED, status=Run.Status.FINISHED)
    return runs.order_by("-id").first()


def list_problems(run: Run) -> list[str]:
    """Why ids of a run could not be refreshed, each reason once."""
    failed = run.items.filter(outcome=RunItem.Outcome.FAILED).order_by("id")
    return list(dict.fromkeys(failed.values_list("message", flat=True)))


async def _refresh(session: Session, item: ClaimedItem) -> Refreshed:
    (refreshed,) = await refresh_pools(session.source, [item.held_id], business_today())
    return refreshed


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[Refreshed]) -> None:
    """Keep what came back, as previews or in the history, and what is wrong with an id as its failure."""
    holder, run = session.worker.holder, session.run
    with transaction.atomic():
        for item, refreshed in zip(items, answers, strict=True):
            if run.parameters != _SAVE:
                Preview.objects.create(item_id=item.item_id, version=0, changes=[], fetch=freeze_pool(refreshed))
            if problem := refreshed.problem:
                failure = Failure(item, problem.code, "service provider's budgets", problem.message, problem.advice)
                ledger.record_failures(holder, [failure])
                continue
            new = _store_pools(refreshed, is_by_schedule=True) if run.parameters == _SAVE else []
            ledger.record_outcomes(holder, [item], [_item_result(refreshed, is_new=bool(new))])
        outdated = timezone.now() - _SHOWN_FOR
        Preview.objects.filter(item__run__kind=_NAME, item__finished_at__lt=outdated).delete()


def _item_result(refreshed: Refreshed, *, is_new: bool) -> ItemResult:
    count = len(refreshed.pool.budgets)
    outcome = RunItem.Outcome.CHANGED if is_new else RunItem.Outcome.UNCHANGED
    return ItemResult(outcome, f"{count:,} active budget{'' if count == 1 else 's'}.")


POOLS = WorkKind(
    name=_NAME,
    label="Care management refresh",
    items="Service Provider IDs",
    funder=SERVICES_AUSTRALIA,
    work=_refresh,
    store=_store,
    may_be_cut=True,
    may_ask=may_administer,
)
