"""A database file that another process holds, that may not be written, or that is none."""

import sqlite3
from contextlib import closing

from tests.installation import Installation


def test_a_locked_database_ends_in_one_message(installation: Installation):
    before = installation.records()
    with closing(sqlite3.connect(installation.file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        done = installation.type("sync", "400000003", database_timeout="1")
        other.execute("ROLLBACK")
    assert done.status == 1
    assert "kept the database locked" in done.err
    assert "Try again" in done.err
    assert "Traceback" not in done.err
    assert installation.records() == before
    assert installation.type("sync", "400000003").status == 0


def test_a_read_only_database_ends_in_one_message(installation: Installation):
    before = installation.records()
    done = installation.type("sync", "400000003", database_url=f"sqlite:///file:{installation.file}%3Fmode=ro")
    assert done.status == 1
    assert "read-only" in done.err
    assert "Traceback" not in done.err
    assert installation.records() == before


def test_a_file_that_is_no_database_ends_in_one_message(installation: Installation):
    installation.file.write_text("This is no database, and longer than the head of one.\n" * 20)
    done = installation.type("sync", "400000003")
    assert done.status == 1
    assert "Error:" in done.err
    assert "Traceback" not in done.err
