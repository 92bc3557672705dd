"""A client who left is made inactive: pages still show the records, and no sync changes them."""

import pytest

from carefund.records.models import Answer, Change, Client, SyncState
from carefund.runs.models import Run
from carefund.runs.requests import request_run

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_records_of_an_inactive_client_are_frozen(world, add_client, carry_out):
    client = add_client("400000003")
    run = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client")
    assert carry_out(run).items.get().outcome == "changed"
    before = list(SyncState.objects.values()), Change.objects.count(), Answer.objects.count()
    Client.objects.update(is_active=False)
    for is_preview in (False, True):
        run = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client", is_preview=is_preview)
        item = carry_out(run).items.get()
        assert (item.outcome, item.error_code) == ("failed", "client-inactive")
    assert (list(SyncState.objects.values()), Change.objects.count(), Answer.objects.count()) == before
    Client.objects.update(is_active=True)
    run = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client")
    assert carry_out(run).items.get().outcome == "unchanged"
