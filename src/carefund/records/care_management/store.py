"""Writes and reads of the care management history, and of the service provider ids that are its tabs.

Callers hand in pools as the domain knows them and get them back the same way, whether fresh or saved.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from carefund.domain.care_management.pools import Pool, PooledBudget, PooledUse, says_the_same
from carefund.domain.quarters import Quarter
from carefund.records.care_management.pool_json import estimate_as_data, estimate_from_data
from carefund.records.models import (
    CareManagementBudget,
    CareManagementSave,
    CareManagementSettings,
    CareManagementUse,
    ServiceProvider,
)
from carefund.records.not_found import find_one

_COLUMNS = tuple(field.name for field in fields(PooledBudget))


@dataclass(frozen=True, slots=True)
class Saved:
    """A saved snapshot with what is known of the saving."""

    save_id: int
    pool: Pool
    last_synced_at: datetime
    saved_by: str
    is_by_schedule: bool


def store_pool(pool: Pool, *, user_id: int | None = None, is_by_schedule: bool = False) -> bool:
    """Keep a snapshot; gives whether it was a new one. The same as the newest only moves that one's Last Sync Date.

    A snapshot asked for before the newest one is older news and is not kept.
    """
    with transaction.atomic():
        saves = CareManagementSave.objects.select_for_update().filter(
            service_provider_id=pool.service_provider_id, quarter_start_date=pool.quarter.start_date
        )
        newest = saves.order_by("-synced_at", "-id").first()
        if newest is not None and newest.last_synced_at >= pool.asked_at:
            return False
        if newest is not None and says_the_same(_read([newest])[0].pool, pool):
            newest.last_synced_at = pool.asked_at
            newest.save(update_fields=["last_synced_at"])
            return False
        _insert(pool, user_id, is_by_schedule)
    return True


def _insert(pool: Pool, user_id: int | None, is_by_schedule: bool) -> None:
    row = CareManagementSave.objects.create(
        service_provider_id=pool.service_provider_id,
        quarter_start_date=pool.quarter.start_date,
        synced_at=pool.asked_at,
        last_synced_at=pool.asked_at,
        saved_by_id=user_id,
        is_by_schedule=is_by_schedule,
        unread_details=pool.unread_details,
        estimate=estimate_as_data(pool.estimate),
    )
    CareManagementBudget.objects.bulk_create(
        CareManagementBudget(save_record=row, **asdict(budget)) for budget in pool.budgets
    )
    CareManagementUse.objects.bulk_create(
        (CareManagementUse(save_record=row, **asdict(use)) for use in pool.uses), batch_size=1000
    )


def list_saves(service_provider_id: str, *, with_uses: bool = True) -> list[Saved]:
    """Every snapshot of one id, oldest first, by quarter; without who used the budgets where nobody asks for that."""
    return _read(CareManagementSave.objects.filter(service_provider_id=service_provider_id), with_uses=with_uses)


def list_newest(service_provider_ids: Sequence[str], quarter: Quarter, *, with_uses: bool = True) -> list[Saved]:
    """The newest snapshot of each of these ids in one quarter, in their order; an id without one is left out."""
    saves = CareManagementSave.objects.filter(
        service_provider_id__in=service_provider_ids, quarter_start_date=quarter.start_date
    )
    newest = dict(saves.order_by("synced_at", "id").values_list("service_provider_id", "pk"))
    read = {
        saved.pool.service_provider_id: saved
        for saved in _read(saves.filter(pk__in=newest.values()), with_uses=with_uses)
    }
    return [read[provider_id] for provider_id in service_provider_ids if provider_id in read]


def _read(
    saves: "QuerySet[CareManagementSave] | Sequence[CareManagementSave]", *, with_uses: bool = True
) -> list[Saved]:
    """Snapshots in their order. A year of them has ten thousands of uses, so those are read by column."""
    rows = list(saves.select_related("saved_by") if isinstance(saves, QuerySet) else saves)
    by_id = {row.pk: row for row in rows}
    budgets: dict[int, list[PooledBudget]] = {key: [] for key in by_id}
    uses: dict[int, list[PooledUse]] = {key: [] for key in by_id}
    of_budgets = CareManagementBudget.objects.filter(save_record__in=by_id).values_list("save_record_id", *_COLUMNS)
    for key, *values in of_budgets:
        budgets[key].append(PooledBudget(*values))
    if with_uses:
        listed = CareManagementUse.objects.filter(save_record__in=by_id)
        columns = ("save_record_id", "care_recipient_id", "amount", "lines")
        for key, care_recipient_id, amount, lines in listed.values_list(*columns):
            uses[key].append(PooledUse(care_recipient_id, amount, lines))
    names = {row.pk: row.saved_by.get_username() if row.saved_by else "" for row in rows}
    return [
        Saved(
            row.pk,
            Pool(
                row.service_provider_id,
                Quarter(row.quarter_start_date),
                row.synced_at,
                tuple(budgets[row.pk]),
                tuple(uses[row.pk]),
                estimate_from_data(row.estimate),
                row.unread_details,
            ),
            row.last_synced_at,
            names[row.pk],
            row.is_by_schedule,
        )
        for row in rows
    ]


def list_detected_providers() -> "QuerySet[ServiceProvider]":
    """The ids found on care recipients' budgets, those no longer returned too: who has a history."""
    return ServiceProvider.objects.filter(detected_at__isnull=False).order_by("service_provider_id")


def find_detected_provider(service_provider_id: str) -> ServiceProvider:
    """One of the ids that were ever found. Raises NotHere."""
    return find_one(list_detected_providers().filter(service_provider_id=service_provider_id))


def list_tabs() -> list[ServiceProvider]:
    """The tabs: every id ever found, as long as one of them is still returned; none once the funder names no id.

    Source: rule SYNC-09.
    """
    found = list(list_detected_providers())
    return found if any(row.no_longer_returned_date is None for row in found) else []


@dataclass(frozen=True, slots=True)
class ProviderChanges:
    """What a sync of service providers changed among the ids."""

    new: tuple[str, ...]
    returned_again: tuple[str, ...]
    no_longer_returned: tuple[str, ...]


def store_providers(found: Sequence[str], at: datetime, today: date, *, is_complete: bool) -> ProviderChanges:
    """Keep the distinct ids that were found. Only a complete look may say that an id is no longer returned."""
    known = {row.service_provider_id: row for row in ServiceProvider.objects.select_for_update()}
    new = tuple(
        provider_id for provider_id in found if provider_id not in known or known[provider_id].detected_at is None
    )
    again = tuple(
        provider_id
        for provider_id in found
        if provider_id in known and known[provider_id].no_longer_returned_date is not None
    )
    for provider_id in found:
        ServiceProvider.objects.update_or_create(
            service_provider_id=provider_id,
            defaults={"last_seen_at": at, "detected_at": at, "no_longer_returned_date": None},
            create_defaults={"first_seen_at": at, "last_seen_at": at, "detected_at": at},
        )
    gone: tuple[str, ...] = ()
    if is_complete:
        gone = tuple(
            provider_id
            for provider_id, row in known.items()
            if provider_id not in found and row.detected_at is not None and row.no_longer_returned_date is None
        )
        ServiceProvider.objects.filter(service_provider_id__in=gone).update(no_longer_returned_date=today)
    return ProviderChanges(new, again, gone)


def find_settings() -> CareManagementSettings:
    """The one row of settings, as it is before anybody changed it if there is none yet."""
    return CareManagementSettings.objects.first() or CareManagementSettings(pk=1)


def store_settings(**values: Any) -> None:
    """Change some of the settings."""
    CareManagementSettings.objects.update_or_create(pk=1, defaults=values)
