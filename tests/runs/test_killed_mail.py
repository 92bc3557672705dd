"""kill -9 around the sending of alerts by email, with real processes and a mail server that really listens.

Between the note and the sending, and between the server's acceptance and the mark: no alert is in two different
messages, and none is lost.
"""

import contextlib
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from tests.runs.installation import Installation, Process, kill, wait_until
from tests.set_up import copy_tables

pytestmark = [pytest.mark.slow, pytest.mark.one_database]

SHE, ADDRESS = "400000077", "fay@care.example"
# Somebody who is told daily, and one alert that the look itself finds: it stands however often there is a look.
PREPARE = f"""
import datetime
from carefund.access.accounts import add_user
from carefund.access.alerts import store_mail_choice
from carefund.access.roles import Role
from carefund.records.models import Client, SyncState
from carefund.runs.alerts.looking import request_look
from carefund.runs.foreground import finish_now
client = Client.objects.create(care_recipient_id='{SHE}', first_name='Wilma', last_name='Example')
now = datetime.datetime.now(datetime.UTC)
SyncState.objects.create(client=client, consent_missing=True, checked_at=now, version=1, fetch_started_at=now)
user = add_user('fay', 'wattle-grove-demo', Role.FINANCE)
store_mail_choice(user, '{ADDRESS}', 'daily', False, datetime.date(2026, 1, 1))
finish_now(request_look('bulk'))
"""
ASKING = """
from django.utils import timezone
from carefund.runs.alerts.mailing import request_mail
from carefund.runs.foreground import finish_now
"""
NOTED, MARKED = "access_alertmail", "access_alertmail WHERE sent_at IS NOT NULL"
OPEN = "runs_run WHERE kind = 'alert-mail' AND status <> 'finished'"


class Server:
    """A mail server that keeps what it took. `before` and `after` are called as soon as it greets, and once it has a
    message but has not said so."""

    def __init__(self) -> None:
        self.got: list[Message] = []
        self.before: Callable[[], None] = lambda: None
        self.after: Callable[[], None] = lambda: None

    async def handle_EHLO(self, server: Any, session: Any, envelope: Any, name: str, responses: list[str]) -> list[str]:  # noqa: N802
        session.host_name = name
        self.before()
        return responses

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.got.append(message_from_bytes(envelope.content))
        self.after()
        return "250 OK"


@pytest.fixture
def server() -> Iterator[tuple[Server, int]]:
    handler = Server()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


@pytest.fixture
def here(server: tuple[Server, int], tmp_path: Path) -> Iterator[Installation]:
    folder = tmp_path / "data"
    copy_tables(folder)
    smtp = {"HOST": "127.0.0.1", "PORT": str(server[1]), "SECURITY": "none"}
    settings = {f"CAREFUND_SMTP_{name}": value for name, value in smtp.items()}
    settings |= {"CAREFUND_MAIL_FROM": "carefund@care.example", "CAREFUND_PUBLIC_URL": "https://care.example"}
    installation = Installation(folder, "http://127.0.0.1:1", settings=settings, forks=True)
    installation.carefund("setup", "--environment-file", str(folder / "carefund.env"))
    installation.carefund("manage", "shell", "-c", PREPARE)
    yield installation
    installation.stop()


def count(here: Installation, what: str) -> int:
    return int(here.rows(f"SELECT count(*) FROM {what}")[0][0])


def die(here: Installation, worker: Process) -> None:
    """End a worker at once."""
    kill(worker)
    here.processes.remove(worker)


def start_again(here: Installation) -> Process:
    """A worker that need not wait for the lease of the one that died."""
    here.write("UPDATE runs_runitem SET crash_count = 0, held_until = datetime('now', '-1 second') WHERE holder <> ''")
    return here.start("worker")


def test_whenever_a_process_dies_no_alert_is_lost_or_in_two_messages(here: Installation, server: tuple[Server, int]):
    """Twice: while the server has not heard of the message, and once it has said OK and the mark waits for the
    database, which this test holds."""
    mail, _ = server
    is_reached, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        is_reached.set()
        may_go.wait(30)

    mail.before = hold
    here.carefund("manage", "shell", "-c", f"{ASKING}\nrequest_mail(timezone.now())")
    worker = here.start("worker")
    assert is_reached.wait(60), here.log
    assert (count(here, NOTED), count(here, MARKED), mail.got) == (1, 0, [])
    die(here, worker)
    mail.before = lambda: None
    may_go.set()

    file = here.folder / "carefund.sqlite3"
    with contextlib.closing(
        sqlite3.connect(file, timeout=20, isolation_level=None, check_same_thread=False)
    ) as database:
        mail.after = lambda: database.execute("BEGIN IMMEDIATE") and None
        worker = start_again(here)
        wait_until(lambda: len(mail.got) == 1 and database.in_transaction, lambda: here.log)
        time.sleep(0.3)  # for the answer to arrive
        mail.after = lambda: None
        die(here, worker)
        database.execute("ROLLBACK")
    assert (count(here, NOTED), count(here, MARKED)) == (1, 0)

    worker = start_again(here)
    wait_until(lambda: count(here, OPEN) == 0, lambda: here.log)
    die(here, worker)
    first, again = mail.got
    assert first["Message-ID"] == again["Message-ID"], "SMTP has no way to ask, so mail programs are to know it by this"
    assert first.get_payload() == again.get_payload()
    here.write("UPDATE access_alertmailchoice SET told_on = NULL")
    here.carefund("manage", "shell", "-c", f"{ASKING}\nfinish_now(request_mail(timezone.now()))")
    assert len(mail.got) == 2, "nothing is left to tell"
    assert count(here, NOTED) == count(here, MARKED) == 1
    assert count(here, "access_toldalert") == count(here, "records_alert WHERE ended_at IS NULL") > 0
    assert "Traceback" not in here.log
