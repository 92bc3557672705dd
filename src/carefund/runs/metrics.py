"""What monitoring is told: figures of the installation, never of a person. Labels hold words of the code's own alone.

Every figure stands in METRICS; docs/monitoring.md and docs/alerts.yaml name them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db.models import Count, Max, Min, Q, Sum

from carefund.funders.registry import list_funders
from carefund.records.backups.freshness import find_last_backup
from carefund.records.care_recipient.queries import find_attention, list_devices
from carefund.records.claims.queries import list_unsettled_claims
from carefund.records.models import Client, Payload, ServiceContract
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA, configuration_of
from carefund.runs.kinds import list_kinds
from carefund.runs.models import CallCount, CallLimit, Run, RunItem

_NDIA = "ndia"
_ARCHIVE = "metrics-archive"
_ARCHIVE_SECONDS = 600  # the whole archive is read for its size
_Labels = tuple[str, ...]
_Figures = Iterator[tuple[_Labels, float]]


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure: its name, what it says, the names of its labels, and how it is read. One that `grows` is a counter."""

    name: str
    help: str
    labels: tuple[str, ...]
    read: Callable[[datetime], _Figures]
    grows: bool = False


def _count_clients(now: datetime) -> _Figures:
    found = find_attention(Client.objects.all(), now - timedelta(hours=settings.STALE_AFTER_HOURS))
    yield ("active",), found.total
    yield ("failed",), found.failed
    yield ("consent_missing",), found.consent_missing
    yield ("stale",), found.stale


def _find_oldest_answers(now: datetime) -> _Figures:
    asked = Client.objects.filter(is_active=True, care_recipient_id__isnull=False)
    contracts = ServiceContract.objects.filter(is_active=True)
    for funder, step, oldest in (
        (SERVICES_AUSTRALIA, "sync", asked.aggregate(at=Min("sync_state__checked_at"))["at"]),
        (SERVICES_AUSTRALIA, "claim-check", list_unsettled_claims().aggregate(at=Min("checked_at"))["at"]),
        (_NDIA, "contract-comparison", contracts.aggregate(at=Min("comparison__compared_at"))["at"]),
    ):
        if oldest is not None:
            yield (funder, step), oldest.timestamp()


def _find_last_successes(now: datetime) -> _Figures:
    done = RunItem.objects.filter(status=RunItem.Status.DONE, finished_at__gte=now - timedelta(days=30))
    rows = done.exclude(outcome=RunItem.Outcome.FAILED).order_by().values_list("run__kind")
    funders = {kind.name: kind.funder for kind in list_kinds()}
    for kind, at in rows.annotate(at=Max("finished_at")):
        if kind in funders:
            yield (funders[kind], kind), at.timestamp()


def _count_calls(now: datetime) -> _Figures:
    for funder, status, count in CallCount.objects.order_by("funder", "status").values_list(
        "funder", "status", "count"
    ):
        yield (funder, str(status) if status else "none"), count


def _list_call_rates(now: datetime) -> _Figures:
    for funder in list_funders():
        yield (funder.name,), configuration_of(funder).timing.calls_per_second


def _list_calls_at_once(now: datetime) -> _Figures:
    for funder in list_funders():
        yield (funder.name,), configuration_of(funder).timing.calls_at_once


def _list_closed(now: datetime) -> _Figures:
    known = {funder.name for funder in list_funders()}
    for funder, until in CallLimit.objects.values_list("funder", "closed_until"):
        if funder in known:
            yield (funder,), max(0.0, (until - now).total_seconds())


def _count_items(now: datetime) -> _Figures:
    for row in _list_open():
        for status in ("queued", "running"):
            yield (row["run__kind"], status), row[status]


def _find_longest_waits(now: datetime) -> _Figures:
    for row in _list_open():
        if row["since"] is not None:
            yield (row["run__kind"],), max(0.0, (now - row["since"]).total_seconds())


def _list_open() -> list[dict[str, Any]]:
    """By kind, what waits and what is under way, and since when the first of those that wait does."""
    kinds = {kind.name for kind in list_kinds()}
    active = RunItem.objects.filter(
        run__status__in=(Run.Status.QUEUED, Run.Status.RUNNING),
        status__in=(RunItem.Status.QUEUED, RunItem.Status.RUNNING),
    )
    waits = Q(status=RunItem.Status.QUEUED)
    rows = active.order_by().values("run__kind").annotate(
        queued=Count("pk", filter=waits),
        running=Count("pk", filter=~waits),
        since=Min("run__created_at", filter=waits),
    )  # fmt: skip
    return [dict(row) for row in rows if row["run__kind"] in kinds]


def _count_paused(now: datetime) -> _Figures:
    kinds = {kind.name for kind in list_kinds()}
    paused = Run.objects.filter(status=Run.Status.PAUSED).order_by().values_list("kind")
    for kind, number in paused.annotate(number=Count("pk")):
        if kind in kinds:
            yield (kind,), number


def _find_key_expiry(now: datetime) -> _Figures:
    yield from _find_first_expiry("key_expires_at")


def _find_device_expiry(now: datetime) -> _Figures:
    yield from _find_first_expiry("device_expires_at")


def _find_first_expiry(column: str) -> _Figures:
    at = list_devices().filter(environment=settings.FUNDER_ENVIRONMENT).aggregate(at=Min(column))["at"]
    if at is not None:
        yield (), at.timestamp()


def _measure_archive(now: datetime) -> _Figures:
    yield (), _read_archive()["size"] or 0


def _count_archive(now: datetime) -> _Figures:
    yield (), _read_archive()["answers"]


def _read_archive() -> dict[str, int]:
    found: dict[str, int] | None = cache.get(_ARCHIVE)
    if found is None:
        found = Payload.objects.aggregate(answers=Count("pk"), size=Sum("size"))
        cache.set(_ARCHIVE, found, _ARCHIVE_SECONDS)
    return found


def _find_backup_time(now: datetime) -> _Figures:
    last = find_last_backup()
    if last is not None:
        yield (), last.made_at.timestamp()


METRICS = (
    Metric("carefund_clients", "Clients, by what they need.", ("state",), _count_clients),
    Metric(
        "carefund_oldest_answer_timestamp_seconds",
        "When the least recently checked one was checked.",
        ("funder", "step"),
        _find_oldest_answers,
    ),
    Metric(
        "carefund_last_success_timestamp_seconds",
        "When work of a kind last succeeded, in the last 30 days.",
        ("funder", "kind"),
        _find_last_successes,
    ),
    Metric("carefund_calls", "Calls to funders, by status.", ("funder", "status"), _count_calls, grows=True),
    Metric("carefund_calls_per_second_limit", "Calls begun per second; 0: no limit.", ("funder",), _list_call_rates),
    Metric("carefund_calls_at_once_limit", "Calls under way at the same time.", ("funder",), _list_calls_at_once),
    Metric(
        "carefund_funder_closed_seconds", "For how long the funder asked Carefund to wait.", ("funder",), _list_closed
    ),
    Metric("carefund_items", "Items of runs that wait or are under way.", ("kind", "status"), _count_items),
    Metric("carefund_oldest_waiting_seconds", "How long the first item has waited.", ("kind",), _find_longest_waits),
    Metric("carefund_runs_paused", "Runs that are paused.", ("kind",), _count_paused),
    Metric("carefund_key_expires_timestamp_seconds", "When the PRODA key expires.", (), _find_key_expiry),
    Metric("carefund_device_expires_timestamp_seconds", "When the PRODA device expires.", (), _find_device_expiry),
    Metric("carefund_archive_bytes", "Responses in the archive, before compression.", (), _measure_archive),
    Metric("carefund_archive_answers", "Different responses in the archive.", (), _count_archive),
    Metric("carefund_last_backup_timestamp_seconds", "When the last backup was made.", (), _find_backup_time),
)
