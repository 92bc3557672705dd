"""Foreign keys are checked by index, also in a session that began when the tables were empty. PostgreSQL only."""

import pytest
from django.db import connection

from carefund.records.models import BudgetUsage
from carefund.runs.business_day import business_today
from carefund.sync.care_recipient.syncing import apply_fetched

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]
PEOPLE = 20
REFERRED_TO = ["records_client", "records_plan", "records_planbudget", "records_payload"]


def test_a_session_that_began_with_empty_tables_does_not_scan_them_ever_after(world, add_client, fetch):
    clients = [add_client(str(400000001 + number)) for number in range(PEOPLE)]
    connection.close()  # whatever this session has planned is forgotten
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")  # so that PostgreSQL knows how small they are
    before = count_scanned_rows()
    for client in clients:
        apply_fetched([fetch(client)], business_today())
    scanned = count_scanned_rows() - before
    assert BudgetUsage.objects.count() > 10 * PEOPLE
    assert scanned < PEOPLE  # one look at each client alone would be 400, and each row has two checks

    for client in clients:
        [again] = apply_fetched([fetch(client)], business_today())
        assert not any(count.new or count.changed for count in again.counts.values())


def count_scanned_rows() -> int:
    """How many rows were read without an index from tables that others refer to."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute("SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname = ANY(%s)", [REFERRED_TO])
        return int(cursor.fetchone()[0])
