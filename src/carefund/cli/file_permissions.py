"""The files of an installation belong to its account alone: the database with its log, the locks, and the settings.

The settings may be shared: where root keeps them for the service's account, the file's group reads them and no more.
Files that settings name for a secret are the administrator's: they are looked at, and left as they are.
"""

import os
import pwd
import stat
from collections.abc import Iterator
from pathlib import Path

import typer
from django.conf import settings

from carefund.cli.output import FAILED, complain, screen

_FILE, _FOLDER = 0o600, 0o700
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
HOW_TO_CLOSE = (
    "As its owner, set its permissions to 0600. Where root keeps it for a service, "
    "give it the service's group and set 0640."
)


def mend_own_files() -> None:
    """Take the rights of other accounts off what was made with them, and say so; a refusal is only said.

    Raises Exit where SQLite's file has a second name.
    """
    _require_one_name()
    mended = refused = 0
    for path, mode in _list_own():
        try:
            found = path.stat()
            allowed = mode | stat.S_IRGRP if path == settings.ENVIRONMENT_FILE and _is_shared(found) else mode
            if stat.S_IMODE(found.st_mode) & _OTHERS & ~allowed:
                path.chmod(stat.S_IMODE(found.st_mode) & (stat.S_IRWXU | allowed))
                mended += 1
        except FileNotFoundError:  # SQLite removed its log meanwhile
            continue
        except OSError:
            refused += 1
    if mended:
        things = "one file or folder" if mended == 1 else f"{mended} files and folders"
        screen.print(f"Other accounts on this machine could read {things} of Carefund. Now only this account can.")
    if refused:
        complain(
            "Other accounts on this machine can read files of Carefund that this account cannot change.",
            f"As their owner, set permissions 0700 for {settings.DATA_FOLDER} and 0600 for the files in it.",
        )
    for sentence in describe_open_secrets():
        complain(sentence, HOW_TO_CLOSE)


def _require_one_name() -> None:
    """SQLite keeps its log beside the name by which a file was opened, so two names end in two truths."""
    database = Path(settings.DATABASES["default"]["NAME"])
    if not settings.ON_POSTGRESQL and database.is_file() and database.stat().st_nlink > 1:
        complain(
            "The database file has a second name (a hard link). Processes that use both would damage it.",
            "Remove the other name. If you need a copy, use `carefund backup`.",
        )
        raise typer.Exit(FAILED)


def describe_open_secrets() -> list[str]:
    """Return a sentence for each secret's file that other accounts can read or write. Those are not ours to change."""
    return [
        f"Other accounts on this machine can read the file that {setting} names."
        for setting, path in settings.SECRET_FILES.items()
        if _is_open(path)
    ]


def _is_open(path: Path) -> bool:
    try:
        found = path.stat()
        allowed = stat.S_IRWXU | (stat.S_IRGRP if _is_shared(found) else 0)
        return bool(found.st_mode & _OTHERS & ~allowed) and all(
            folder.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH) for folder in path.resolve().parents
        )
    except OSError:  # a folder that this account cannot look into
        return False


def _is_shared(found: os.stat_result) -> bool:
    """Whether somebody gave a file a group on purpose: another one than its owner's."""
    try:
        return found.st_gid != pwd.getpwuid(found.st_uid).pw_gid
    except KeyError:  # an owner without a name, as in some containers
        return False


def _list_own() -> Iterator[tuple[Path, int]]:
    folder = Path(settings.DATA_FOLDER)
    if folder.is_dir():
        yield folder, _FOLDER
        yield from ((path, _FILE) for path in folder.glob("*.lock"))
    if settings.ENVIRONMENT_FILE.is_file():
        yield settings.ENVIRONMENT_FILE, _FILE
    if not settings.ON_POSTGRESQL:
        database = Path(settings.DATABASES["default"]["NAME"])
        for path in (database, *(database.with_name(database.name + end) for end in ("-wal", "-shm", "-journal"))):
            if path.is_file():
                yield path, _FILE


def make_private() -> None:
    """Let no other account read what this process makes from now on."""
    os.umask(_OTHERS)
