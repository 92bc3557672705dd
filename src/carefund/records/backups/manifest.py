"""What a backup says about itself: when it was made, of what, and what must be found in it. No value of any record."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

import msgspec

FORMAT = 1
# Called between the steps, from the thread that works: how many of how many are done, and with what. May raise.
OnStep = Callable[[int, int, str], None]


class BackupRefused(Exception):
    """A backup cannot be made, read or restored; message and advice hold nothing of what is in it."""

    def __init__(self, message: str, advice: str) -> None:
        self.message, self.advice = message, advice
        super().__init__(message)


class TableState(msgspec.Struct, frozen=True):
    """How many rows a table has, and a digest of all of them."""

    rows: int
    digest: str


class DatabaseState(msgspec.Struct, frozen=True):
    """What is in a database: its tables, how many indexes and triggers it has, and the migrations it was set up by."""

    tables: dict[str, TableState]
    objects: dict[str, int]
    migrations: list[str]

    def find_differences(self, other: "DatabaseState") -> list[str]:
        """Return the tables, and kinds of objects, that are not the same in both."""
        names = sorted(self.tables.keys() | other.tables.keys())
        differing = [name for name in names if self.tables.get(name) != other.tables.get(name)]
        kinds = sorted(self.objects.keys() | other.objects.keys())
        return differing + [kind for kind in kinds if self.objects.get(kind) != other.objects.get(kind)]

    def count(self, table: str) -> int:
        """Return how many rows a table has; 0 if it is not there."""
        return self.tables[table].rows if table in self.tables else 0

    @property
    def is_unreadable(self) -> bool:
        return "unreadable" in self.objects

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables.values())


class WrappedKeys(msgspec.Struct, frozen=True):
    """The encryption keys under a passphrase: scrypt gives the key of an AES-256-GCM. Texts are base64."""

    salt: str
    nonce: str
    ciphertext: str


class Manifest(msgspec.Struct, frozen=True):
    """The first member of the file. `sha256` and `size` are of the member that holds the database."""

    format: int
    made_at: datetime
    version: str
    engine: str
    database: DatabaseState
    sha256: str
    size: int
    keys: WrappedKeys | None = None


class BackupEngine(Protocol):
    """What each kind of database does: a module of this package."""

    ENGINE: str
    MEMBER: str

    def pack(self, packed: Path, on_step: OnStep) -> DatabaseState:
        """Write all of the database, as it is at one moment, into a file. Return what was in it at that moment."""

    def try_restoring(self, database: Path) -> DatabaseState | None:
        """Restore into a scratch database and return what is in it; None where no scratch database may be made."""

    def find_state(self) -> DatabaseState | None:
        """Return what the database holds now; None if it is empty or not there."""

    def require_alone(self) -> None:
        """Raise BackupRefused while another process uses the database."""

    def name_place(self) -> str:
        """Return where the database is, for people; never with a password."""

    def put_in_place(self, database: Path, expected: DatabaseState) -> str:
        """Replace the database by this one, wholly or not at all. Return where what was there is kept, if it is.

        Raise BackupRefused while another process uses it, or when it does not hold what is expected.
        """
