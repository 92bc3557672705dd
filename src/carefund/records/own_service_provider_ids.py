"""Which service provider ids are this organisation's own: what decides whether a draw on a budget is ours.

Source: rule SYNC-14.
"""

from django.db import connection
from django.db.models import Model

from carefund.records.models import Claim, Client, Invoice, ServiceProvider

# Whatever names an id as ours: found by Sync Service Providers or brought in, of our clients' budgets, on our
# invoices, in our claims.
_NAMED_BY: tuple[type[Model], ...] = (ServiceProvider, Client, Invoice, Claim)
# From one id to the next in the column's index: a few steps, where DISTINCT would read hundreds of thousands of rows.
_STEPS = """ids_{number}(id) AS (
    SELECT min(service_provider_id) FROM {table}
    UNION ALL
    SELECT (SELECT min(service_provider_id) FROM {table} WHERE service_provider_id > ids_{number}.id)
    FROM ids_{number} WHERE ids_{number}.id IS NOT NULL
)"""


def list_own_service_provider_ids() -> list[str]:
    """The service provider ids of this organisation, as far as they are known, in order. One query."""
    tables = [connection.ops.quote_name(model._meta.db_table) for model in _NAMED_BY]
    steps = ", ".join(_STEPS.format(number=number, table=table) for number, table in enumerate(tables))
    ids = " UNION ".join(f"SELECT id FROM ids_{number}" for number in range(len(tables)))  # noqa: S608 our own names
    with connection.cursor() as cursor:
        cursor.execute(f"WITH RECURSIVE {steps} {ids}")
        return sorted(service_provider_id for (service_provider_id,) in cursor.fetchall() if service_provider_id)
