"""Synchronise Budget Information over the sandbox: what the person who asked is told, also when the client moves."""

import asyncio
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import reverse

from carefund.records.models import Client
from carefund.runs.engines import embedded
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console import world as people

HERE, ELSEWHERE = people.BRANCH, "4049000003"
CARE_RECIPIENT = "400000003"
HTMX = {"HX-Request": "true"}
Browse = Callable[[User | None], Browser]


@pytest.fixture
def cast(transactional_db: None) -> people.Cast:
    return people.make_cast()


@pytest.fixture
def client(world: Sandbox, cast: people.Cast, add_client: Callable[..., Client]) -> Client:
    """A client of Ben's branch, whose budgets name another one from now on."""
    world.change(CARE_RECIPIENT, "service-provider", serviceProviderId=ELSEWHERE)
    return add_client(CARE_RECIPIENT, first_name="Wilma", last_name="Example", service_provider_id=HERE)


def ask(browser: Browser, client: Client, **values: str) -> Run:
    """Press Sync, or Preview changes, in the dialog."""
    answer = browser.post(reverse("console:synchronise", args=[client.pk]), values, headers=HTMX)
    assert answer.status_code == 200
    return Run.objects.latest("id")


def carry_out() -> None:
    asyncio.run(embedded.work(until_idle=True))


def address_of(client: Client, run: Run, name: str = "synchronise-run") -> str:
    return reverse(f"console:{name}", args=[client.pk, run.pk])


def text_of(answer: HttpResponse) -> str:
    return answer.content.decode()


def names_nothing(page: str, client: Client) -> bool:
    return not any(word in page for word in (client.last_name, CARE_RECIPIENT, ELSEWHERE, f"/clients/{client.pk}/plan"))


@pytest.mark.parametrize("headers", [HTMX, {}], ids=["dialog", "page"])
def test_who_asked_sees_the_outcome_of_a_sync_that_moved_the_client_away(
    client: Client, cast: people.Cast, browse: Browse, headers: dict[str, str]
):
    ben = browse(cast.ben)
    run = ask(ben, client)
    carry_out()
    answer = ben.get(address_of(client, run), headers=headers)
    page = text_of(answer)
    assert answer.status_code == 200
    assert "The sync is finished." in page
    assert "no longer have access to this client" in page
    assert "Budget records" in page
    assert names_nothing(page, client)
    assert "HX-Trigger" not in answer.headers
    for name in ("client", "plan", "synchronise", "client-syncs"):
        assert ben.get(reverse(f"console:{name}", args=[client.pk])).status_code == 404


def test_who_did_not_ask_sees_nothing_of_it(client: Client, cast: people.Cast, browse: Browse):
    run = ask(browse(cast.ben), client)
    carry_out()
    assert browse(cast.rex).get(address_of(client, run), headers=HTMX).status_code == 404
    assert browse(cast.cy).get(address_of(client, run), headers=HTMX).status_code == 404
    assert "Wilma Example" in text_of(browse(cast.fay).get(address_of(client, run)))


def test_who_asked_may_see_that_run_and_no_other(client: Client, cast: people.Cast, browse: Browse):
    ask(browse(cast.ben), client)
    carry_out()
    later = ask(browse(cast.fay), client)
    carry_out()
    assert browse(cast.ben).get(address_of(client, later), headers=HTMX).status_code == 404


def test_a_sync_still_waiting_goes_on_telling_who_asked(client: Client, cast: people.Cast, browse: Browse):
    ben = browse(cast.ben)
    run = ask(ben, client)
    Client.objects.filter(pk=client.pk).update(service_provider_id=ELSEWHERE)
    page = text_of(ben.get(address_of(client, run), headers=HTMX))
    assert address_of(client, run) in page, "the dialog goes on looking"
    assert names_nothing(page, client)


def test_a_preview_that_would_move_the_client_away_shows_no_figures(client: Client, cast: people.Cast, browse: Browse):
    ben, fay = browse(cast.ben), browse(cast.fay)
    run = ask(ben, client, preview="1")
    carry_out()
    page = text_of(ben.get(address_of(client, run), headers=HTMX))
    assert "another branch" in page
    assert "Apply these changes" not in page
    assert "Home support ongoing" not in page
    assert ELSEWHERE not in page
    assert ben.post(address_of(client, run, "preview-apply"), headers=HTMX).status_code == 403
    assert "Apply these changes" in text_of(fay.get(address_of(client, run), headers=HTMX))
