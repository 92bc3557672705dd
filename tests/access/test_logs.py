"""Both logs are written at once or refuse what they are about, cannot be changed, and show what is missing."""

import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction

from carefund.access.access_log import list_entries, store_view, store_views
from carefund.access.audit_log import store_act
from carefund.access.log_sealing import check_log, seal_logs
from carefund.access.log_triggers import install_guards, is_guarded
from carefund.access.models import AccessLogEntry, AuditEntry, LogHead
from carefund.records.models import Client
from tests.unguarded import remove_guards

pytestmark = pytest.mark.django_db(transaction=True)
ENTRIES = 7


@pytest.fixture
def ada() -> User:
    return User.objects.create_user("ada")


@pytest.fixture
def sealed(ada: User, add_client: Callable[..., Client]) -> list[int]:
    """The numbers of some entries that were sealed, each about a client of its own."""
    for number in range(ENTRIES):
        store_view(ada, add_client(f"40000{number:04}"), "Funding")
    assert seal_logs() == ENTRIES
    assert seal_logs() == 0
    return list(AccessLogEntry.objects.order_by("position").values_list("id", flat=True))


def test_a_page_with_many_clients_is_one_entry_that_each_of_them_finds(ada: User, add_client: Callable[..., Client]):
    people = [add_client(f"40000{number:04}") for number in range(50)]
    store_views(ada, [*people, people[0], None], "List of clients")
    store_views(ada, [], "Nobody")
    entry = AccessLogEntry.objects.get()
    assert (entry.client, entry.number_of_clients) == (None, 50)
    assert entry.listed_ids == [person.pk for person in people]
    for person in people:
        assert list_entries(client_id=person.pk).get() == entry
    assert not list_entries(client_id=people[-1].pk * 10 + 1).exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE access_accesslogentry SET user_name = 'eve'",
        "UPDATE access_accesslogentry SET digest = 'x', position = 99",
        "DELETE FROM access_accesslogentry",
        "DELETE FROM access_loghead",
        "UPDATE access_loghead SET position = 1",
    ],
)
def test_the_database_refuses_to_change_a_log(statement: str, sealed: list[int]):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert check_log(AccessLogEntry).is_whole


@pytest.mark.parametrize("log", ["accesslogentry", "loghead"])
@pytest.mark.parametrize("key", ["", "the key of another one"])
def test_no_entry_takes_the_place_of_another(log: str, key: str, sealed: list[int]):
    """REPLACE of SQLite deletes what is in its way; an upsert of PostgreSQL changes it."""
    table = f"access_{log}"
    columns = {field.column for field in (LogHead if log == "loghead" else AccessLogEntry)._meta.concrete_fields}
    if key and log == "accesslogentry":  # its place in the chain is taken, by an entry with a new number
        columns -= {"id"}
    names = ", ".join(f'"{column}"' for column in sorted(columns))
    copy = f"INTO {table} ({names}) SELECT {names} FROM {table} LIMIT 1"
    statement = f"REPLACE {copy}"
    if connection.vendor == "postgresql":
        unique = "log" if log == "loghead" else "id" if "id" in columns else "position"
        statement = f"INSERT {copy} ON CONFLICT ({unique}) DO UPDATE SET digest = 'x'"
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    assert check_log(AccessLogEntry).is_whole


def test_an_entry_cannot_be_changed_while_it_waits_for_its_seal_either(ada: User):
    store_act(ada, "Run: pause", "run 1")
    for change in ({"act": "nothing"}, {"act": "nothing", "position": 1}):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            AuditEntry.objects.update(**change)


@pytest.mark.postgresql
def test_a_log_cannot_be_truncated(sealed: list[int]):
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("TRUNCATE access_accesslogentry")


@pytest.fixture
def unguarded(sealed: list[int]) -> Iterator[list[int]]:
    """The entries, in the hands of somebody who took the triggers away."""
    remove_guards()
    yield sealed
    install_guards()


def test_a_log_without_its_guards_is_not_content(unguarded: list[int]):
    state = check_log(AccessLogEntry)
    assert (state.missing, state.changed, state.is_guarded, state.is_whole) == (0, 0, False, False)
    install_guards()
    assert is_guarded(AccessLogEntry)
    assert check_log(AccessLogEntry).is_whole


@pytest.mark.parametrize(("places", "missing"), [([0], 1), ([3], 1), ([2, 3], 2), ([-1], 1), ([-2, -1], 2)])
def test_entries_that_were_taken_out_show(unguarded: list[int], places: list[int], missing: int):
    AccessLogEntry.objects.filter(pk__in=[unguarded[place] for place in places]).delete()
    install_guards()
    state = check_log(AccessLogEntry)
    assert state.missing == missing
    assert not state.is_whole


@pytest.mark.parametrize("place", range(ENTRIES))
@pytest.mark.parametrize("change", [{"user_name": "eve"}, {"what": "Plan"}, {"client_id": None}, {"digest": "0" * 64}])
def test_an_entry_that_was_changed_shows(unguarded: list[int], place: int, change: dict[str, object]):
    AccessLogEntry.objects.filter(pk=unguarded[place]).update(**change)
    install_guards()
    state = check_log(AccessLogEntry)
    assert state.missing == 0
    assert state.changed >= 1


def test_a_head_that_was_put_back_shows(unguarded: list[int]):
    LogHead.objects.update(digest="0" * 64)
    assert check_log(AccessLogEntry).changed == 1


def test_an_entry_outlives_account_and_client(ada: User, sealed: list[int]):
    Client.objects.filter(care_recipient_id="400000000").delete()
    ada.delete()
    assert check_log(AccessLogEntry).is_whole
    entries = list(list_entries())
    assert [entry.user_name for entry in entries] == ["ada"] * ENTRIES
    assert [entry.client is None for entry in entries] == [False] * (ENTRIES - 1) + [True]


def test_of_before_and_after_only_what_differs_is_kept(ada: User):
    before = {"role": "Finance", "branches": [], "may sign in": True}
    store_act(ada, "Account changed", "account ben", before=before, after={**before, "role": "Coordinator"})
    store_act(None, "Account added", "account cy", after={"role": "Finance"})
    act, by_terminal = AuditEntry.objects.order_by("id")
    assert (act.before, act.after) == ({"role": "Finance"}, {"role": "Coordinator"})
    assert by_terminal.user is None
    assert by_terminal.user_name.startswith("terminal")
    assert seal_logs() == 2
    assert check_log(AuditEntry).is_whole


@pytest.mark.postgresql
def test_many_writers_and_sealers_at_once_make_one_chain_and_nobody_waits(ada: User):
    """Writers in transactions that last, some of which are given up: numbers have gaps and come out of order."""
    writers, each_writes = 12, 40
    stop = threading.Event()
    waits: list[float] = []

    def write(number: int) -> None:
        try:
            for turn in range(each_writes):
                begun = time.monotonic()
                with transaction.atomic():
                    store_act(ada, f"Act {turn}", f"writer {number}")
                    waits.append(time.monotonic() - begun)
                    if turn % 4 == 0:
                        time.sleep(0.02)
                    if turn % 10 == 9:
                        transaction.set_rollback(True)
        finally:
            connection.close()

    def seal() -> int:
        done = 0
        try:
            while not stop.is_set():
                done += seal_logs()
        finally:
            connection.close()
        return done

    with ThreadPoolExecutor(writers + 3) as threads:
        sealers = [threads.submit(seal) for _ in range(3)]
        for writer in [threads.submit(write, number) for number in range(writers)]:
            writer.result()
        stop.set()
        done = sum(sealer.result() for sealer in sealers) + seal_logs()
    kept = writers * each_writes * 9 // 10
    state = check_log(AuditEntry)
    assert (done, state.sealed, state.waiting) == (kept, kept, 0)
    assert state.is_whole
    assert sorted(waits)[len(waits) * 99 // 100] < 1.0, "an entry waits for no other one"


PROGRAM = """
import os, sqlite3, sys
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client as Browser
from django.urls import reverse
from carefund.access.roles import Role, give_role
from carefund.records.models import Client
call_command("migrate", verbosity=0)
ada = User.objects.create_user("ada")
give_role(ada, Role.ADMINISTRATOR, ())
wilma = Client.objects.create(first_name="Wilma", last_name="Example", care_recipient_id="400000003")
browser = Browser(raise_request_exception=False)
browser.force_login(ada)
other = sqlite3.connect(sys.argv[1], isolation_level=None)
other.execute("BEGIN IMMEDIATE")
address = reverse("console:client", args=[wilma.pk])
for _ in range(2):
    answer = browser.get(address)
    assert answer.status_code == 503, answer.status_code
    assert b"Wilma" not in answer.content
    assert b"Traceback" not in answer.content
other.execute("COMMIT")
for _ in range(10):
    assert b"Wilma" in browser.get(address).content
os.kill(os.getpid(), 9)
"""


def test_what_was_shown_is_in_the_log_after_a_kill_and_what_cannot_be_logged_is_not_shown(tmp_path: Path) -> None:
    database = tmp_path / "carefund.sqlite3"
    environment = {
        "CAREFUND_DATA_FOLDER": str(tmp_path),
        "CAREFUND_ENVIRONMENT_FILE": str(tmp_path / "none.env"),
        "CAREFUND_SECRET_KEY": "for this test",
        "CAREFUND_ALLOWED_HOSTS": "testserver",
        "CAREFUND_DATABASE_TIMEOUT": "1",
        "DJANGO_SETTINGS_MODULE": "carefund.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(database)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == -9, done.stderr
    with sqlite3.connect(database) as connected:
        entries = connected.execute("SELECT what, client_id, user_name FROM access_accesslogentry").fetchall()
    assert entries == [("Funding", 1, "ada")] * 10


@pytest.mark.postgresql
def test_guards_that_were_switched_off_are_put_back_at_the_next_start(sealed: list[int]):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE access_accesslogentry DISABLE TRIGGER USER")
    assert not is_guarded(AccessLogEntry)
    install_guards()
    assert is_guarded(AccessLogEntry)
