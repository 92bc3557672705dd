"""What was said and when: the archive, the change log, as-of reads, and syncs that write next to nothing."""

from datetime import timedelta

import pytest
from django.apps import apps
from django.utils import timezone

from carefund.records.archive import answers_as_of, digest_of, find_answer
from carefund.records.compression import compress
from carefund.records.models import Answer, Change, Payload, PlanBudget, SyncState
from carefund.runs.business_day import business_today
from carefund.sync.care_recipient.history import find_funding_as_of, find_funding_now
from carefund.sync.care_recipient.results import SyncOutcome
from carefund.sync.care_recipient.syncing import DataMoved, apply_fetched, preview_fetched
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db(transaction=True)

# The device's row keeps the access token; the ledger is written by background work, not by the engine.
RECORDS = [model for model in apps.get_app_config("records").get_models() if model.__name__ != "ProdaDevice"]


def test_a_sync_with_nothing_new_writes_nothing_but_the_time_of_the_check(world, add_client, sync_on):
    client = add_client("400000001")
    sync_on(client, business_today())
    before = table_rows(*RECORDS)
    assert sync_on(client, business_today()).outcome is SyncOutcome.UNCHANGED
    after = table_rows(*RECORDS)
    (old,), (new,) = before.pop("records.SyncState"), after.pop("records.SyncState")
    assert after == before
    moved = {name for name in old if old[name] != new[name]}
    assert moved <= {"fetch_started_at", "checked_at", "attempted_at", "outcome"}
    assert new["checked_at"] > old["checked_at"]


def test_a_stored_answer_that_no_longer_can_be_read_is_left_out_and_told(world, add_client, sync_on):
    client = add_client("400000001")
    sync_on(client, business_today())
    impossible = b'{"careRecipientId":"400000001","classifications":[{"startDate":"0900-01-01"}]}'
    kept = Answer.objects.get(client=client, operation="care_recipient_summary").payload
    Payload.objects.filter(pk=kept.pk).update(body=compress(impossible))
    known = find_funding_now(client)
    assert (known.summary, len(known.unreadable)) == (None, 1)
    assert "classifications.startDate" in known.unreadable[0]
    assert known.budgets
    assert known.as_data()["cannot_be_shown"] == known.unreadable


def test_a_dry_run_tells_every_change_and_writes_nothing(world, add_client, sync_on, fetch, changes):
    client = add_client("400000001")
    before = table_rows(*RECORDS)
    first = preview_fetched(fetch(client), business_today())
    assert first.outcome is SyncOutcome.CHANGED
    assert first.counts["budgets"].new > 0
    assert table_rows(*RECORDS) == before
    sync_on(client, business_today())
    world.change("400000001", "add-usage", amount="-5.00")
    world.change("400000001", "drop", what="contributions")
    before, number = table_rows(*RECORDS), Change.objects.latest("id").pk
    fetched = fetch(client)
    told = preview_fetched(fetched, business_today()).changes
    assert table_rows(*RECORDS) == before
    apply_fetched([fetched], business_today())
    assert changes(client, number) == [
        (change.kind, change.action, change.field, change.before, change.after) for change in told
    ]


def test_each_changed_field_is_one_row_with_a_growing_number(world, add_client, sync_on, changes):
    client = add_client("400000001")
    sync_on(client, business_today())
    assert [action for _, action, *_ in changes(client)].count("first sync") == 1
    assert len(changes(client)) <= 2, "a first sync is one line, and one for the service provider id"
    budget = PlanBudget.objects.filter(client=client, budget_type_code="ON").latest("start_date")
    number = Change.objects.latest("id").pk
    world.change("400000001", "add-usage", amount="-5.00")
    sync_on(client, business_today())
    after = PlanBudget.objects.get(pk=budget.pk)
    rows = changes(client, number)
    assert ("budgets", "changed", "used", str(budget.used), str(after.used)) in rows
    assert ("budgets", "changed", "available", str(budget.available), str(after.available)) in rows
    assert [row for row in rows if row[:2] == ("budget_usage", "new")] == [("budget_usage", "new", "", None, "-5.00")]
    numbers = list(Change.objects.filter(client=client).order_by("fetched_at", "id").values_list("id", flat=True))
    assert numbers == sorted(numbers)


def test_numbers_of_the_change_log_are_never_given_twice(world, add_client, sync_on):
    sync_on(add_client("400000001"), business_today())
    last = Change.objects.latest("id").pk
    Change.objects.all().delete()
    sync_on(add_client("400000003"), business_today())
    assert Change.objects.earliest("id").pk > last


def test_each_distinct_answer_is_kept_once_byte_for_byte(world, add_client, sync_on, fetch):
    client = add_client("400000001")
    sync_on(client, business_today())
    fetched = fetch(client)
    pages = {digest_of(page): page for answer in fetched.answers for page in answer.pages}
    assert set(Payload.objects.values_list("digest", flat=True)) == set(pages)
    for digest, page in pages.items():
        kept = find_answer(client.pk, digest)
        assert kept is not None
        assert kept.body == page
    count = Payload.objects.count(), Answer.objects.count()
    world.change("400000001", "drop", what="contributions")
    sync_on(client, business_today())
    world.change("400000001", "restore", what="contributions")
    sync_on(client, business_today())
    assert Payload.objects.count() == count[0] + 1, "an empty answer; the one that came back was known"
    assert Answer.objects.count() == count[1] + 2
    assert Answer.objects.filter(client=client, current_until__isnull=True).count() == count[1]


def test_which_answer_was_current_when_is_known_without_gap_or_overlap(world, add_client, sync_on):
    client = add_client("400000001")
    instants = []
    for amount in ("-1.00", "-2.00", "-3.00"):
        sync_on(client, business_today())
        instants.append(timezone.now())
        world.change("400000001", "add-usage", amount=amount)
    rows = Answer.objects.filter(client=client, operation="budgets_by_care_recipient").order_by("current_from")
    times = [(row.current_from, row.current_until) for row in rows]
    assert [end for _, end in times[:-1]] == [start for start, _ in times[1:]]
    assert times[-1][1] is None
    for instant in instants:
        keys = [(page.operation, page.subject_id, page.page) for page in answers_as_of(client.pk, instant)]
        assert len(keys) == len(set(keys)) > 3


def test_what_was_known_at_an_instant_is_what_was_received_then(world, add_client, sync_on):
    client = add_client("400000001")
    assert not find_funding_now(client).is_known
    sync_on(client, business_today())
    at = timezone.now()
    then = find_funding_as_of(client, at)
    world.change("400000001", "add-usage", amount="-7.00")
    world.change("400000001", "end-classifications", date=(business_today() + timedelta(days=70)).isoformat())
    sync_on(client, business_today())
    now = find_funding_now(client)
    assert find_funding_as_of(client, at).as_data() == then.as_data()
    assert now.as_data()["plan"]["end_date"] != then.as_data()["plan"]["end_date"]
    assert now.budgets != then.budgets
    assert not find_funding_as_of(client, at - timedelta(days=1)).is_known
    assert now.sources["care_recipient_summary"] != then.sources["care_recipient_summary"]


def test_an_older_fetch_never_overwrites_a_newer_one(world, add_client, sync_on, fetch):
    client = add_client("400000001")
    old = fetch(client)
    world.change("400000001", "add-usage", amount="-7.00")
    sync_on(client, business_today())
    before = table_rows(*RECORDS)
    (result,) = apply_fetched([old], business_today())
    assert result.outcome is SyncOutcome.SUPERSEDED
    assert table_rows(*RECORDS) == before


def test_what_was_reviewed_is_not_applied_to_rows_that_moved(world, add_client, sync_on, fetch):
    client = add_client("400000001")
    sync_on(client, business_today())
    version = SyncState.objects.get(client=client).version
    world.change("400000001", "add-usage", amount="-7.00")
    sync_on(client, business_today())
    before = table_rows(*RECORDS)
    with pytest.raises(DataMoved):
        apply_fetched([fetch(client)], business_today(), expected_version=version)
    assert table_rows(*RECORDS) == before


def test_a_group_is_written_wholly_or_not_at_all(world, add_client, fetch):
    class Stopped(Exception):
        pass

    def stop(_results: object) -> None:
        raise Stopped

    clients = [add_client("400000001"), add_client("400000003")]
    before = table_rows(*RECORDS)
    with pytest.raises(Stopped):
        apply_fetched([fetch(client) for client in clients], business_today(), on_applied=stop)
    assert table_rows(*RECORDS) == before
