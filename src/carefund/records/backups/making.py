"""Make a backup and prove it: what was written is read back, restored beside the database, and compared row by row."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from django.conf import settings

from carefund.domain.backups import choose_kept
from carefund.records.backups.choosing import find_engine
from carefund.records.backups.key_wrapping import wrap_keys
from carefund.records.backups.manifest import FORMAT, BackupRefused, Manifest, OnStep
from carefund.records.backups.packing import digest_of, read_manifest, scratch_folder, unpack, write_file

_NAME = "carefund-%Y%m%d-%H%M%S.tar"


@dataclass(frozen=True, slots=True)
class MadeBackup:
    """A backup that was written. `is_restored`: it was restored into a scratch database and nothing differed; else it
    was only read back, since no scratch database may be made here."""

    path: Path
    size: int
    manifest: Manifest
    is_restored: bool


def make_backup(target: Path, keys: Sequence[str], passphrase: str, on_step: OnStep) -> MadeBackup:
    """Write a backup to a file that does not exist yet, or into a folder under a name of its own.

    The encryption keys go with it under the passphrase; without one they are left out. Raise BackupRefused, and OSError
    where the disk refuses; then no file of that name is left.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    path = target / now.strftime(_NAME) if target.is_dir() else target
    if not path.parent.is_dir():
        raise BackupRefused("The folder for the backup does not exist.", "Create or mount it first.")
    if path.exists():
        raise BackupRefused("This file exists already.", "Name another one, or a folder.")
    wrapped = wrap_keys(keys, passphrase) if keys and passphrase else None
    engine = find_engine()
    with scratch_folder(path.parent) as scratch:
        packed, written, unpacked = (scratch / name for name in ("packed", "written", "unpacked"))
        state = engine.pack(packed, on_step)
        manifest = Manifest(
            format=FORMAT,
            made_at=now,
            version=version("carefund"),
            engine=engine.ENGINE,
            database=state,
            sha256=digest_of(packed),
            size=packed.stat().st_size,
            keys=wrapped,
        )
        write_file(written, manifest, engine.MEMBER, packed)
        packed.unlink()
        on_step(0, 0, "restoring and comparing")
        unpack(written, read_manifest(written), engine.MEMBER, unpacked)
        restored = engine.try_restoring(unpacked)
        if restored is not None and state.find_differences(restored):
            raise BackupRefused(
                "The backup was restored and compared, and differs from the database.",
                "Check the disk, then try again.",
            )
        written.rename(path)
        return MadeBackup(path, path.stat().st_size, manifest, restored is not None)


def remove_old_backups(folder: Path, daily: int, weekly: int) -> int:
    """Delete the backups in a folder that are not to be kept; other files are left alone. Return how many went."""
    made, zone = {}, settings.BUSINESS_TIME_ZONE
    for path in folder.glob("carefund-*.tar"):
        try:
            made[datetime.strptime(path.name, _NAME).replace(tzinfo=UTC).astimezone(zone)] = path
        except ValueError:
            continue
    kept = choose_kept(made, daily, weekly)
    old = [path for instant, path in made.items() if instant not in kept]
    for path in old:
        path.unlink(missing_ok=True)
    return len(old)
