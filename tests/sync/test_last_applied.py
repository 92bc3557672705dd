"""What was understood before is recognised by its bytes: not decoded again, and told with the same counts."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from carefund.records.models import Client, SyncState
from carefund.runs.business_day import business_today
from carefund.runs.funder_sessions import open_source
from carefund.runs.models import RunItem
from carefund.sync.care_recipient.answers import SUMMARY
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.last_applied import find_last_applied
from carefund.sync.care_recipient.results import SyncOutcome
from carefund.sync.care_recipient.syncing import apply_fetched
from tests.conftest import Sandbox

CARE_RECIPIENT_ID = "400000003"


@pytest.fixture
def client_in_step(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., RunItem]) -> Client:
    client = add_client(CARE_RECIPIENT_ID)
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    return client


def fetch(client: Client) -> Fetched:
    known = find_last_applied([client.pk]).get(client.pk)

    async def ask() -> Fetched:
        async with open_source() as source:
            open_budgets = OpenBudgets(business_today(), 90)
            return await fetch_care_recipient(source, client.pk, CARE_RECIPIENT_ID, open_budgets, known=known)

    return asyncio.run(ask())


def test_answers_known_by_their_bytes_are_not_decoded_again(client_in_step: Client) -> None:
    fetched = fetch(client_in_step)
    assert all(answer.recognised for answer in fetched.answers if answer.pages)


def test_an_unchanged_person_is_told_with_the_counts_of_the_sync_before(
    client_in_step: Client, synchronise: Callable[..., RunItem]
) -> None:
    first = RunItem.objects.get(client=client_in_step)
    second = synchronise(client_in_step)
    assert second.outcome == RunItem.Outcome.UNCHANGED
    assert {kind: count["unchanged"] for kind, count in second.counts.items()} == {
        kind: count["new"] for kind, count in first.counts.items()
    }


def test_only_what_changed_is_decoded(world: Sandbox, client_in_step: Client) -> None:
    world.change(CARE_RECIPIENT_ID, "add-usage", amount="-5.00")
    fetched = fetch(client_in_step)
    assert {answer.recognised for answer in fetched.answers} == {True, False}
    summary = fetched.find(SUMMARY)
    assert summary is not None
    assert summary.recognised
    results = apply_fetched([fetched], business_today())
    assert [result.outcome for result in results] == [SyncOutcome.CHANGED]


def test_what_was_known_is_not_trusted_once_something_else_was_applied(client_in_step: Client) -> None:
    fetched = fetch(client_in_step)
    state = SyncState.objects.get(client=client_in_step)
    others = dict.fromkeys(state.digests, "of other answers")
    SyncState.objects.filter(client=client_in_step).update(version=state.version + 1, digests=others)
    (result,) = apply_fetched([fetched], business_today())
    assert sum(count.total for count in result.counts.values()) > 0
    assert SyncState.objects.get(client=client_in_step).digests == state.digests


def test_an_older_fetch_that_says_nothing_new_is_superseded(client_in_step: Client) -> None:
    fetched = fetch(client_in_step)
    SyncState.objects.filter(client=client_in_step).update(fetch_started_at=timezone.now() + timedelta(minutes=1))
    (result,) = apply_fetched([fetched], business_today())
    assert result.outcome is SyncOutcome.SUPERSEDED


def test_a_long_list_of_budgets_is_recognised_too(
    world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., RunItem]
) -> None:
    """After some quarters it has more bytes than a page of the shortest rows."""
    world.begin_anew(today="2032-02-01")
    client = add_client(CARE_RECIPIENT_ID)
    synchronise(client)
    answers = {answer.operation: answer for answer in fetch(client).answers}
    [body] = answers["budgets_by_care_recipient"].pages
    assert len(body) > 3_000  # a thousand of "{},"
    assert answers["budgets_by_care_recipient"].recognised
