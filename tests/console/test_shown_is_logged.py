"""Whatever page or file shows a client's name or id has an entry of the access log that names this client."""

import re
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.db.models import Q
from django.urls import reverse

from carefund.access.models import AccessLogEntry
from carefund.records.models import Client
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world
from tests.console.test_page_access import PAGES

Browse = Callable[[User | None], Browser]
NAMES = sorted(set(PAGES) - {"sign-out"})


@pytest.fixture
def margaret_only(margaret: Client) -> str:
    """What is on a page if and only if Margaret is."""
    assert margaret.care_recipient_id
    Client.objects.filter(pk=margaret.pk).update(last_name="Quillfeather-Doyle")
    return f"{margaret.care_recipient_id}|Quillfeather-Doyle"


@pytest.mark.parametrize("name", NAMES)
def test_who_is_on_a_page_is_in_the_log(
    name: str, browse: Browse, cast: world.Cast, margaret: Client, margaret_only: str
) -> None:
    run = Run.objects.filter(items__client=margaret).order_by("id").first()
    world.make_changes(margaret, hours_ago=1)
    address = re.sub(r"/clients/1(?=/|$)", f"/clients/{margaret.pk}", PAGES[name])
    if run is not None:
        address = re.sub(r"/runs/1(?=/|\.|$)", f"/runs/{run.pk}", address)
    answer = browse(cast.ada).get(address, {"day": "2026-11-01", "only": ""})
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    if answer.status_code == 200 and re.search(margaret_only, content.decode()):
        named = Q(client=margaret) | Q(client_ids__contains=f",{margaret.pk},")
        assert AccessLogEntry.objects.filter(named, user=cast.ada).exists(), f"{name} shows somebody without an entry"


@pytest.mark.parametrize("name", ["home", "changes", "clients", "clients-csv", "run", "run-csv", "client"])
def test_the_test_above_looks_at_pages_that_show_somebody(
    name: str, browse: Browse, cast: world.Cast, margaret: Client, margaret_only: str
) -> None:
    world.make_changes(margaret, hours_ago=1)
    world.make_run([margaret], cast.fay)
    run = Run.objects.filter(items__client=margaret).order_by("-id")[0]
    keywords = {"run": {"run_id": run.pk}, "run-csv": {"run_id": run.pk}, "client": {"client_id": margaret.pk}}
    query = {"only": ""} if name == "run" else {}
    answer = browse(cast.ada).get(reverse(f"console:{name}", kwargs=keywords.get(name, {})), query)
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    assert re.search(margaret_only, content.decode()), name
    named = Q(client=margaret) | Q(client_ids__contains=f",{margaret.pk},")
    assert AccessLogEntry.objects.filter(named, user=cast.ada).count() == 1


@pytest.mark.parametrize("day", ["", "2999-01-01", "no day"])
def test_a_name_above_an_empty_page_is_in_the_log_too(
    day: str, browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    answer = browse(cast.ada).get(reverse("console:as-of", args=[margaret.pk]), {"day": day})
    assert "Margaret Doyle" in answer.content.decode()
    assert AccessLogEntry.objects.filter(client=margaret, user=cast.ada).count() == 1
