"""From what the sandbox says of a person to the state by which a list is filtered, after either side was edited."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from carefund.domain.care_recipient.identity import IdentityState
from carefund.records.care_recipient.client_list import ClientFilter, list_clients
from carefund.records.care_recipient.clients import edit_client
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.models import Change, Client, FunderIdentity, SyncState
from carefund.sync.care_recipient.reprocessing import list_outdated, reprocess
from tests.conftest import Sandbox

SHE = "400000003"


@pytest.fixture
def she(world: Sandbox, add_client: Callable[..., Client]) -> Client:
    """As the provider has her, and as Services Australia does."""
    world.change(SHE, "identity", firstName="Dulcie", middleName="May", lastName="Fernhill", birthDate="1938-04-09")
    return add_client(SHE, first_name="Dulcie", last_name="Fernhill", birth_date=date(1938, 4, 9))


def read(client: Client) -> IdentityState:
    """The state of a client's page; by the way that the list, filtered by each state, has them in this one alone."""
    found = describe_identity(Client.objects.get(pk=client.pk)).check.state
    listed = [
        state
        for state in IdentityState
        if list_clients(
            Client.objects.all(),
            ClientFilter(identity=state.value),
            today=date(2026, 1, 1),
            stale_before=client.created_at,
        )
        .filter(pk=client.pk)
        .exists()
    ]
    assert listed == [found]
    return found


def test_either_side_moves_the_state(she: Client, world: Sandbox, synchronise: Callable[..., Any]):
    assert read(she) is IdentityState.NOT_COMPARED
    synchronise(she)
    assert read(she) is IdentityState.IN_STEP
    edit_client(she.pk, {"first_name": "Fernhill", "last_name": "Dulcie"}, made_by="ben")
    assert read(she) is IdentityState.DIFFERS
    edit_client(she.pk, {"first_name": "May", "last_name": "Fernhill"}, made_by="ben")
    assert read(she) is IdentityState.CLOSE
    edit_client(she.pk, {"is_active": False}, made_by="ben")
    edit_client(she.pk, {"is_active": True, "birth_date": date(1938, 9, 4), "first_name": "Dulcie"}, made_by="ben")
    assert read(she) is IdentityState.DIFFERS
    world.change(SHE, "identity", birthDate="1938-09-04")
    synchronise(she)
    assert read(she) is IdentityState.IN_STEP


def test_what_the_funder_says_otherwise_is_logged_once(
    she: Client, world: Sandbox, synchronise: Callable[..., Any], changes: Any
):
    synchronise(she)
    newest = Change.objects.order_by("id").last()
    given_at = FunderIdentity.objects.get().given_at
    synchronise(she)
    assert (changes(she, newest.pk), FunderIdentity.objects.get().given_at) == ([], given_at)
    world.change(SHE, "identity", lastName="Grevillea", birthDate="1938-04-10")
    assert synchronise(she).outcome == "changed"
    assert changes(she, newest.pk) == [
        ("identity", "changed", "last_name", "Fernhill", "Grevillea"),
        ("identity", "changed", "birth_date", "1938-04-09", "1938-04-10"),
    ]
    assert FunderIdentity.objects.get().given_at > given_at
    assert synchronise(she).outcome == "unchanged"


def test_a_person_whom_the_funder_does_not_know_is_not_found_until_it_does(
    she: Client, world: Sandbox, synchronise: Callable[..., Any]
):
    world.change(SHE, "known", known=False)
    synchronise(she)
    assert read(she) is IdentityState.NOT_FOUND
    world.change(SHE, "known", known=True)
    synchronise(she)
    assert read(she) is IdentityState.IN_STEP
    edit_client(she.pk, {"last_name": "Smith"}, made_by="ben")
    world.change(SHE, "known", known=False)
    synchronise(she)
    assert read(she) is IdentityState.NOT_FOUND, "the last answer says more than an old name"


@pytest.mark.parametrize("by", ["reprocessing", "a sync"])
def test_other_rules_of_comparing_move_what_was_stored_under_the_old_ones(
    she: Client, world: Sandbox, synchronise: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, by: str
):
    synchronise(she)
    given_at = FunderIdentity.objects.get().given_at
    FunderIdentity.objects.update(state="differs")  # as the earlier rules had it
    reprocess(list_outdated(), date(2026, 11, 22))
    assert FunderIdentity.objects.get().state == "differs", "under the same rules nobody is compared again"
    monkeypatch.setattr("carefund.sync.care_recipient.answers.COMPARISON_REVISION", 0)
    number = Change.objects.count()
    assert list_outdated() == [she.pk]
    if by == "a sync":
        synchronise(she)
    else:
        reprocess(list_outdated(), date(2026, 11, 22))
    assert read(she) is IdentityState.IN_STEP
    assert (FunderIdentity.objects.get().given_at, Change.objects.count()) == (given_at, number)
    assert list_outdated() == []


def test_an_upgrade_reads_it_from_the_archive_and_logs_nothing(
    she: Client, world: Sandbox, synchronise: Callable[..., Any]
):
    synchronise(she)
    FunderIdentity.objects.all().delete()
    SyncState.objects.update(reader="before")
    number = Change.objects.count()
    world.ask("DELETE", "/journal")
    reprocess([she.pk], date(2026, 11, 22))
    assert read(she) is IdentityState.IN_STEP
    assert Change.objects.count() == number
    assert world.ask("GET", "/journal")["requests"] == []
