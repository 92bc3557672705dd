"""Connections to PostgreSQL plan for short questions, and wait for a lock no longer than is set, but in a set-up."""

import pytest
from django.db import connection

from carefund.records.postgresql_connections import waiting_for_ever

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def test_a_connection_takes_a_look_by_index_for_cheap_and_compiles_nothing() -> None:
    assert (show("random_page_cost"), show("jit")) == ("1.1", "off")
    assert show("max_parallel_workers_per_gather") == "0"


def test_a_set_up_waits_for_whoever_works() -> None:
    assert show("lock_timeout") == "20s"
    with waiting_for_ever():
        assert show("lock_timeout") == "0"
    assert show("lock_timeout") == "20s"


def show(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SHOW {name}")
        return str(cursor.fetchone()[0])
