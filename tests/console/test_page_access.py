"""Every page's outsider: strangers sign in, people without a role see nothing, other branches do not exist."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.auth.models import User
from django.urls import NoReverseMatch, URLPattern, reverse

from carefund.access.models import AccessLogEntry
from carefund.console.urls import urlpatterns
from carefund.records.models import Client
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.one_database

OPEN = {"sign-in", "earlier-sign-in", "sign-out", "theme", "two-factor-verify", "two-factor",
        "directory-sign-in", "directory-return", "first-visit"}  # fmt: skip
OWN = {"account", "other-sessions", "password", "two-factor-off"}
VALUES = {
    "client_id": 1,
    "budget_key": 1,
    "stage": "not-claimed",
    "run_id": 1,
    "user_id": 1,
    "digest": "0" * 64,
    "step": "pause",
    "contract_id": 1,
    "service_provider_id": "2200000011",
    "token": "x",
    "token_id": 1,
    "upload_id": 1,
    "line_id": 1,
    "batch_id": 1,
    "claim_id": "100000000001",
    "match_id": 1,
    "item_id": 1,
    "planned_id": 1,
    "webhook_id": 1,
    "delivery_id": 1,
    "account_id": 1,
    "rate_id": 1,
}
Browse = Callable[[User | None], Browser]


def addresses() -> Iterator[tuple[str, str]]:
    """Every page that needs sign-in, by name."""
    for pattern in urlpatterns:
        if not isinstance(pattern, URLPattern) or pattern.name in OPEN:
            continue
        names = pattern.pattern.regex.groupindex
        try:
            yield str(pattern.name), reverse(f"console:{pattern.name}", kwargs={name: VALUES[name] for name in names})
        except (NoReverseMatch, KeyError) as error:
            raise AssertionError(f"the test does not know the values of {pattern.name}") from error


PAGES = dict(addresses())
ABOUT_A_CLIENT = {
    "client": 200, "plan": 200, "synchronise": 200, "client-changes": 200, "client-syncs": 200, "as-of": 200,
    "client-edit": 200, "spending": 200,
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_stranger_is_asked_to_sign_in(name: str, browse: Browse, db: None) -> None:
    for method in ("get", "post"):
        answer = getattr(browse(None), method)(PAGES[name])
        assert answer.status_code in (302, 405), name
        if answer.status_code == 302:
            assert answer.headers["Location"].startswith(reverse("console:sign-in"))


@pytest.mark.parametrize("name", sorted(set(PAGES) - OWN))
def test_without_a_role_one_plain_page_is_all(name: str, browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.dee)
    for method in ("get", "post"):
        answer = getattr(browser, method)(PAGES[name])
        assert answer.status_code in (403, 405), name
        if answer.status_code == 403:
            assert b"No access" in answer.content
            assert b"Clients" not in answer.content


@pytest.mark.parametrize("name", ABOUT_A_CLIENT)
def test_a_client_of_another_branch_does_not_exist(
    name: str, browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    address = reverse(f"console:{name}", kwargs={"client_id": margaret.pk})
    assert browse(cast.ben).get(address).status_code == 200
    assert browse(cast.cy).get(address).status_code == 404
    assert browse(cast.cy).post(address).status_code in (404, 405)


@pytest.mark.parametrize(
    "name",
    [
        "runs",
        "run",
        "run-new",
        "run-csv",
        "clients-csv",
        "client-changes-csv",
        "client-data",
        "client-data-file",
        "connections",
        "schedules",
        "access-log",
        "people",
        "person-new",
        "administration",
    ],
)
def test_a_coordinator_has_no_part_in_administration(name: str, browse: Browse, cast: world.Cast) -> None:
    assert browse(cast.ben).get(PAGES[name]).status_code == 403


@pytest.mark.parametrize(
    "name", ["connections", "schedules", "access-log", "people", "person-new", "client-data", "client-data-file"]
)
def test_finance_does_not_administer(name: str, browse: Browse, cast: world.Cast) -> None:
    assert browse(cast.fay).get(PAGES[name]).status_code == 403


def test_the_list_of_another_branch_is_empty_of_these_clients(
    browse: Browse, cast: world.Cast, margaret: Client
) -> None:
    answer = browse(cast.cy).get(reverse("console:clients"))
    assert margaret.care_recipient_id is not None
    assert margaret.care_recipient_id not in answer.content.decode()
    assert "400000101" in answer.content.decode()


def test_who_reads_only_finds_no_way_to_synchronise(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser = browse(cast.rex)
    page = browser.get(reverse("console:client", args=[margaret.pk])).content.decode()
    assert "Synchronise Budget Information" not in page
    assert browser.post(reverse("console:synchronise", args=[margaret.pk])).status_code == 403
    assert not Run.objects.filter(trigger=Run.Trigger.ON_DEMAND).exists()


@pytest.mark.parametrize("name", ["home", "clients", "sign-in"])
def test_no_page_allows_a_script_or_style_of_elsewhere_or_inline(name: str, browse: Browse, cast: world.Cast) -> None:
    answer = browse(cast.ada).get(reverse(f"console:{name}"))
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert b"style=" not in answer.content
    assert b"onclick" not in answer.content
    assert answer.headers["Referrer-Policy"] == "same-origin"


def test_each_look_at_a_client_is_in_the_access_log(browse: Browse, cast: world.Cast, margaret: Client) -> None:
    browser = browse(cast.ben)
    browser.get(reverse("console:client", args=[margaret.pk]))
    browser.get(reverse("console:plan", args=[margaret.pk]))
    browse(cast.cy).get(reverse("console:client", args=[margaret.pk]))
    entries = AccessLogEntry.objects.filter(client=margaret).order_by("id")
    assert [(entry.user_name, entry.action, entry.what) for entry in entries] == [
        ("ben", "viewed", "Funding"),
        ("ben", "viewed", "Plan"),
    ]
    log = browse(cast.ada).get(reverse("console:access-log")).content.decode()
    assert "Margaret Doyle" in log


def test_an_export_is_in_the_access_log_with_its_size(browse: Browse, cast: world.Cast) -> None:
    answer = browse(cast.fay).get(reverse("console:clients-csv"))
    content = b"".join(answer.streaming_content).decode()  # type: ignore[attr-defined]
    entry = AccessLogEntry.objects.get(action="exported")
    assert entry.number_of_clients == content.count("\n") - 1 == 14
    assert "400000001,Doyle,Margaret,2200000011,Level 6," in content
