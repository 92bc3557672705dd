"""What administrators and finance change is in the audit log with before and after, and nothing secret is."""

import html
import json
import re
from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import Settings

from carefund.access.access_log import store_views
from carefund.access.models import AccessLogEntry, AuditEntry
from carefund.records.models import Client
from carefund.runs.models import Run, Schedule
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]
SECRET = "another long sentence of words"


def last_act() -> AuditEntry:
    return AuditEntry.objects.order_by("-id")[0]


def everything() -> str:
    return json.dumps(list(AuditEntry.objects.values("user_name", "act", "subject", "before", "after")), default=str)


def test_a_role_and_a_password_are_logged_without_the_password(browse: Browse, cast: world.Cast) -> None:
    form = {"username": "ben", "first_name": "Ben", "last_name": "Okafor", "email": "", "is_active": "on"}
    form |= {"role": "Finance", "new_password": SECRET}
    answer = browse(cast.ada).post(reverse("console:person", args=[cast.ben.pk]), form)
    assert answer.status_code == 302
    act = last_act()
    assert (act.user_name, act.act, act.subject) == ("ada", "Account changed", "account ben")
    assert (act.before["role"], act.after["role"]) == ("Coordinator", "Finance")
    assert act.after["new password"] is True
    assert act.before["branches"] == [world.BRANCH]
    assert "first name" not in act.before
    assert SECRET not in everything()
    made = form | {"username": "eve", "role": "Read-only", "service_provider_ids": [world.BRANCH]}
    assert browse(cast.ada).post(reverse("console:person-new"), made).status_code == 302
    assert (last_act().act, last_act().subject, last_act().before) == ("Account added", "account eve", {})


def test_tokens_are_logged_without_their_text(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    page = browser.post(
        reverse("console:tokens"), {"name": "Rostering", "days": "30", "scopes": "read"}
    ).content.decode()
    assert "cft_" in page
    assert (last_act().act, last_act().user_name) == ("API token created", "ada")
    assert "Rostering, of account ada" in last_act().subject
    browser.post(reverse("console:token-revoke", args=[cast.ada.api_tokens.get().pk]))
    assert last_act().act == "API token revoked"
    assert "cft_" not in everything()


def test_schedules_are_logged_with_before_and_after(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    page = browser.get(reverse("console:schedules"))
    form = {
        f"{form.prefix}-{name}": value
        for _, form, *_ in page.context["lines"]
        for name, value in ((field.name, field.value()) for field in form)
        if value not in (None, False)
    }
    assert browser.post(reverse("console:schedules"), form | {"nightly-at": "03:30"}).status_code == 302
    act = AuditEntry.objects.get(act="Schedule changed")
    assert (act.before, act.after) == ({"at": "02:00:00"}, {"at": "03:30:00"})
    assert act.subject == Schedule.objects.get(kind="nightly").name


def test_a_schedule_that_cannot_run_says_what_is_missing(browse: Browse, cast: world.Cast, settings: Settings) -> None:
    """Next in 14 hours would be untrue where no folder for backups is set."""
    address, browser = reverse("console:schedules"), browse(cast.ada)

    def card(kind: str) -> str:
        return browser.get(address).content.decode().split(f'id="schedule-{kind}"')[1].split("</section>")[0]

    settings.BACKUP_FOLDER = ""
    assert "Will not run" in card("backup")
    assert "Set CAREFUND_BACKUP_FOLDER and restart Carefund." in card("backup")
    assert "The PACE API is off." in card("contracts")
    settings.BACKUP_FOLDER = "/anywhere"
    assert "Next run:" in card("backup")
    Schedule.objects.filter(kind="contracts").update(is_enabled=False)
    assert "Will not run" not in card("contracts"), "it is off, and says so"


def test_runs_that_are_started_and_steered_are_logged(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser = browse(cast.fay)
    browser.post(reverse("console:run-new"), {"scope": "everybody", "parts": "everything"})
    run = Run.objects.order_by("-id")[0]
    assert (last_act().user_name, last_act().act, last_act().subject) == ("fay", "Bulk run started", f"run {run.pk}")
    assert last_act().after["items"] == run.total
    browser.post(reverse("console:run-steer", args=[run.pk, "pause"]))
    assert last_act().act == "Run paused"


def test_the_page_shows_acts_to_administrators_and_can_be_narrowed(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.ada)
    browser.post(reverse("console:tokens"), {"name": "Rostering", "days": "", "scopes": "read"})
    browser.post(reverse("console:token-revoke", args=[cast.ada.api_tokens.get().pk]))
    address = reverse("console:audit-log")
    page = browser.get(address).content.decode()
    assert "API token created" in page
    assert "API token revoked" in page
    narrowed = browser.get(address, {"words": "revoked rostering", "user": "ad"}).content.decode()
    assert "API token revoked" in narrowed
    assert "API token created" not in narrowed
    assert "No entries" in browser.get(address, {"user": "nobody"}).content.decode()
    assert browse(cast.fay).get(address).status_code == 403


def test_the_access_log_names_the_clients_of_a_list_and_can_be_narrowed_to_one(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    browse(cast.rex).get(reverse("console:clients"))
    browser = browse(cast.ada)
    address = reverse("console:access-log")
    for query in ({}, {"client": margaret.care_recipient_id}, {"action": "viewed"}, {"user": "rex"}):
        page = browser.get(address, query).content.decode()
        assert "List of clients" in page, query
        assert f'Margaret Doyle</a><span class="soft small number">{margaret.care_recipient_id}</span>' in page
    for query in ({"client": "499999999"}, {"action": "exported"}, {"client": "400000101"}):
        assert "List of clients" not in browser.get(address, query).content.decode(), query


def test_an_entry_about_many_leads_to_all_their_names(browse: Browse, cast: world.Cast) -> None:
    clients = world.make_clients(30, first_id=400000701)
    store_views(cast.fay, clients, "Money")
    browser, address = browse(cast.ada), reverse("console:access-log")
    page = browser.get(address).content.decode()
    first, last = clients[0].care_recipient_id or "", clients[29].care_recipient_id or ""
    assert first in page
    assert last not in page
    entry = AccessLogEntry.objects.get(what="Money")
    assert f"?entry={entry.pk}" in page
    alone = browser.get(address, {"entry": str(entry.pk)}).content.decode()
    assert first in alone
    assert last in alone
    assert AccessLogEntry.objects.latest("pk").number_of_clients == 30


def test_both_logs_are_read_page_by_page_and_never_counted(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    """Entries that come while somebody turns the pages move nothing."""
    browser = browse(cast.ada)
    for number in range(230):
        AuditEntry.objects.create(user_name="fay", act="Batch sent", subject=f"batch {number:03}.")
        AccessLogEntry.objects.create(user_name="fay", action="viewed", what=f"Page {number:03}.", client=margaret)
    for name, found in (("audit-log", r"batch (\d{3})\."), ("access-log", r"Page (\d{3})\.")):
        address, read = reverse(f"console:{name}"), []
        while address:
            with CaptureQueriesContext(connection) as queries:
                page = browser.get(address).content.decode()
            counts = [query["sql"] for query in queries if "COUNT(" in query["sql"].upper()]
            assert not [sql for sql in counts if "access_auditentry" in sql or "access_accesslogentry" in sql]
            read.append([int(number) for number in re.findall(found, page)])
            older = re.search(r'rel="next"\s+href="([^"]+)"', page)
            address = html.unescape(older[1]) if older else ""
            AuditEntry.objects.create(user_name="fay", act="Batch sent", subject="another")
        assert [number for numbers in read for number in numbers] == list(range(229, -1, -1))
        assert "This is the earliest entry" in page
        assert 'rel="prev"' in page


def test_a_page_that_was_refused_is_logged_by_its_name(browse: Browse, cast: world.Cast) -> None:
    assert browse(cast.fay).get(reverse("console:person", args=[cast.ben.pk])).status_code == 403
    act = last_act()
    assert (act.user_name, act.act, act.subject) == ("fay", "Refused: no permission", "GET console:person")
