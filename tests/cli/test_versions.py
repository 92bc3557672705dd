"""Programme and database of different versions, set-ups at one moment, and whose files they are: real processes."""

import os
import re
import stat
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import psycopg
import pytest
from django.test.utils import override_settings

from carefund.cli.file_permissions import mend_own_files
from tests.runs.conftest import another_database
from tests.runs.installation import Installation, Process, wait_until
from tests.set_up import copy_tables, find_template, server_address

pytestmark = pytest.mark.slow
NEWER = "Error: A newer version of Carefund set up this database."
OLDER = "Error: The database's tables are missing or out of date."
NOBODY = "http://127.0.0.1:9"
FROM_TOMORROW = "INSERT INTO django_migrations (app, name, applied) VALUES ('runs', '9999_from_tomorrow', '2026-01-01')"


@pytest.fixture(
    params=[
        pytest.param("SQLite", marks=pytest.mark.one_database),
        pytest.param("PostgreSQL", marks=pytest.mark.postgresql),
    ]
)
def installation(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """An installation whose tables were never made."""
    with another_database("carefund_empty") if request.param == "PostgreSQL" else nullcontext("") as database_url:
        made = Installation(tmp_path / "data", NOBODY, database_url, forks=True)
        made.settings["CAREFUND_SECRET_KEY"] = "only for this test"
        made.folder.mkdir()
        yield made
        made.stop()


def make_tables(installation: Installation) -> None:
    """Give it the tables that `carefund setup` makes."""
    if not installation.database_url:
        copy_tables(installation.folder)
        return
    name = installation.database_url.rsplit("/", 1)[-1]
    with psycopg.connect(f"{server_address()}/postgres", autocommit=True) as database:
        database.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        database.execute(f'CREATE DATABASE "{name}" TEMPLATE "{find_template()}"')


def test_four_set_ups_at_once_all_end_well(installation: Installation):
    if installation.database_url:  # the tables take long there; what is made after them does not
        make_tables(installation)
        installation.write("TRUNCATE auth_group, auth_permission, django_content_type CASCADE")
    set_ups = [installation.start("setup") for _ in range(4)]
    assert [end(installation, set_up) for set_up in set_ups] == [0] * 4, installation.log
    assert "Traceback" not in installation.log
    assert "Error" not in installation.log
    assert "Waiting until it finishes" in installation.log
    assert installation.rows("SELECT count(*), count(DISTINCT name) FROM auth_group") == [(4, 4)]
    applied = installation.rows("SELECT count(*), count(DISTINCT app || name) FROM django_migrations")
    assert applied[0][0] == applied[0][1] > 30


def end(installation: Installation, process: Process) -> int | None:
    """Wait for the end of a process that was started; give its exit status."""
    installation.processes.remove(process)
    return process.wait(180)


def test_an_older_programme_does_nothing_on_a_newer_database(installation: Installation):
    make_tables(installation)
    installation.write(FROM_TOMORROW)
    for words in (("serve", "--port", "0"), ("worker",), ("setup",), ("runs", "list"), ("sync", "400000003")):
        said = installation.carefund(*words, status=1)
        assert NEWER in said, words
        assert len(said.strip().splitlines()) == 2, said
    assert "A newer version of Carefund set up this database" in installation.carefund("check", status=1)
    assert "Usage" in installation.carefund("runs", "--help")


@pytest.mark.parametrize("words", [("serve", "--port", "0"), ("worker",)], ids=lambda words: words[0])
def test_an_older_programme_that_runs_stops_beside_a_newer_database(installation: Installation, words: tuple[str, ...]):
    """As when another machine, or another folder, is upgraded first."""
    make_tables(installation)
    process = installation.start(*words)
    wait_until(lambda: is_at_work(installation, words[0]), lambda: installation.log)
    installation.write(FROM_TOMORROW)
    assert end(installation, process) == 1
    assert NEWER in installation.log
    assert "Traceback" not in installation.log


def is_at_work(installation: Installation, word: str) -> bool:
    if word == "serve":
        return "Console on" in installation.log
    if installation.database_url:
        return bool(installation.rows("SELECT 1 FROM procrastinate_workers"))
    return bool(list(installation.folder.glob("*.lock")))


def test_on_old_tables_every_command_says_one_sentence(installation: Installation):
    assert_old(installation)
    make_tables(installation)
    installation.carefund("runs", "list")
    installation.write("DELETE FROM django_migrations WHERE app = 'access' AND name LIKE '0003%'")
    assert_old(installation)


def assert_old(installation: Installation) -> None:
    for words in (("worker",), ("runs", "list"), ("show", "400000003"), ("tokens", "list")):
        said = installation.carefund(*words, status=1)
        assert OLDER in said, said
        assert len(said.strip().splitlines()) == 2, said
    assert "missing or out of date" in installation.carefund("check", status=1)


@pytest.mark.one_database
def test_the_files_of_an_installation_are_its_accounts_alone(tmp_path: Path):
    made = Installation(tmp_path / "data", NOBODY)
    made.carefund("setup", "--environment-file", str(tmp_path / "carefund.env"))
    made.settings["CAREFUND_ENVIRONMENT_FILE"] = str(tmp_path / "carefund.env")
    database = made.folder / "carefund.sqlite3"
    assert (mode(made.folder), mode(database)) == (0o700, 0o600)
    for path, old in ((made.folder, 0o755), (database, 0o644), (tmp_path / "carefund.env", 0o640)):
        path.chmod(old)
    said = made.carefund("setup")
    assert re.search(
        r"could read [345] files and folders of Carefund. Now only this account can", " ".join(said.split())
    )
    assert (mode(made.folder), mode(database), mode(tmp_path / "carefund.env")) == (0o700, 0o600, 0o600)
    assert "could read" not in made.carefund("setup")
    made.start("worker")
    wait_until(lambda: list(made.folder.glob("*.lock")), lambda: made.log)
    made.carefund("runs", "list")
    made.stop()
    left = {path.name: oct(mode(path)) for path in made.folder.iterdir() if path.is_file() and path.name != "log"}
    assert set(left.values()) == {"0o600"}, left


@pytest.mark.one_database
def test_settings_that_root_shares_with_the_services_group_stay_shared(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Root keeps them for another account: the group reads them, nobody else does, and nobody is locked out."""
    own = tmp_path.stat().st_gid
    group = next((number for number in (os.getgroups() if os.getuid() else [54_321]) if number != own), None)
    if group is None:
        pytest.skip("this account has one group only")
    file = tmp_path / "carefund.env"
    file.touch()
    os.chown(file, -1, group)
    for old, left in ((0o640, 0o640), (0o664, 0o640), (0o444, 0o440), (0o400, 0o400)):
        file.chmod(old)
        with override_settings(ENVIRONMENT_FILE=file, DATA_FOLDER=tmp_path / "none"):
            mend_own_files()
        assert mode(file) == left
        assert ("could read" in capsys.readouterr().out) == (old != left)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
