"""What is written durably is on the disk when its transaction has ended; on SQLite tests/runs/test_power_cuts.py."""

import pytest
from django.db import connection

from carefund.records.durability import durable

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


def setting() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return str(cursor.fetchone()[0])


@pytest.mark.parametrize(("before", "within"), [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")])
def test_a_commit_waits_for_the_disk_where_the_server_would_not(before: str, within: str):
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('synchronous_commit', %s, false)", [before])
    try:
        with durable():
            assert setting() == within
        assert setting() == before
    finally:
        connection.close()
