"""The nightly backup as a kind of work, and whether there is a backup that one may rely on."""

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, transaction

from carefund.access.audit_log import CAREFUND, store_act
from carefund.access.roles import may_administer
from carefund.records.backups.freshness import LastBackup, find_last_backup, find_set_up_at, store_last_backup
from carefund.records.backups.making import MadeBackup, make_backup, remove_old_backups
from carefund.records.backups.manifest import BackupRefused, Manifest, OnStep
from carefund.records.database_trouble import describe_disk
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind

_NAME = "backup"
_FRESH_FOR = timedelta(hours=36)  # a night, and the half day after it
_BY_HAND_FOR = timedelta(days=8)
_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class BackupState:
    """Whether there is a backup to rely on. `problem` is a sentence with advice, "" when all is well; it `is_urgent`
    where this installation is told to make backups and does not."""

    last: LastBackup | None
    problem: str = ""
    is_urgent: bool = False


def request_backup(trigger: str) -> Run:
    """Ask for a backup into the folder of the settings. Raises NothingToDo without one."""
    if not settings.BACKUP_FOLDER:
        raise NothingToDo
    return request_once(_NAME, NewRunItem(_NAME), trigger=trigger, scope="the database")


def find_backup_obstacle() -> str:
    """Return why no backup can be made on schedule, and what to set; "" where one can."""
    return (
        ""
        if settings.BACKUP_FOLDER
        else "No folder for backups is set. Set CAREFUND_BACKUP_FOLDER and restart Carefund."
    )


def describe_backups(now: datetime) -> BackupState:
    """Return when the last backup was made, and what is wrong with that."""
    last = find_last_backup()
    if not settings.BACKUP_FOLDER:
        if last is None:
            return BackupState(
                None, "No backup has been made yet. Set CAREFUND_BACKUP_FOLDER, or run `carefund backup`."
            )
        if now - last.made_at > _BY_HAND_FOR:
            return BackupState(
                last, "The last backup is more than a week old. Run `carefund backup`, or set CAREFUND_BACKUP_FOLDER."
            )
        return BackupState(last)
    failed = _find_failure(last)
    if failed is not None:
        return BackupState(last, f"The last backup failed: {failed.message} {failed.advice}", is_urgent=True)
    since = last.made_at if last else find_set_up_at() or now
    if now - since > _FRESH_FOR:
        advice = "Check that the background process runs, and see Backup under Schedules."
        return BackupState(
            last, f"No backup has been made for more than {_FRESH_FOR // timedelta(hours=1)} hours. {advice}", True
        )
    return BackupState(last)


def _find_failure(last: LastBackup | None) -> RunItem | None:
    """The newest backup of the schedule, if it failed and none was made since."""
    ended = RunItem.objects.filter(run__kind=_NAME, finished_at__isnull=False).order_by("-id").first()
    if ended is None or ended.outcome != RunItem.Outcome.FAILED:
        return None
    return None if last and ended.finished_at and last.made_at > ended.finished_at else ended


async def _make(session: Session, item: ClaimedItem) -> ItemResult:
    """In a thread of its own: reading and packing a large database takes minutes, and the loop keeps the leases."""
    if not settings.BACKUP_FOLDER:  # taken out of the settings meanwhile, or restored where there is none
        return ItemResult(RunItem.Outcome.UNCHANGED, "No folder for backups is set.")
    loop, looked_at = asyncio.get_running_loop(), [0.0]

    def on_step(done: int, total: int, words: str) -> None:
        now = time.monotonic()
        if now - looked_at[0] >= _LOOK_SECONDS:
            looked_at[0] = now
            asyncio.run_coroutine_threadsafe(_go_on(session, item, done, total, words), loop).result()

    made, removed = await asyncio.to_thread(_make_here, on_step)
    await session.write(item, _note, made, CAREFUND)
    return ItemResult(RunItem.Outcome.CHANGED, f"{write_proof(made)} Old backups removed: {removed}.")


def _make_here(on_step: OnStep) -> tuple[MadeBackup, int]:
    """Make a backup into the folder of the settings, and remove what is older than is kept. Raises ItemFailed."""
    folder = Path(settings.BACKUP_FOLDER)
    if not folder.is_dir():  # not made here: it may be a share that is not mounted
        advice = "Create or mount it, and check CAREFUND_BACKUP_FOLDER."
        raise ItemFailed(_NAME, "The folder for backups does not exist.", advice)
    try:
        made = make_backup(folder, settings.ENCRYPTION_KEYS, settings.BACKUP_PASSPHRASE, on_step)
        return made, remove_old_backups(folder, settings.BACKUP_KEEP_DAILY, settings.BACKUP_KEEP_WEEKLY)
    except BackupRefused as refusal:
        raise ItemFailed(_NAME, refusal.message, refusal.advice) from None
    except OSError as error:
        told = describe_disk(error)
        if not told:
            raise
        raise ItemFailed(_NAME, *told) from None


async def _go_on(session: Session, item: ClaimedItem, done: int, total: int, words: str) -> None:
    """Renew the lease and say how far it is. Raises LeaseLost and Interrupted, which end the thread's work."""
    await session.keep(item)
    await session.report_progress(item, done, total, words)


def note_typed_backup(made: MadeBackup) -> None:
    """Remember a backup that was made at the terminal, unless the tables are of a version that cannot note it."""
    with suppress(DatabaseError), transaction.atomic():
        _note(made, None)


def note_restore(manifest: Manifest) -> None:
    """Enter a restore into the audit log of the database that was restored, if its tables are of this version."""
    with suppress(DatabaseError), transaction.atomic():
        store_act(None, "Backup restored", after={"made at": f"{manifest.made_at:%Y-%m-%d %H:%M} UTC"})


def _note(made: MadeBackup, actor: str | None) -> None:
    store_last_backup(made)
    has_keys = made.manifest.keys is not None
    after = {"rows": made.manifest.database.rows, "restored to compare": made.is_restored, "with keys": has_keys}
    store_act(actor, "Backup made", after=after)


def write_proof(made: MadeBackup) -> str:
    """Return how large a backup is, and what proves it, as sentences."""
    database = made.manifest.database
    size = f"{len(database.tables)} tables with {database.rows:,} rows, {made.size / 1e6:,.1f} MB."
    if made.is_restored:
        return f"{size} Restored into a scratch database and compared: nothing differs."
    return f"{size} Read back, but not restored: this account may not create a scratch database (CREATEDB)."


BACKUP = WorkKind(name=_NAME, label="Backup", items="backups", work=_make, may_ask=may_administer)
