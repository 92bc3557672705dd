"""Whether a client is whom Services Australia knows: on their page, in the list, in the form, before claiming."""

from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.domain.care_recipient.identity import PersonDetails
from carefund.records.care_recipient.identities import store_identities
from carefund.records.models import Change, Client, FunderIdentity, Invoice, InvoiceLineItem, SyncState
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]


@pytest.fixture
def cast(db: None) -> world.Cast:
    world.make_branches()
    return world.make_cast()


@pytest.fixture
def client(cast: world.Cast) -> Client:
    """A client of Ben's branch whose names stand in each other's place."""
    client = Client.objects.create(
        first_name="Thi Lan", last_name="Nguyen", birth_date=date(1940, 5, 3), care_recipient_id="400000099",
        service_provider_id=world.BRANCH,
    )  # fmt: skip
    say(client, "NGUYEN", "Thi Lan")
    return client


def say(client: Client, first_name: str, last_name: str, born: date = date(1940, 5, 3)) -> None:
    """What Services Australia answered."""
    SyncState.objects.get_or_create(client=client)
    store_identities([(client.pk, PersonDetails(first_name, last_name, born, "An"), timezone.now())])


def text_of(answer: Any) -> str:
    return " ".join(unescape(b"".join(answer).decode()).split())


def test_both_sides_stand_beside_each_other_and_are_taken_over_by_saving(
    cast: world.Cast, client: Client, browse: Browse
):
    ben, page = browse(cast.ben), reverse("console:client", args=[client.pk])
    shown = text_of(ben.get(page))
    assert "First name and last name are swapped." in shown
    for words in ("Thi Lan", "NGUYEN", "3 May 1940", "Middle name", "Use Services Australia’s details"):
        assert words in shown
    address = reverse("console:client-edit", args=[client.pk])
    assert f'{address}?details=services-australia"' in shown
    form = text_of(ben.get(address, {"details": "services-australia"}))
    assert "Nothing is saved yet." in form
    assert "First name: NGUYEN (now Thi Lan)" in form
    assert 'value="NGUYEN"' in form
    client.refresh_from_db()
    assert client.first_name == "Thi Lan"
    assert "Nothing is saved yet." not in text_of(ben.get(address))
    values = {"first_name": "NGUYEN", "last_name": "Thi Lan", "birth_date": "1940-05-03", "is_active": "on"}
    ben.post(address, values | {"service_provider_id": world.BRANCH, "care_recipient_id": "400000099"}, follow=True)
    shown = text_of(ben.get(page))
    assert "are swapped" not in shown
    assert "Matches</span>" in shown
    assert set(Change.objects.values_list("field", "made_by")) == {("first_name", "ben"), ("last_name", "ben")}


def test_a_whole_name_in_one_field_is_shown_and_not_offered(cast: world.Cast, client: Client, browse: Browse):
    say(client, "Thi Lan Nguyen", "")
    ben, page = browse(cast.ben), reverse("console:client", args=[client.pk])
    shown = text_of(ben.get(page))
    assert "The same name is split differently" in shown
    assert "Thi Lan Nguyen</" in shown or "Thi Lan Nguyen <span" in shown
    assert "Use Services Australia’s details" not in shown
    form = text_of(ben.get(reverse("console:client-edit", args=[client.pk]), {"details": "services-australia"}))
    assert 'value="Thi Lan Nguyen"' not in form


def test_whoever_may_only_read_sees_the_difference_and_no_button(cast: world.Cast, client: Client, browse: Browse):
    shown = text_of(browse(cast.rex).get(reverse("console:client", args=[client.pk])))
    assert "are swapped" in shown
    assert "Use Services Australia’s details" not in shown


def test_the_list_marks_and_filters_and_the_csv_says_in_what(cast: world.Cast, client: Client, browse: Browse):
    other = Client.objects.create(first_name="Eileen", last_name="O'Hara", care_recipient_id="400000098")
    say(other, "EILEEN", "OHARA")
    ada, clients = browse(cast.ada), reverse("console:clients")
    shown = text_of(ada.get(clients))
    assert "Identity differs" in shown
    assert "Identity nearly the same" in shown, "her date of birth is not entered here"
    shown = text_of(ada.get(clients, {"identity": "differs"}))
    assert ("Nguyen, Thi Lan" in shown, "O'Hara, Eileen" in shown) == (True, False)
    assert "Identity: differs" in shown
    lines = text_of(ada.get(reverse("console:clients-csv"), {"identity": "differs"}))
    assert ",differs,first_name last_name" in lines
    assert "Eileen" not in lines
    assert "Nguyen, Thi Lan" in text_of(ada.get(clients, {"identity": "no such state"}))


@pytest.mark.parametrize(
    ("code", "words", "state"),
    [
        ("not-found", "Services Australia has no one with this Care Recipient ID.", "not-found"),
        ("wrong-person", "Services Australia answered with another Care Recipient ID.", "differs"),
    ],
)
def test_nobody_and_another_person_are_said(
    cast: world.Cast, client: Client, browse: Browse, code: str, words: str, state: str
):
    SyncState.objects.filter(client=client).update(outcome="failed", error_code=code)
    ben = browse(cast.ben)
    assert words in text_of(ben.get(reverse("console:client", args=[client.pk])))
    assert "Nguyen, Thi Lan" in text_of(ben.get(reverse("console:clients"), {"identity": state}))
    assert "Nguyen, Thi Lan" not in text_of(ben.get(reverse("console:clients"), {"identity": "in-step"}))


def test_a_name_too_long_to_be_kept_here_is_refused_by_the_form(cast: world.Cast, client: Client, browse: Browse):
    say(client, "N" * 200, "Thi Lan")
    ben, address = browse(cast.ben), reverse("console:client-edit", args=[client.pk])
    assert "N" * 200 in text_of(ben.get(address, {"details": "services-australia"}))
    answer = ben.post(address, {"first_name": "N" * 200, "last_name": "Thi Lan", "service_provider_id": world.BRANCH})
    assert "at most 80" in text_of(answer)
    assert FunderIdentity.objects.get().state == "differs"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("", "The client's name or date of birth is different at Services Australia."),
        ("wrong-person", "Services Australia answered with another Care Recipient ID when the client was last read."),
    ],
)
def test_a_batch_warns_before_claiming_with_a_link_to_the_client(
    cast: world.Cast, client: Client, browse: Browse, code: str, words: str
):
    SyncState.objects.filter(client=client).update(outcome="failed" if code else "unchanged", error_code=code)
    day = timezone.localdate() - timedelta(days=2)
    invoice = Invoice.objects.create(external_reference_id="INV-7", service_provider_id=world.BRANCH)
    line = InvoiceLineItem.objects.create(
        invoice=invoice, client=client, external_reference_id="INV-7-1", service_id="SERV-0001",
        delivery_date=day, quantity=1, price_per_unit=80,
    )  # fmt: skip
    choice = {"service_provider_id": world.BRANCH, "from_date": day.isoformat(), "to_date": day.isoformat()}
    fay = browse(cast.fay)
    shown = text_of(fay.get(reverse("console:batch-new"), choice))
    assert words in shown
    assert f'href="{reverse("console:client", args=[client.pk])}"' in shown
    fay.post(reverse("console:batch-new"), choice)
    cautions = line.payment_requests.get().cautions
    assert any(words in caution for caution in cautions)
