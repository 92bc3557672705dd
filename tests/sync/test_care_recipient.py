"""One person end to end: sandbox, engine, rows. Every test ends by running again: nothing changes."""

import pytest

from carefund.records.models import Plan, PlanBudget, SyncState
from carefund.runs.models import RunItem

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_first_sync_stores_everything_and_a_second_changes_nothing(world, add_client, synchronise):
    client = add_client("400000003")
    first = synchronise(client)
    assert first.outcome == RunItem.Outcome.CHANGED, first.message
    assert first.counts["budgets"]["new"] == PlanBudget.objects.filter(client=client).count() > 0
    again = synchronise(client)
    assert again.outcome == RunItem.Outcome.UNCHANGED
    assert all(count["new"] == count["changed"] == 0 for count in again.counts.values())
    assert Plan.objects.filter(client=client).count() == 1
    assert SyncState.objects.get(client=client).version == 1
