"""The file of a backup: a tar of the manifest and the database, packed with zstandard. Any tar and zstd open it."""

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec
import zstandard

from carefund.records.backups.manifest import FORMAT, BackupRefused, Manifest

MANIFEST = "manifest.json"
_CHUNK = 1024 * 1024
_LARGEST_MANIFEST = 1024 * 1024
_SCRATCH = ".carefund-backup-"
_DAMAGED = ("The backup is damaged.", "Use another one. This file was cut off or changed after it was made.")
_OTHER_FILE = ("This is not a backup of Carefund.", "Name a file that `carefund backup` has written.")


@contextmanager
def scratch_folder(beside: Path) -> Iterator[Path]:
    """Make a folder for what is under way, and remove it; of those whose process was killed the next one does that."""
    for left in beside.glob(f"{_SCRATCH}*"):
        if not _is_alive(left):
            shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=f"{_SCRATCH}{os.getpid()}-", dir=beside) as folder:
        yield Path(folder)


def _is_alive(folder: Path) -> bool:
    number = folder.name.removeprefix(_SCRATCH).partition("-")[0]
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, ValueError):
        return False
    except PermissionError:
        pass
    return True


@contextmanager
def packing(packed: Path) -> Iterator[IO[bytes]]:
    """A stream into a packed file."""
    with packed.open("wb") as file, zstandard.ZstdCompressor(level=3).stream_writer(file) as stream:
        yield stream


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_file(target: Path, manifest: Manifest, member: str, packed: Path) -> None:
    """Write a backup; it is on the disk when this returns."""
    content = msgspec.json.format(msgspec.json.encode(manifest), indent=1)
    with target.open("wb") as file:
        with tarfile.open(fileobj=file, mode="w") as archive, packed.open("rb") as database:
            for name, size, data in (
                (MANIFEST, len(content), io.BytesIO(content)),
                (member, manifest.size, database),
            ):
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode, entry.mtime = size, 0o600, int(manifest.made_at.timestamp())
                archive.addfile(entry, data)
        file.flush()
        os.fsync(file.fileno())


def read_manifest(path: Path) -> Manifest:
    """Return what a backup says about itself. Raise BackupRefused for any other file, OSError if it cannot be read."""
    try:
        with tarfile.open(path, mode="r:") as archive:
            entry = archive.next()
            if entry is None or not entry.isreg() or entry.name != MANIFEST or entry.size > _LARGEST_MANIFEST:
                raise BackupRefused(*_OTHER_FILE)
            file = archive.extractfile(entry)
            manifest = msgspec.json.decode(file.read() if file else b"", type=Manifest)
    except (tarfile.TarError, msgspec.DecodeError, UnicodeDecodeError):
        raise BackupRefused(*_OTHER_FILE) from None
    if manifest.format > FORMAT:
        raise BackupRefused("This backup was made by a newer version of Carefund.", "Restore it with that version.")
    return manifest


def unpack(path: Path, manifest: Manifest, member: str, target: Path) -> None:
    """Write the database of a backup into a file. Raise BackupRefused when it is not what was written."""
    try:
        with tarfile.open(path, mode="r:") as archive:
            entry = next((found for found in archive if found.isreg() and found.name == member), None)
            file = archive.extractfile(entry) if entry else None
            if file is None:
                raise BackupRefused(*_DAMAGED)
            hashing = _Hashing(file)
            with target.open("wb") as out:
                zstandard.ZstdDecompressor().copy_stream(
                    cast("IO[bytes]", hashing), out, read_size=_CHUNK, write_size=_CHUNK
                )
            hashing.read_rest()
    except (tarfile.TarError, zstandard.ZstdError):
        raise BackupRefused(*_DAMAGED) from None
    if hashing.digest.hexdigest() != manifest.sha256:
        raise BackupRefused(*_DAMAGED)


class _Hashing:
    """A stream that is read, and its digest."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self.digest = file, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data

    def read_rest(self) -> None:
        """Read what the decompressor had no need of."""
        while self.read(_CHUNK):
            pass
