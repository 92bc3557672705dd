"""The pages of care management, over the real sandbox: who may, what is shown, what is kept."""

from collections.abc import Callable
from html import unescape

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from carefund.domain.quarters import quarter_of
from carefund.records.care_management.store import list_saves
from carefund.records.models import CareManagementSave, Client
from carefund.runs.business_day import business_today
from carefund.runs.foreground import finish_now, sync_service_providers
from carefund.runs.models import Run
from carefund.runs.schedule import find_schedule
from tests.browsing import Browser
from tests.conftest import Sandbox
from tests.console import world as cast_world

ONE = "4049000001"
FIRST = reverse("console:support-at-home")
TAB = reverse("console:care-management", args=[ONE])
ALL = reverse("console:care-management-all")
HISTORY = reverse("console:care-management-history", args=[ONE])
SYNC = reverse("console:service-providers-sync")
PROGRESS = reverse("console:service-providers-progress")
SAVING = reverse("console:care-management-saving")
Browse = Callable[[User | None], Browser]


@pytest.fixture
def people(transactional_db: None) -> cast_world.Cast:
    return cast_world.make_cast()


@pytest.fixture
def ada(people: cast_world.Cast, browse: Browse) -> Browser:
    return browse(people.ada)


@pytest.fixture
def detected(world: Sandbox, add_client: Callable[..., Client]) -> Sandbox:
    for number in (1, 2, 3):
        add_client(str(400_000_000 + number), last_name=f"Example{number}")
    sync_service_providers()
    return world


def search_in_background() -> None:
    """The engine's part, until the search is over."""
    finish_now(Run.objects.get(kind="service-providers", finished_at=None))


def text_of(answer: object) -> str:
    return unescape(answer.content.decode())  # type: ignore[attr-defined]


def refresh(browser: Browser, address: str) -> str:
    """Refresh, let the engine do it, and come back to the page."""
    browser.post(address)
    finish_now(Run.objects.get(kind="pools", finished_at=None))
    return text_of(browser.get(address))


def save_in(page: str) -> dict[str, str]:
    """What the page's Save button sends."""
    return {"save": page.split('name="save" value="')[1].split('"', maxsplit=1)[0]}


@pytest.mark.parametrize("who", ["ben", "fay", "rex"])
def test_only_administrators_see_or_run_this(detected: Sandbox, people: cast_world.Cast, browse: Browse, who: str):
    detected.ask("DELETE", "/journal")
    browser = browse(getattr(people, who))
    for address in (FIRST, TAB, ALL, HISTORY):
        assert browser.get(address).status_code == 403
    for address in (TAB, ALL, SYNC, SAVING):
        assert browser.post(address).status_code == 403
    assert "support-at-home" not in text_of(browser.get(reverse("console:home")))
    assert detected.ask("GET", "/journal")["requests"] == []


def test_without_a_valid_id_refresh_is_closed_and_says_so(world: Sandbox, ada: Browser):
    page = text_of(ada.get(FIRST))
    assert "No valid Service Provider ID has been found yet" in page
    assert "disabled" in page.split("Refresh</button>")[0].rsplit("<button", 1)[1]
    assert ada.get(TAB).status_code == 404
    page = text_of(ada.post(ALL, follow=True))
    assert "Run Sync Service Providers first" in page


def test_sync_service_providers_makes_tabs_and_fills_the_id(
    world: Sandbox, ada: Browser, add_client: Callable[..., Client]
):
    for number in (1, 2, 3):
        add_client(str(400_000_000 + number))
    world.ask("DELETE", "/journal")
    page = text_of(ada.post(SYNC, follow=True))
    assert "This continues in the background" in page
    assert world.ask("GET", "/journal")["requests"] == []
    ada.post(SYNC)
    assert Run.objects.filter(kind="service-providers").count() == 1
    assert "HX-Refresh" not in ada.get(PROGRESS, headers={"HX-Request": "true"}).headers

    search_in_background()
    assert ada.get(PROGRESS, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
    page = text_of(ada.get(FIRST, follow=True))
    assert "Service Provider IDs found: 3. Clients updated: 3." in page
    for provider_id in ("4049000001", "4049000002", "4049000003"):
        assert reverse("console:care-management", args=[provider_id]) in page
    assert f'id="service-provider-id" value="{ONE}"' in page


def test_a_search_that_failed_says_why(world: Sandbox, ada: Browser, add_client: Callable[..., Client]):
    add_client("400000001")
    ada.post(SYNC)
    world.fault(kind="status", status=503, operation="*")
    search_in_background()
    page = text_of(ada.get(FIRST))
    assert 'role="alert"' in page
    assert "Sync Service Providers: " in page
    assert ada.post(SYNC).status_code == 302
    assert Run.objects.filter(kind="service-providers", finished_at=None).exists(), "it can be asked for again"


def test_when_nothing_valid_is_found_tabs_and_refresh_are_closed_and_the_history_stays(
    world: Sandbox, ada: Browser, add_client: Callable[..., Client]
):
    world.ask("POST", "/reset", {"careRecipients": 1})
    add_client("400000001")
    sync_service_providers()
    one = Client.objects.get().service_provider_id
    tab = reverse("console:care-management", args=[one])
    history = reverse("console:care-management-history", args=[one])
    ada.post(tab, save_in(refresh(ada, tab)))
    world.change("400000001", "service-provider", serviceProviderId="0000000000")
    sync_service_providers()
    world.ask("DELETE", "/journal")

    for page in (ada.get(FIRST), ada.get(tab, follow=True), ada.post(tab, follow=True), ada.get(ALL)):
        words = text_of(page)
        assert "No budget has a valid Service Provider ID any more" in words
        assert 'aria-label="Service Provider IDs"' not in words
        assert "disabled" in words.split("Refresh</button>")[0].rsplit("<button", 1)[1]
    assert history in words
    assert "saved by ada" in text_of(ada.get(history))
    assert world.ask("GET", "/journal")["requests"] == []


def test_a_closed_budget_is_not_among_the_active_ones(detected: Sandbox, ada: Browser):
    total = "12,345.67"
    detected.ask("POST", f"/service-providers/{ONE}/closed-budget", {"amount": "12345.67"})
    page = refresh(ada, TAB)
    active, closed = page.split("Closed budgets of this quarter")
    assert total not in active
    assert "Open</span>" in active
    assert total in closed
    assert "Closed</span>" in closed
    again = text_of(ada.get(TAB, {"sort": "-status"}))
    assert total in again.split("Closed budgets of this quarter")[1], "sorting keeps it"


def test_rollover_deduction_and_write_off_are_explained(detected: Sandbox, ada: Browser):
    page = refresh(ada, TAB)
    meanings = page.split("What the figures mean")[1].split("</details>")[0]
    for word in ("Total", "Used", "Available", "Rollover deduction", "Write off"):
        assert f"<dt>{word}</dt>" in meanings
    assert "rolled over from one quarter to the next" in meanings
    assert "has written off" in meanings


def test_refresh_shows_and_save_keeps_with_the_last_sync_date(detected: Sandbox, ada: Browser):
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 75, "careRecipientId": "400000003"})
    page = refresh(ada, TAB)
    assert "Last Sync Date" in page
    assert "These figures are not saved yet" in page
    assert "Example3" in page, "who uses the pool"
    assert "Estimate" in page
    assert not CareManagementSave.objects.exists()

    page = text_of(ada.post(TAB, save_in(page), follow=True))
    assert "Saved to the history" in page
    assert "saved by ada" in page
    assert len(list_saves(ONE)) == 3, "this quarter and the two just ended"


def test_sorting_asks_nobody_again(detected: Sandbox, ada: Browser):
    detected.ask("POST", f"/service-providers/{ONE}/second-budget")
    page = refresh(ada, TAB)
    first, second = "9200001", "9300001"
    assert page.index(first) < page.index(second), "by start date at first"
    detected.ask("DELETE", "/journal")
    page = text_of(ada.get(TAB, {"sort": "total"}))
    assert page.index(second) < page.index(first)
    assert 'aria-sort="ascending"' in page
    assert detected.ask("GET", "/journal")["requests"] == []

    ada.post(TAB, save_in(page))
    page = text_of(ada.get(TAB, {"sort": "-budget_id"}))
    assert page.index(second) < page.index(first)


@pytest.mark.parametrize("other", ["0", "", "²", "99999999999999999999999"])
def test_only_what_the_page_showed_is_saved(detected: Sandbox, ada: Browser, other: str):
    refresh(ada, TAB)
    page = text_of(ada.post(TAB, {"save": other}, follow=True))
    assert "Refresh, then save" in page
    assert not CareManagementSave.objects.exists()


def test_no_data_says_what_was_asked_and_what_came_back(detected: Sandbox, ada: Browser):
    detected.ask("POST", f"/service-providers/{ONE}/empty")
    detected.ask("POST", f"/service-providers/{ONE}/other-types")
    page = refresh(ada, TAB)
    assert "Check that the Service Provider ID is correct, then try again." in page
    assert f"Budgets of Service Provider ID {ONE}" in page
    assert "Home support ongoing" in page


def test_a_refusal_is_told_with_advice(detected: Sandbox, ada: Browser):
    detected.ask("POST", f"/service-providers/{ONE}/refuse")
    page = refresh(ada, TAB)
    assert "does not act for this service provider" in page


def test_a_funder_that_is_down_is_told_on_the_page(detected: Sandbox, ada: Browser):
    detected.fault(operation="budgets_by_service_provider", kind="status", status=401)
    assert 'role="alert"' in refresh(ada, TAB)


def test_all_ids_are_rolled_up_and_split_back(detected: Sandbox, ada: Browser):
    page = refresh(ada, ALL)
    assert "All IDs together, and each ID" in page
    assert "Each is counted once" in page
    ada.post(ALL, save_in(page))
    assert set(CareManagementSave.objects.values_list("service_provider_id", flat=True)) == {
        "4049000001",
        "4049000002",
        "4049000003",
    }


def test_history_shows_saves_and_what_moved_between_two(detected: Sandbox, ada: Browser):
    assert "Nothing has been saved yet" in text_of(ada.get(HISTORY))
    detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 20})  # on a quarter's first day nothing is used
    for _ in range(2):
        ada.post(TAB, save_in(refresh(ada, TAB)))
        detected.ask("POST", f"/service-providers/{ONE}/use", {"amount": 75})
    assert "−$75.00" not in text_of(ada.get(HISTORY)).split("Compare two saves")[0]
    page = text_of(ada.get(HISTORY))
    assert "<svg" in page
    assert "−$75.00" in page.split("Compare two saves")[1]
    year = quarter_of(business_today()).financial_year
    assert f"{year}-{(year + 1) % 100:02}" in text_of(ada.get(HISTORY, {"by": "year"}))


def test_saving_by_itself_can_be_switched(detected: Sandbox, ada: Browser):
    for on in (True, False):
        ada.post(SAVING, {"on": "1" if on else "0"})
        assert find_schedule("pools").is_enabled is on


def test_a_refresh_goes_on_without_the_page_and_its_result_is_found_again(detected: Sandbox, ada: Browser):
    detected.ask("DELETE", "/journal")
    page = text_of(ada.post(TAB, follow=True))
    assert "This continues in the background" in page
    assert detected.ask("GET", "/journal")["requests"] == [], "no request of a page asks a funder"
    run = Run.objects.get(kind="pools")
    assert reverse("console:run", args=[run.pk]) in page
    assert str(run.pk) in text_of(ada.get(reverse("console:runs")))
    finish_now(run)
    assert ada.get(reverse("console:run-watch", args=[run.pk]), headers={"HX-Request": "true"}).headers["HX-Refresh"]
    assert "These figures are not saved yet" in text_of(ada.get(TAB))
