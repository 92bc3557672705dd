"""A field has one name from the funder's answer to the database: what is sent, kept and compared is the same set."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from carefund.funders.bounds import kind_of
from carefund.records import synced_tables
from carefund.records.models import Client, Plan, PlanBudget
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet

each_kind = pytest.mark.parametrize("record_set", RECORD_SETS, ids=lambda record_set: record_set.kind)


@each_kind
def test_payload_attributes_columns_and_the_compared_set_are_the_same(record_set: RecordSet) -> None:
    attributes = set(record_set.payload.__struct_fields__)
    columns = {column.attname for column in record_set.model._meta.concrete_fields}
    ours = {"id", "client_id", "ordinal", "changed_at", "no_longer_returned_date", record_set.parent, *record_set.ours}
    compared = {*record_set.key, *record_set.fields}
    assert attributes - set(record_set.not_kept) == compared, "a payload attribute without a column, or the reverse"
    assert columns - ours == compared


@each_kind
def test_an_entry_names_only_what_there_is(record_set: RecordSet) -> None:
    assert set(record_set.not_kept) <= set(record_set.payload.__struct_fields__)
    assert {record_set.main} <= {*record_set.fields, ""}
    assert not set(record_set.key) & set(record_set.fields)


def distinct_values(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """A value of its own for each member of a payload type."""
    values: dict[str, Any] = {}
    for number, member in enumerate(msgspec.structs.fields(kind)):
        options = kind_of(member.type).options
        if Decimal in options:
            values[member.name] = Decimal(number) + Decimal("0.25")
        elif date in options:
            values[member.name] = date(2026, 1, 1) + timedelta(days=number)
        else:
            values[member.name] = f"text {number}"
    return values


@pytest.mark.django_db
@each_kind
def test_every_attribute_comes_back_from_the_database_as_it_was_sent(record_set: RecordSet) -> None:
    client = Client.objects.create(first_name="Iris", last_name="Bell")
    plan = Plan.objects.create(client=client)
    now = datetime.now(UTC)
    budget = PlanBudget.objects.create(client=client, plan=plan, budget_id="77", changed_at=now)
    [sent] = record_set.incoming([record_set.payload(**distinct_values(record_set.payload))], "77")
    key = sent.key[1:] if record_set.is_child else sent.key
    parent_id = budget.pk if record_set.is_child else plan.pk
    synced_tables.insert(record_set.model, record_set.columns, [(client.pk, parent_id, 5, now, *key, *sent.values)])
    rows = synced_tables.read(record_set.model, record_set.read_columns, "client_id", [client.pk])
    kept = next(row for row in map(record_set.stored, rows) if row.ordinal == 5)
    assert (kept.key, kept.values) == (sent.key, sent.values)
