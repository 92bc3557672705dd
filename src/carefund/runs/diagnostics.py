"""What a bug report needs to know of an installation: versions, counts, failures and timing, and never a person.

Everything here is a number, an instant, a word of the code's own, or whether a setting is set. Texts that people or
funders wrote (names, ids, messages, scopes) are not read at all.
"""

import platform
import re
import shutil
import time
from datetime import datetime
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.models import Avg, Count, F, Max
from django.utils import timezone

from carefund.access.log_sealing import LOGS, check_log
from carefund.records.backups.freshness import find_last_backup
from carefund.records.database_trouble import describe_tables
from carefund.records.models.devices import ProdaDevice
from carefund.runs.kinds import list_kinds
from carefund.runs.models import Run, RunItem, Schedule

_LATEST = 50
_OURS = ("records", "runs", "access", "auth", "sessions")
_CODE = re.compile(r"[a-z][a-z0-9-]{1,39}")


def describe_installation() -> dict[str, Any]:
    """Return the report as JSON data. What cannot be read because of the database says so. Raise nothing of its own."""
    problem = describe_tables()
    report: dict[str, Any] = {
        "made_at": timezone.now(),
        "versions": _list_versions(),
        "settings": settings.SETTINGS_WITHOUT_TEXTS,
        "machine": _describe_machine(),
        "database": {"engine": connection.vendor, "problem": problem},
    }
    if problem:
        return report
    report["database"] |= _describe_database()
    report |= {
        "rows": {model._meta.db_table: model._default_manager.count() for model in _list_models()},
        "runs": _list_latest_runs(),
        "failures": _list_failures(),
        "seconds_per_item": _list_speeds(),
        "schedules": list(Schedule.objects.order_by("kind").values("kind", "is_enabled", "last_slot_at")),
        "devices": list(
            ProdaDevice.objects.values("activated_at", "refreshed_at", "key_expires_at", "device_expires_at")
        ),
        "logs": {
            log.label: {"sealed": log.sealed, "waiting": log.waiting, "is_whole": log.is_whole} for log in _logs()
        },
        "last_backup": _describe_backup(),
    }
    return report


def _list_versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "django": django.get_version()}
    names = ["carefund", *(re.split(r"[^A-Za-z0-9._-]", line)[0] for line in requires("carefund") or [])]
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _describe_machine() -> dict[str, Any]:
    folder = settings.DATA_FOLDER
    return {
        "system": platform.system(),
        "release": platform.release(),
        "processor": platform.machine(),
        "free_disk_bytes": shutil.disk_usage(folder).free if folder.is_dir() else None,
    }


def _describe_database() -> dict[str, Any]:
    on_postgresql = connection.vendor == "postgresql"
    size = "pg_database_size(current_database())" if on_postgresql else "page_count * page_size"
    source = "" if on_postgresql else " FROM pragma_page_count(), pragma_page_size()"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {size}{source}")
        size_bytes = cursor.fetchone()[0]
        started = time.perf_counter()
        cursor.execute("SELECT 1")
        cursor.fetchone()
        milliseconds = round((time.perf_counter() - started) * 1000, 2)
        cursor.execute("SHOW server_version_num" if on_postgresql else "SELECT sqlite_version()")
        engine_version = cursor.fetchone()[0]
    return {"version": engine_version, "bytes": size_bytes, "milliseconds_of_a_query": milliseconds}


def _list_models() -> list[Any]:
    return [model for model in apps.get_models() if model._meta.app_label in _OURS]


def _list_latest_runs() -> list[dict[str, Any]]:
    kinds = {kind.name for kind in list_kinds()}
    runs = list(
        Run.objects.order_by("-id").values(
            "id", "kind", "trigger", "status", "parts", "total", "created_at", "started_at", "finished_at",
            "correlation_id",
        )[:_LATEST]
    )  # fmt: skip
    outcomes: dict[int, dict[str, int]] = {}
    counted = RunItem.objects.filter(run_id__in=[run["id"] for run in runs]).order_by()
    for run_id, outcome, number in counted.values_list("run_id", "outcome").annotate(number=Count("pk")):
        outcomes.setdefault(run_id, {})[outcome or "not done"] = number
    return [
        run | {"kind": run["kind"] if run["kind"] in kinds else "unknown", "outcomes": outcomes.get(run["id"], {})}
        for run in runs
    ]


def _list_failures() -> list[dict[str, Any]]:
    failed = RunItem.objects.filter(outcome=RunItem.Outcome.FAILED).order_by("-id")
    rows = failed.values("id", "run_id", "run__kind", "error_code", "finished_at", "crash_count")[:_LATEST]
    return [{**row, "error_code": _as_code(row["error_code"]), "run__kind": _as_code(row["run__kind"])} for row in rows]


def _as_code(text: str) -> str:
    """A code is a word of ours; anything else is not shown."""
    return text if _CODE.fullmatch(text) else "not a code"


def _list_speeds() -> list[dict[str, Any]]:
    """Seconds from an item's start to its end, by kind, of the items that are still known."""
    done = RunItem.objects.filter(started_at__isnull=False, finished_at__isnull=False).order_by()
    spent = F("finished_at") - F("started_at")
    rows = done.values("run__kind").annotate(items=Count("pk"), mean=Avg(spent), longest=Max(spent))
    return [
        {
            "kind": _as_code(row["run__kind"]),
            "items": row["items"],
            "mean": round(row["mean"].total_seconds(), 3),
            "longest": round(row["longest"].total_seconds(), 3),
        }
        for row in rows
    ]


def _logs() -> list[Any]:
    return [check_log(log) for log in LOGS]


def _describe_backup() -> dict[str, datetime | int | bool] | None:
    last = find_last_backup()
    if last is None:
        return None
    return {"made_at": last.made_at, "bytes": last.size, "is_restored": last.is_restored, "has_keys": last.has_keys}
