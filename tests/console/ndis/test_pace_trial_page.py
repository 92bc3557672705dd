"""A participant tried on the page of the interfaces, as by `carefund interfaces try NUMBER --ndis`."""

from html import unescape

import pytest
from django.urls import reverse

from carefund.access.access_log import list_entries
from carefund.funders.ndia.contract import NDIA
from carefund.records.models import ServiceContract, TriedAnswer
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.console.ndis.conftest import browser_of
from tests.console.world import Cast
from tests.pace_world import NdiaSandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.one_database]
PAGE = reverse("console:interfaces")


def test_a_participant_is_tried_by_their_number_and_leads_to_their_page(ndia: NdiaSandbox, cast: Cast) -> None:
    client = ndia.client("take-over")
    ada = browser_of(cast.ada)
    number = client.ndis.ndis_number
    spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
    ada.post(PAGE, {"step": "try", "interface": "ndia", "number": spaced})
    finish_now(Run.objects.get())
    shown = unescape(ada.get(PAGE).content.decode())
    assert all(f'<th scope="row">{operation}</th>' in shown for operation in NDIA.operations)
    assert "Nothing to change in the interfaces file." in shown
    assert reverse("console:ndis-client", args=[client.pk]) in shown
    assert number not in shown
    assert TriedAnswer.objects.count() == 4
    assert not ServiceContract.objects.exists()
    assert list_entries()[0].what == "Trial of the PACE interfaces"


def test_somebody_who_cannot_be_asked_about_is_a_sentence(ndia: NdiaSandbox, cast: Cast) -> None:
    client = ndia.client("take-over")
    client.ndis.api_access = False
    client.ndis.save()
    asked = {"step": "try", "interface": "ndia", "number": client.ndis.ndis_number}
    shown = unescape(browser_of(cast.ada).post(PAGE, asked, follow=True).content.decode())
    assert 'class="note bad' in shown
    assert not Run.objects.exists()
