"""Connections to PostgreSQL plan for short questions."""

import pytest
from django.db import connection

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db]


def test_a_connection_takes_a_look_by_index_for_cheap_and_compiles_nothing() -> None:
    for name, expected in (("random_page_cost", "1.1"), ("jit", "off")):
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW {name}")
            assert cursor.fetchone() == (expected,)
