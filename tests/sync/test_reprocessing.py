"""An upgrade reaches everybody: what is read otherwise today is reprocessed from the archive, without a call.

The upgrade is a new spelling here; tests/house/test_recipes.py adds a field as CONTRIBUTING says.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from carefund.funders.errors.root import FunderError
from carefund.records.archive import digest_of
from carefund.records.care_recipient.changes import list_changes
from carefund.records.compression import compress
from carefund.records.models import (
    Answer,
    Change,
    Classification,
    Client,
    Entitlement,
    Payload,
    PlanBudget,
    SyncState,
)
from carefund.runs.business_day import business_today
from carefund.runs.models import RunItem
from carefund.sync.care_recipient.answers import fingerprint
from carefund.sync.care_recipient.reprocessing import list_outdated, reprocess
from carefund.sync.care_recipient.results import SyncOutcome
from tests.conftest import Sandbox, table_rows
from tests.sync.spellings import spelled

pytestmark = pytest.mark.django_db(transaction=True)

LISTS, DETAILS, SUMMARY = "budgets_by_care_recipient", "budget_details", "care_recipient_summary"
RECORDS = [model for model in apps.get_app_config("records").get_models() if model.__name__ != "ProdaDevice"]
Synchronise = Callable[[Client], RunItem]


@pytest.fixture
def dialect(world: Sandbox) -> Sandbox:
    """A funder that calls what was used of a budget otherwise than anybody knew."""
    world.fault(kind="renamed-field", operation=LISTS, field="used", value="amountSpent")
    return world


@pytest.fixture
def before_upgrade(dialect: Sandbox, add_client: Callable[..., Client], synchronise: Synchronise) -> Client:
    """Somebody synchronised before Carefund knew that name; since then, no call was made."""
    client = add_client("400000003")
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    assert set(used_of(client)) == {None}
    dialect.ask("DELETE", "/journal")
    return client


def used_of(client: Client) -> list[Decimal | None]:
    return list(PlanBudget.objects.filter(client=client).order_by("id").values_list("used", flat=True))


def upgraded() -> Any:
    """The settings of the next version, which knows the name."""
    return spelled(Budget__used=("amountSpent",))


def asked(world: Sandbox) -> int:
    return len(world.ask("GET", "/journal")["requests"])


def test_who_was_synchronised_before_gets_the_value_from_the_archive_without_a_call(
    dialect: Sandbox, before_upgrade: Client
) -> None:
    checked_at = SyncState.objects.get(client=before_upgrade).checked_at
    last = Change.objects.latest("id").pk
    assert list_outdated() == []
    with upgraded():
        assert list_outdated() == [before_upgrade.pk]
        result = reprocess([before_upgrade.pk], business_today())[before_upgrade.pk]
        assert not isinstance(result, FunderError)
        assert result.outcome is SyncOutcome.CHANGED
        assert list_outdated() == []
        assert SyncState.objects.get(client=before_upgrade).reader == fingerprint()
    assert asked(dialect) == 0
    assert None not in used_of(before_upgrade)
    told = Change.objects.filter(client=before_upgrade, id__gt=last)
    assert {(row.field, row.cause, row.before) for row in told} == {("used", Change.READING, None)}
    assert SyncState.objects.get(client=before_upgrade).checked_at == checked_at, "nobody was asked"


def test_reprocessing_again_changes_nothing(before_upgrade: Client) -> None:
    with upgraded():
        reprocess([before_upgrade.pk], business_today())
        rows = table_rows(*RECORDS)
        again = reprocess([before_upgrade.pk], business_today())[before_upgrade.pk]
        assert not isinstance(again, FunderError)
        assert again.outcome is SyncOutcome.UNCHANGED
        assert table_rows(*RECORDS) == rows


def test_a_dry_run_tells_every_change_and_writes_nothing(before_upgrade: Client) -> None:
    rows = table_rows(*RECORDS)
    with upgraded():
        result = reprocess([before_upgrade.pk], business_today(), dry_run=True)[before_upgrade.pk]
        assert not isinstance(result, FunderError)
        assert {change.field for change in result.changes} == {"used"}
        assert table_rows(*RECORDS) == rows
        assert list_outdated() == [before_upgrade.pk]


@pytest.mark.parametrize(
    ("operation", "member", "spelling", "model", "column"),
    [
        (DETAILS, "itemCode", "Entitlement__item_code", Entitlement, "item_code"),
        (SUMMARY, "status", "Classification__status", Classification, "status"),
    ],
)
def test_every_answer_is_reprocessed_and_its_figures_add_up_as_after_a_new_sync(
    world: Sandbox,
    add_client: Callable[..., Client],
    synchronise: Synchronise,
    operation: str,
    member: str,
    spelling: str,
    model: Any,
    column: str,
) -> None:
    world.fault(kind="renamed-field", operation=operation, field=member, value="calledOtherwise")
    before, after = add_client("400000001"), add_client("400000005")
    synchronise(before)
    assert not model.objects.exclude(**{column: ""}).exists()
    with spelled(**{spelling: ("calledOtherwise",)}):
        synchronise(after)
        reprocess([before.pk], business_today())
    current = model.objects.filter(no_longer_returned_date__isnull=True)
    assert not current.filter(**{column: ""}).exists()
    assert current.filter(client=before).exists()
    assert current.filter(client=after).exists()


def test_an_ordinary_sync_is_not_unchanged_by_its_bytes_alone(before_upgrade: Client, synchronise: Synchronise) -> None:
    last = Change.objects.latest("id").pk
    with upgraded():
        assert synchronise(before_upgrade).outcome == RunItem.Outcome.UNCHANGED
        assert list_outdated() == []
        assert synchronise(before_upgrade).outcome == RunItem.Outcome.UNCHANGED
    assert None not in used_of(before_upgrade)
    assert set(Change.objects.filter(id__gt=last).values_list("cause", flat=True)) == {Change.READING}


def test_the_change_log_tells_the_funders_news_from_our_reading(
    dialect: Sandbox, before_upgrade: Client, synchronise: Synchronise
) -> None:
    last = Change.objects.latest("id").pk
    dialect.change("400000003", "add-usage", amount="-5.00")
    with upgraded():
        assert synchronise(before_upgrade).outcome == RunItem.Outcome.CHANGED
    new = Change.objects.filter(client=before_upgrade, id__gt=last).order_by("id")
    moved = new.get(field="used", cause=Change.FUNDER)
    read = new.get(field="used", cause=Change.READING, key=moved.key)
    assert (read.before, read.after) == (None, moved.before)
    assert Decimal(str(moved.after)) == Decimal(str(moved.before)) - 5
    assert set(new.exclude(field="used").values_list("cause", flat=True)) == {Change.FUNDER}
    news = list_changes(after_id=last, only_news=True)
    assert set(news.values_list("cause", flat=True)) == {Change.FUNDER}
    assert list_changes(client=before_upgrade, after_id=last).count() == new.count()


def test_one_whose_archived_answer_cannot_be_read_is_told_and_costs_the_others_nothing(
    dialect: Sandbox, before_upgrade: Client, add_client: Callable[..., Client], synchronise: Synchronise
) -> None:
    other = add_client("400000001")
    synchronise(other)
    broken = Answer.objects.filter(client=other, operation=SUMMARY).get()
    Payload.objects.filter(digest=broken.payload_id).update(body=compress(b"[1, 2"))
    rows = table_rows(PlanBudget)
    with upgraded():
        results = reprocess([other.pk, before_upgrade.pk], business_today())
        assert isinstance(results[other.pk], FunderError)
        assert list_outdated() == [other.pk]
        assert None not in used_of(before_upgrade)
        assert [row for row in table_rows(PlanBudget)["records.PlanBudget"] if row["client_id"] == other.pk] == [
            row for row in rows["records.PlanBudget"] if row["client_id"] == other.pk
        ]
        assert synchronise(other).outcome == RunItem.Outcome.CHANGED, "what the funder says today can be read"
        assert None not in used_of(other)


def test_nothing_is_written_when_the_ledger_cannot_be(before_upgrade: Client) -> None:
    class Stopped(Exception):
        pass

    def stop(_results: object) -> None:
        raise Stopped

    rows = table_rows(*RECORDS)
    with upgraded():
        with pytest.raises(Stopped):
            reprocess([before_upgrade.pk], business_today(), on_applied=stop)
        assert table_rows(*RECORDS) == rows
        assert list_outdated() == [before_upgrade.pk]


def test_a_sync_that_was_applied_meanwhile_is_not_overwritten(
    dialect: Sandbox, before_upgrade: Client, synchronise: Synchronise
) -> None:
    """The archive still holds what was said before; who has been asked since is in step."""
    dialect.change("400000003", "add-usage", amount="-5.00")
    with upgraded():
        synchronise(before_upgrade)
        used = used_of(before_upgrade)
        result = reprocess([before_upgrade.pk], business_today())[before_upgrade.pk]
        assert not isinstance(result, FunderError)
        assert result.outcome is SyncOutcome.UNCHANGED
    assert used_of(before_upgrade) == used


def test_what_was_not_found_stays_so(
    world: Sandbox, add_client: Callable[..., Client], synchronise: Synchronise
) -> None:
    client = add_client(world.scenario("contributions-absent")[0])
    synchronise(client)
    assert Answer.objects.filter(client=client, payload_id=digest_of(b"")).exists()
    rows = table_rows(PlanBudget, Change)
    with upgraded():
        result = reprocess([client.pk], business_today())[client.pk]
        assert not isinstance(result, FunderError)
        assert (result.outcome, list_outdated()) == (SyncOutcome.UNCHANGED, [])
    assert table_rows(PlanBudget, Change) == rows
