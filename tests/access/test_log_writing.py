"""Looking at a client never waits for a bulk run that writes, and is in the access log all the same."""

import sqlite3
import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sqlite3, sys, time
import django
django.setup()
from django.contrib.auth.models import User
from django.core.management import call_command
from carefund.access.log import store_export, store_view
from carefund.records.models import Client
call_command("migrate", verbosity=0)
ada = User.objects.create_user("ada")
wilma, gone = (Client.objects.create(first_name="Wilma", last_name="Example") for _ in range(2))
other = sqlite3.connect(sys.argv[1], isolation_level=None)
store_view(ada, wilma, "first")
other.execute("BEGIN IMMEDIATE")
begun = time.monotonic()
for number in range(3):
    store_view(ada, gone if number == 1 else wilma, f"look {number}")
assert time.monotonic() - begun < 0.6, time.monotonic() - begun
other.execute("DELETE FROM records_client WHERE id = ?", [gone.pk])
assert other.execute("SELECT COUNT(*) FROM access_accesslogentry").fetchone() == (1,)
time.sleep(0.4)
other.execute("COMMIT")
"""


def test_a_look_is_written_after_the_other_writer_even_if_the_process_stops(tmp_path: Path) -> None:
    database = tmp_path / "carefund.sqlite3"
    environment = {
        "CAREFUND_DATA_FOLDER": str(tmp_path),
        "CAREFUND_ENVIRONMENT_FILE": str(tmp_path / "none.env"),
        "CAREFUND_SECRET_KEY": "for this test",
        "DJANGO_SETTINGS_MODULE": "carefund.settings",
    }
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(database)], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(database) as connection:
        entries = connection.execute("SELECT what, client_id, user_name FROM access_accesslogentry ORDER BY id")
        assert entries.fetchall() == [
            ("first", 1, "ada"), ("look 0", 1, "ada"), ("look 1", None, "ada"), ("look 2", 1, "ada"),
        ]  # fmt: skip
