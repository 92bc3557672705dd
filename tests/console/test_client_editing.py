"""Adding and editing clients, and confirming ids that an import proposes: who may, what is refused, who is recorded."""

from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from carefund.records.models import Change, Client, ClientMatch, SyncState
from carefund.runs.models import Run, RunItem
from tests.browsing import Browser
from tests.console import world

NEW = reverse("console:client-new")
MATCHES = reverse("console:client-matches")
Browse = Callable[[User | None], Browser]


@pytest.fixture
def cast(db: None) -> world.Cast:
    world.make_branches()
    return world.make_cast()


@pytest.fixture
def client(cast: world.Cast) -> Client:
    """A client of Ben's branch whose Care Recipient ID nobody knows yet."""
    return Client.objects.create(first_name="Wilma", last_name="Example", service_provider_id=world.BRANCH)


def edit_address(client: Client) -> str:
    return reverse("console:client-edit", args=[client.pk])


def details(**values: Any) -> dict[str, Any]:
    """What the form sends, as it is shown for the client of these tests."""
    return {
        "first_name": "Wilma", "last_name": "Example", "birth_date": "", "care_recipient_id": "",
        "service_provider_id": world.BRANCH, "is_active": "on",
    } | values  # fmt: skip


def text_of(answer: Any) -> str:
    return unescape(answer.content.decode())


def test_an_id_learnt_later_is_entered_and_recorded(cast: world.Cast, client: Client, browse: Browse) -> None:
    ben = browse(cast.ben)
    page = text_of(ben.post(edit_address(client), details(care_recipient_id=" 400000003 "), follow=True))
    assert "Client saved." in page
    assert "Synchronise Budget Information" in page
    change = Change.objects.get()
    assert (change.field, change.before, change.after, change.made_by) == (
        "care_recipient_id",
        None,
        "400000003",
        "ben",
    )
    changes = text_of(ben.get(reverse("console:client-changes", args=[client.pk])))
    assert "Care Recipient ID 400000003 entered (ben)." in changes
    page = text_of(ben.post(edit_address(client), details(care_recipient_id="400000003"), follow=True))
    assert "Nothing was changed." in page
    assert Change.objects.count() == 1


def test_a_client_is_renamed_and_made_inactive(cast: world.Cast, client: Client, browse: Browse) -> None:
    ben = browse(cast.ben)
    ben.post(edit_address(client), details(last_name="Renamed", is_active=""))
    client.refresh_from_db()
    assert (client.last_name, client.is_active) == ("Renamed", False)
    changes = text_of(ben.get(reverse("console:client-changes", args=[client.pk])))
    assert "last name changed from Example to Renamed (ben)." in changes
    assert "Client made inactive (ben)." in changes
    ben.post(edit_address(client), details(last_name="Renamed"))
    client.refresh_from_db()
    assert client.is_active


def test_an_id_that_another_client_has_is_refused(cast: world.Cast, client: Client, browse: Browse) -> None:
    world.make_clients(1, branch=world.OTHER_BRANCH, first_id=400000101)
    ben = browse(cast.ben)
    for answer in (
        ben.post(edit_address(client), details(care_recipient_id="400000101")),
        ben.post(NEW, details(last_name="Another", care_recipient_id="400000101")),
    ):
        assert text_of(answer).count("Another client already has this Care Recipient ID.") == 1
        assert "Margaret" not in text_of(answer)
    assert Client.objects.count() == 2


@pytest.mark.parametrize("wrong", ["4000 3", "4/3"])
def test_a_malformed_id_is_refused(cast: world.Cast, client: Client, browse: Browse, wrong: str) -> None:
    answer = browse(cast.ben).post(edit_address(client), details(care_recipient_id=wrong))
    assert "can only have letters, digits and hyphens" in text_of(answer)


def test_an_id_stays_once_funding_was_synchronised_under_it(cast: world.Cast, client: Client, browse: Browse) -> None:
    Client.objects.filter(pk=client.pk).update(care_recipient_id="400000003")
    SyncState.objects.create(client=client, version=1)
    ben = browse(cast.ben)
    assert "so it cannot be changed" in text_of(ben.get(edit_address(client)))
    ben.post(edit_address(client), details(care_recipient_id="400000004", first_name="Willa"))
    client.refresh_from_db()
    assert (client.care_recipient_id, client.first_name) == ("400000003", "Willa")


def test_an_id_does_not_change_under_a_sync(cast: world.Cast, client: Client, browse: Browse) -> None:
    Client.objects.filter(pk=client.pk).update(care_recipient_id="400000003")
    run = Run.objects.create(trigger=Run.Trigger.ON_DEMAND, scope="one client", total=1)
    RunItem.objects.create(run=run, client=client)
    answer = browse(cast.ben).post(edit_address(client), details(care_recipient_id="400000004"))
    assert "A sync of this client is in progress" in text_of(answer)


def test_a_coordinator_moves_clients_among_their_own_branches_only(
    cast: world.Cast, client: Client, browse: Browse
) -> None:
    ben, fay = browse(cast.ben), browse(cast.fay)
    assert world.OTHER_BRANCH not in text_of(ben.get(edit_address(client)))
    for branch in (world.OTHER_BRANCH, ""):
        answer = ben.post(edit_address(client), details(service_provider_id=branch))
        assert answer.status_code == 200
    client.refresh_from_db()
    assert client.service_provider_id == world.BRANCH
    fay.post(edit_address(client), details(service_provider_id=world.OTHER_BRANCH))
    client.refresh_from_db()
    assert client.service_provider_id == world.OTHER_BRANCH
    assert ben.get(edit_address(client)).status_code == 404
    assert browse(cast.cy).get(edit_address(client)).status_code == 200


def test_a_coordinator_adds_a_client_and_sees_them_at_once(cast: world.Cast, browse: Browse) -> None:
    ben = browse(cast.ben)
    sent = details(last_name="Newcomer", care_recipient_id="400000003", service_provider_id="")
    page = text_of(ben.post(NEW, sent, follow=True))
    assert "Client added." in page
    assert "Synchronise Budget Information" in page
    client = Client.objects.get()
    assert client.added_by == cast.ben
    assert "Newcomer" in text_of(ben.get(reverse("console:clients")))
    assert "Newcomer" not in text_of(browse(cast.cy).get(reverse("console:clients")))
    assert ben.get(reverse("console:synchronise", args=[client.pk])).status_code == 200


def test_somebody_of_the_same_name_is_shown_before_a_second_client_is_made(
    cast: world.Cast, client: Client, browse: Browse
) -> None:
    ben = browse(cast.ben)
    page = text_of(ben.post(NEW, details(first_name=" wilma")))
    assert "There is already a client with this name." in page
    assert reverse("console:client", args=[client.pk]) in page
    assert Client.objects.count() == 1
    ben.post(NEW, details(first_name=" wilma", is_another="on"))
    assert Client.objects.count() == 2


def test_an_import_proposes_and_a_coordinator_confirms(cast: world.Cast, client: Client, browse: Browse) -> None:
    match = ClientMatch.objects.create(
        client=client, care_recipient_id="400000003", first_name="Wilma", last_name="Example"
    )
    ben, cy = browse(cast.ben), browse(cast.cy)
    decide = reverse("console:client-match", args=[match.pk])
    assert "1 Care Recipient ID to confirm" in text_of(ben.get(reverse("console:clients")))
    assert "to confirm" not in text_of(cy.get(reverse("console:clients")))
    assert "400000003" not in text_of(cy.get(MATCHES))
    assert cy.post(decide, {"verdict": "same"}).status_code == 404
    assert "400000003" in text_of(ben.get(MATCHES))
    assert "Care Recipient ID added to the client" in text_of(ben.post(decide, {"verdict": "same"}, follow=True))
    client.refresh_from_db()
    assert client.care_recipient_id == "400000003"
    assert "Nothing to confirm" in text_of(ben.get(MATCHES))


def test_who_may_only_look_can_neither_add_nor_edit_nor_confirm(
    cast: world.Cast, client: Client, browse: Browse
) -> None:
    match = ClientMatch.objects.create(client=client, care_recipient_id="400000003", first_name="W", last_name="E")
    rex = browse(cast.rex)
    for address in (NEW, edit_address(client), MATCHES):
        assert rex.get(address).status_code == 403
    assert rex.post(edit_address(client), details(last_name="X")).status_code == 403
    assert rex.post(reverse("console:client-match", args=[match.pk]), {"verdict": "same"}).status_code == 403
    page = text_of(rex.get(reverse("console:client", args=[client.pk])))
    assert "Edit client" not in page
    assert "Add a client" not in text_of(rex.get(reverse("console:clients")))
