"""Whether the database can be used, and what to tell when it or the disk refuses: the cause as far as it is named."""

import errno

from django.db import connection
from django.db.utils import DatabaseError, InterfaceError, InternalError, OperationalError

from carefund.records.versions import find_version_problem

__all__ = ["DatabaseError", "describe", "describe_disk", "describe_tables", "explain_refusal", "name_database"]

# The database's own trouble, not that of what is being written: full, read-only, locked, gone, restarting.
_TROUBLE = (OperationalError, InterfaceError, InternalError)
# A part of the driver's own words (SQLite's, PostgreSQL's), what it means, and what to do.
_NO_TABLES = "The database's tables are missing or out of date."
_CAUSES = (
    (
        ("locked", "lock timeout"),
        "Another process kept the database locked for too long.",
        "Nothing was changed. Try again in a moment. CAREFUND_DATABASE_TIMEOUT sets how long to wait.",
    ),
    (
        ("readonly", "read-only"),
        "The database is read-only.",
        "Nothing was changed. Give this account permission to write to the database file and its folder.",
    ),
    (
        ("no such table", "does not exist", "no such column"),
        _NO_TABLES,
        "Run `carefund setup` first.",
    ),
    (
        "unable to open",
        "The database file cannot be opened.",
        "Check CAREFUND_DATA_FOLDER or CAREFUND_DATABASE_URL, then run `carefund setup`.",
    ),
    (
        ("full", "no space"),
        "The disk that holds the database is full.",
        "Nothing was changed. Free some disk space, then try again.",
    ),
    (
        "disk i/o",
        "The disk that holds the database cannot be written or read.",
        "Nothing was changed; check whether the disk is full or faulty, then try again.",
    ),
    (
        ("connection", "connect"),
        "The database server cannot be reached.",
        "Check that it is running and that CAREFUND_DATABASE_URL is correct, then try again.",
    ),
)


def describe(error: Exception) -> tuple[str, str]:
    """A message and a piece of advice; the driver's own words stay out, since they may hold values."""
    said = str(error).lower()
    for parts, message, advice in _CAUSES:
        if any(part in said for part in ((parts,) if isinstance(parts, str) else parts)):
            return message, advice
    return (
        f"The database refused: {type(error).__name__}.",
        "Nothing was changed. Check that the database is running, and run `carefund setup` if you upgraded.",
    )


def explain_refusal(error: BaseException | None) -> str:
    """Why the database or the disk refused, in one sentence for anybody; "" where an error is none of theirs.

    A table that is missing is no refusal that waiting ends.
    """
    if isinstance(error, _TROUBLE):
        reason = describe(error)[0]
        return "" if reason == _NO_TABLES else reason
    told = describe_disk(error) if isinstance(error, OSError) else None
    return told[0] if told else ""


_DISK = {
    errno.ENOSPC: ("The disk is full.", "Free some disk space, then try again."),
    errno.EDQUOT: ("This account has used all of its disk quota.", "Free some disk space, then try again."),
    errno.EFBIG: ("A file has reached the system's size limit.", "Raise the limit (ulimit -f), then try again."),
    errno.EROFS: ("The disk is read-only.", "Mount it for writing, or set CAREFUND_DATA_FOLDER to another place."),
    errno.EACCES: (
        "This account does not have permission to write to a file or folder of Carefund.",
        "Give it permission to write to CAREFUND_DATA_FOLDER and to the database's folder.",
    ),
}


def describe_disk(error: OSError) -> tuple[str, str] | None:
    """A message and a piece of advice where the disk refused to be written; None for every other error."""
    return _DISK.get(error.errno or 0)


def describe_tables() -> str:
    """What stands in the way of using the database's tables, with advice; "" when they fit this version."""
    try:
        problem = find_version_problem()
    except DatabaseError as error:
        problem = describe(error)
    return " ".join(problem or ())


def name_database() -> str:
    """Which kind of database is in use: sqlite or postgresql."""
    return str(connection.vendor)
