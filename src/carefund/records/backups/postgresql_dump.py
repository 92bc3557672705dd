"""A PostgreSQL database as a backup: `pg_dump` of one snapshot, and `psql` for the way back, in one transaction.

Digests are sums of the rows' digests, which need no order: the scratch database, and a restored one on another machine,
may sort otherwise.
"""

import os
import secrets
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql
from psycopg.conninfo import make_conninfo

from carefund.records.backups.manifest import BackupRefused, DatabaseState, OnStep, TableState
from carefund.records.backups.packing import packing
from carefund.records.view_schema import SCHEMA

ENGINE, MEMBER = "postgresql", "database.sql.zst"
_CHUNK = 1024 * 1024
_PATIENCE_SECONDS = 5.0
_SCRATCH = "carefund_scratch_"
_IN_USE = (
    "Another process uses the database.",
    "Stop Carefund and every worker first, on every machine. Nothing was changed.",
)
_TABLES: LiteralString = """
SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY 1
"""
_STATE: LiteralString = """
SELECT count(*), coalesce(sum(('x' || substr(digest, 1, 15))::bit(60)::bigint), 0)::text,
    coalesce(sum(('x' || substr(digest, 16, 15))::bit(60)::bigint), 0)::text
FROM (SELECT encode(sha256(convert_to(whole_row::text, 'UTF8')), 'hex') AS digest FROM {table} AS whole_row) AS rows
"""
_OBJECTS: LiteralString = """
SELECT (SELECT count(*) FROM pg_indexes WHERE schemaname = 'public'),
    (SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
    WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal)
"""
# What a restored dump makes anew. What extensions brought is theirs, and stays.
_EMPTY = """
DO $$
DECLARE one record;
BEGIN
    FOR one IN SELECT format('DROP TABLE IF EXISTS public.%I CASCADE', tablename) AS it
        FROM pg_tables WHERE schemaname = 'public'
    LOOP EXECUTE one.it; END LOOP;
    FOR one IN SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) AS it
        FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
    LOOP EXECUTE one.it; END LOOP;
    FOR one IN SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype) AS it
        FROM pg_type t LEFT JOIN pg_class c ON c.oid = t.typrelid
        WHERE t.typnamespace = 'public'::regnamespace AND (t.typtype IN ('e', 'd', 'r') OR c.relkind = 'c')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = t.oid AND d.deptype = 'e')
    LOOP EXECUTE one.it; END LOOP;
    FOR one IN SELECT format('DROP SEQUENCE IF EXISTS public.%I CASCADE', sequencename) AS it
        FROM pg_sequences WHERE schemaname = 'public'
    LOOP EXECUTE one.it; END LOOP;
END $$;
"""


def pack(packed: Path, on_step: OnStep) -> DatabaseState:
    """Dump the snapshot that is described meanwhile."""
    with _connect() as database:
        database.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        row = database.execute("SELECT pg_export_snapshot()").fetchone()
        assert row is not None
        dump = ["pg_dump", "--no-owner", "--no-privileges", f"--exclude-schema={SCHEMA}", f"--dbname={_address()}"]
        dump.append(f"--snapshot={row[0]}")
        with packing(packed) as stream, _started(dump, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            megabytes = 0
            while chunk := process.stdout.read(_CHUNK):
                stream.write(chunk)
                megabytes += 1
                on_step(0, 0, f"{megabytes:,} MB dumped")
        if process.returncode:
            raise BackupRefused(
                f"pg_dump ended with status {process.returncode}.",
                "It must be of the server's version or newer; `pg_dump --version` says which it is.",
            )
        return describe(database, on_step)


def try_restoring(database: Path) -> DatabaseState | None:
    """Load a dump into a database that is made for that and dropped again."""
    with _scratch_database() as name:
        if not name:
            return None
        _load(_address(name), [database])
        with _connect(name) as scratch:
            return describe(scratch)


def find_state() -> DatabaseState | None:
    """What is in the schema of Carefund."""
    with _connect() as database:
        state = describe(database)
    return state if state.tables else None


def name_place() -> str:
    """The database and its server."""
    server = settings.DATABASES["default"]
    return f"the database {server['NAME']} on {server['HOST'] or 'this machine'}"


def put_in_place(database: Path, expected: DatabaseState) -> str:
    """Empty the database and load the dump, in one transaction; then look whether all of it came."""
    require_alone()
    emptying = database.with_suffix(".empty")
    emptying.write_text(_EMPTY, encoding="utf-8")
    _load(_address(), [emptying, database])
    with _connect(autocommit=True) as server:
        server.execute("ANALYZE")
        if expected.find_differences(describe(server)):
            raise BackupRefused(
                "The database was restored, but differs from the backup.",
                "Do not start Carefund with it. Restore into an empty database, or use another backup.",
            )
    return ""


def require_alone() -> None:
    """Raise BackupRefused while others are connected; the server takes a moment to see that a process has ended."""
    connections.close_all()
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    until = time.monotonic() + _PATIENCE_SECONDS
    with _connect(autocommit=True) as server:
        while server.execute(others).fetchone() != (0,):
            if time.monotonic() > until:
                raise BackupRefused(*_IN_USE)
            time.sleep(0.2)


def _load(address: str, scripts: list[Path]) -> None:
    files = [f"--file={script}" for script in scripts]
    load = ["psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1", f"--dbname={address}"]
    with _started([*load, *files], stdout=subprocess.DEVNULL) as process:
        process.wait()
    if process.returncode:
        raise BackupRefused(
            f"psql could not load the backup, and ended with status {process.returncode}.",
            "Nothing was changed. The server must be of the version that the backup was made on, or newer.",
        )


@contextmanager
def _scratch_database() -> Iterator[str]:
    """A database of its own on the same server; "" where this account may not make one.

    A connection to it is held open, so that another process that clears up does not take it.
    """
    name = f"{_SCRATCH}{secrets.token_hex(8)}"
    with _connect(autocommit=True) as server:
        _drop_leftovers(server)
        row = server.execute("SELECT pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()")
        encoding = str((row.fetchone() or ("UTF8",))[0])
        make = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {}")
        try:
            server.execute(make.format(sql.Identifier(name), sql.Literal(encoding)))
        except psycopg.errors.InsufficientPrivilege:
            yield ""
            return
        try:
            with _connect(name, autocommit=True):
                yield name
        finally:
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


def _drop_leftovers(server: "psycopg.Connection[Any]") -> None:
    """Drop what processes that were killed have left; one that is in use refuses."""
    ours = "SELECT datname FROM pg_database WHERE starts_with(datname, %s) AND pg_get_userbyid(datdba) = current_user"
    for (name,) in server.execute(ours, [_SCRATCH]).fetchall():
        with suppress(psycopg.Error):
            server.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name)))


def _ignore(done: int, total: int, words: str) -> None:
    pass


def describe(database: "psycopg.Connection[Any]", on_step: OnStep = _ignore) -> DatabaseState:
    """Return what a connection sees, every row of it in the digests."""
    names = [name for (name,) in database.execute(_TABLES).fetchall()]
    states = {}
    for number, name in enumerate(names):
        on_step(number, len(names), "tables read")
        row = database.execute(sql.SQL(_STATE).format(table=sql.Identifier("public", name))).fetchone()
        assert row is not None
        states[name] = TableState(row[0], f"{int(row[1]):x}-{int(row[2]):x}")
    row = database.execute(_OBJECTS).fetchone()
    assert row is not None
    applied: list[str] = []
    if "django_migrations" in names:
        listed = database.execute("SELECT app || '.' || name FROM public.django_migrations").fetchall()
        applied = sorted(name for (name,) in listed)
    return DatabaseState(states, {"index": row[0], "trigger": row[1]}, applied)


def _connect(name: str = "", *, autocommit: bool = False) -> "psycopg.Connection[Any]":
    """A connection that writes values as text in one way, wherever it runs."""
    password = settings.DATABASES["default"]["PASSWORD"] or None
    database = psycopg.connect(_address(name), password=password, autocommit=True)
    database.execute("SET TimeZone = 'UTC'")
    database.execute("SET DateStyle = 'ISO, YMD'")
    database.execute("SET IntervalStyle = 'postgres'")
    database.execute("SET bytea_output = 'hex'")
    database.execute("SET extra_float_digits = 1")
    database.autocommit = autocommit
    return database


def _address(name: str = "") -> str:
    """How libpq finds a database, without the password: other accounts can read a command's arguments."""
    server = settings.DATABASES["default"]
    given = {"host": server["HOST"], "port": server["PORT"], "user": server["USER"], "dbname": name or server["NAME"]}
    options = {key: value for key, value in server.get("OPTIONS", {}).items() if isinstance(value, str | int)}
    return make_conninfo(**{key: value for key, value in (options | given).items() if value})


@contextmanager
def _started(command: list[str], *, stdout: int) -> Iterator["subprocess.Popen[bytes]"]:
    """One of PostgreSQL's programs, ended with us. What it complains about may name values, so nobody is told."""
    password = settings.DATABASES["default"]["PASSWORD"]
    environment = os.environ | ({"PGPASSWORD": password} if password else {})
    try:
        process = subprocess.Popen(  # noqa: S603 PostgreSQL's own programs
            command, env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.DEVNULL
        )
    except FileNotFoundError:
        raise BackupRefused(
            f"{command[0]} is not installed here.",
            "Install PostgreSQL's client programs of the server's version (Debian: postgresql-client).",
        ) from None
    try:
        yield process
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout:
            process.stdout.close()
