"""A client who left is made inactive: pages still show the records, and no sync changes them."""

import pytest

from carefund.records.models import Answer, Change, Client, SyncState
from carefund.runs.models import Run
from carefund.runs.previews import CannotApply, apply_preview, find_preview_to_apply, request_preview
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


def test_after_an_approval_whoever_left_is_read_and_whoever_was_erased_is_not(world, add_client, carry_out):
    left, erased = add_client("400000003"), add_client("400000004")
    request = {"trigger": Run.Trigger.CLAIM_APPROVED, "scope": "claim approved"}
    SyncState.objects.create(client=left)  # was synchronised before
    Client.objects.update(is_active=False, birth_date=None, external_reference_id="", added_by=None)
    run = carry_out(request_run(clients=[left, erased], **request))
    outcomes = dict(run.items.values_list("client_id", "error_code"))
    assert outcomes == {left.pk: "", erased.pk: "client-inactive"}
    assert left.plans.exists()
    assert not erased.plans.exists()


def test_a_preview_made_while_the_client_was_active_is_not_applied_afterwards(world, add_client, carry_out):
    client = add_client("400000003")
    run = carry_out(request_preview(client))
    Client.objects.update(is_active=False)
    preview = find_preview_to_apply(run.pk, client)
    with pytest.raises(CannotApply, match="This client is inactive"):
        apply_preview(preview)
    assert not client.plans.exists()
    Client.objects.update(is_active=True)
    assert apply_preview(preview).outcome == "changed"
