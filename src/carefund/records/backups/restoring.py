"""The way back: a backup into an empty database, or in place of one, wholly or not at all."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from carefund.records.backups.choosing import find_engine
from carefund.records.backups.manifest import BackupRefused, DatabaseState, Manifest
from carefund.records.backups.packing import read_manifest, scratch_folder, unpack
from carefund.records.versions import NEWER, knows_all

_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """What a restore will do: the backup, the place, and what is there now (None: nothing)."""

    backup: Path
    manifest: Manifest
    place: str
    present: DatabaseState | None


def plan_restore(backup: Path) -> RestorePlan:
    """Look at a backup and at the place, and change nothing. Raise BackupRefused, OSError and DatabaseError."""
    if not backup.is_file():
        raise BackupRefused("This file does not exist.", "Name a file that `carefund backup` has written.")
    manifest, engine = read_manifest(backup), find_engine()
    if manifest.engine != engine.ENGINE:
        raise BackupRefused(
            f"This is a backup of {_KINDS.get(manifest.engine, 'another database')}, and the settings name "
            f"{_KINDS[engine.ENGINE]}.",
            "Set CAREFUND_DATABASE_URL to a database of the same kind.",
        )
    if not knows_all(manifest.database.migrations):
        raise BackupRefused("The backup was made by a newer version of Carefund than this one.", NEWER[1])
    return RestorePlan(backup, manifest, engine.name_place(), engine.find_state())


def restore(plan: RestorePlan) -> str:
    """Do it. Return where what was there is kept, if it is. Raise BackupRefused and OSError; then nothing changed."""
    engine, folder = find_engine(), Path(settings.DATA_FOLDER)
    if not settings.ON_POSTGRESQL:
        folder = Path(str(settings.DATABASES["default"]["NAME"])).parent  # the same disk, for a rename
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with scratch_folder(folder) as scratch:
        unpacked = scratch / "unpacked"
        unpack(plan.backup, plan.manifest, engine.MEMBER, unpacked)
        return engine.put_in_place(unpacked, plan.manifest.database)
