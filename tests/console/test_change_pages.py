"""The change log page by page: nothing is lost between pages, no sync is cut in two, and nothing unread is marked."""

import csv
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.last_seen import find_last_seen
from carefund.access.models import AccessLogEntry
from carefund.console.url_numbers import read_number
from carefund.console.views import home
from carefund.records.care_recipient.changes import cut_at_sync, list_changes
from carefund.records.models import Change, Client
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]


def make_syncs(client: Client, *sizes: int) -> None:
    """Syncs, oldest first, each of which brought so many services."""
    now = timezone.now()
    for hours, size in enumerate(reversed(sizes)):
        at = now - timedelta(hours=len(sizes) - hours)
        for number in range(size):
            Change.objects.create(
                client=client, fetched_at=at, kind="approved_services", action="new", key=[f"S{hours}-{number}"]
            )


def test_pages_hold_whole_syncs_and_together_everything() -> None:
    client = world.make_clients(1)[0]
    make_syncs(client, 2, 7, 1, 4, 3)
    changes = list_changes(client=client)
    sizes, told, before = [], [], 0
    while True:
        shown = cut_at_sync(changes, 3, before)
        sizes.append(len(shown.changes))
        told += [change.pk for change in shown.changes]
        before = shown.older_before
        if not before:
            break
    assert told == list(changes.values_list("id", flat=True))
    assert sizes == [9, 5, 3]


@pytest.mark.parametrize("text", ["", "-1", "x", "²", "9" * 40])
def test_an_address_that_names_no_change_shows_the_newest(text: str) -> None:
    assert read_number(text) == 0


def test_what_does_not_fit_on_home_cannot_be_marked_there(
    browse: Browse, cast: world.Cast, margaret: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "_CHANGES", 3)
    make_syncs(margaret, 3, 2, 2)
    browser = browse(cast.ada)
    page = browser.get(reverse("console:home")).content.decode()
    assert "Mark as seen" not in page
    assert "older changes" in page
    first = browser.get(reverse("console:changes"))
    second = browser.get(reverse("console:changes"), {"before": first.context["shown"].older_before})
    assert "as seen" in first.content.decode()
    told = [*first.context["shown"].changes, *second.context["shown"].changes]
    assert len({change.pk for change in told}) == len(told) > 3
    up_to = first.context["up_to_change_id"]
    browser.post(reverse("console:mark-as-seen"), {"up_to": up_to})
    look = find_last_seen(cast.ada)
    assert look is not None
    assert look.change_id == up_to
    assert "Nothing new" in browser.get(reverse("console:changes")).content.decode()
    assert margaret.full_name in browser.get(reverse("console:changes"), {"all": "1"}).content.decode()


def test_the_changes_of_another_branch_are_on_no_page(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    make_syncs(margaret, 4)
    for query in ({}, {"all": "1"}):
        assert margaret.full_name not in browse(cast.cy).get(reverse("console:changes"), query).content.decode()
        assert margaret.full_name in browse(cast.ben).get(reverse("console:changes"), query).content.decode()


def test_what_is_only_read_otherwise_is_marked_and_is_no_news_on_home(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    make_syncs(margaret, 1)
    Change.objects.create(
        client=margaret, fetched_at=timezone.now(), kind="budgets", action="changed", key=["77"], field="available",
        before=None, after="12.50", cause=Change.READING,
    )  # fmt: skip
    browser = browse(cast.ada)
    home_page = browser.get(reverse("console:home")).content.decode()
    assert "12.50" not in home_page
    assert "S0-0" in home_page
    log = browser.get(reverse("console:client-changes", args=[margaret.pk])).content.decode()
    assert log.count(">Reprocessed<") == 1
    assert "12.50" in log


def test_the_log_as_csv_has_every_entry_as_data_and_in_words(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    address = reverse("console:client-changes-csv", args=[margaret.pk])
    assert address in browse(cast.ada).get(reverse("console:client-changes", args=[margaret.pk])).content.decode()
    assert address not in browse(cast.ben).get(reverse("console:client-changes", args=[margaret.pk])).content.decode()
    answer = browse(cast.ada).get(address)
    lines = list(csv.DictReader(b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()))
    log = list(list_changes(client=margaret))
    assert [int(line["number"]) for line in lines] == [change.pk for change in log], "newest first, none left out"
    total, logged = next((line, change) for line, change in zip(lines, log, strict=True) if change.field == "total")
    assert (total["what"], total["before"], total["after"]) == ("Total", logged.before, logged.after)
    assert total["in_words"].startswith(f"{total['record']}: total rose from ")
    assert AccessLogEntry.objects.filter(what="Change log (CSV)").exists()
