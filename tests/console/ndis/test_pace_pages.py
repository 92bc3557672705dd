"""The NDIS pages: who may, what is there and what is not, and the way from a tick to a contract."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.urls import reverse

from carefund.access.models import AccessLogEntry
from carefund.domain.wording import write_day
from carefund.records.models import Client, NdisParticipant, ServiceContract
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import PACE_API, find_category_aliases
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.console.world import Cast
from tests.pace_world import NdiaSandbox

pytestmark = pytest.mark.django_db(transaction=True)
HTMX = {"HX-Request": "true"}


@pytest.fixture
def client(ndia: NdiaSandbox) -> Client:
    return ndia.client("take-over")


def open_as(user: object) -> Browser:
    browser = Browser()
    browser.force_login(user)
    return browser


def retrieve(browser: Browser, client: Client) -> str:
    """The dialog from the question to its end; the question itself is put by an engine."""
    answer = browser.post(reverse("console:ndis-pace", args=[client.pk]), headers=HTMX).content.decode()
    watch = re.search(r'hx-get="([^"]+)"', answer)
    if not watch:
        return answer
    finish_now(Run.objects.filter(kind="pace-plan").latest("id"))
    return browser.get(watch[1], headers=HTMX).content.decode()


def retrieve_again(browser: Browser, contract: ServiceContract) -> str:
    """Have the NDIA asked about a contract; the address of the differences."""
    answer = browser.post(reverse("console:ndis-contract-sync", args=[contract.pk]))
    finish_now(Run.objects.filter(kind="pace-plan").latest("id"))
    return str(answer.headers["Location"])


def read_choice(page: str) -> dict[str, Any]:
    """What Create sends: the plan shown, and every budget."""
    shown = re.search(r'name="plan" value="([^"]+)"', page)
    assert shown
    return {"plan": shown[1], "budget": re.findall(r'name="budget" value="([^"]+)"', page)}


def create(browser: Browser, client: Client) -> ServiceContract:
    page = retrieve(browser, client)
    answer = browser.post(reverse("console:ndis-pace-create", args=[client.pk]), read_choice(page), headers=HTMX)
    assert answer.status_code == 204
    contract = ServiceContract.objects.latest("id")
    assert answer.headers["HX-Redirect"] == reverse("console:ndis-contract", args=[contract.pk])
    return contract


def test_the_action_is_there_only_when_every_tick_is_set(ben: Browser, client: Client) -> None:
    address = reverse("console:ndis-client", args=[client.pk])
    dialog = reverse("console:ndis-pace", args=[client.pk])
    assert dialog in ben.get(address).content.decode()
    for values in ({"api_access": False}, {"is_pace_participant": False}):
        pace_store.store_participant(client, **({"is_pace_participant": True, "api_access": True} | values))
        assert dialog not in ben.get(address).content.decode()
        assert "not marked as an NDIS PACE participant" in retrieve(ben, client)
    pace_store.store_participant(client, is_pace_participant=True, api_access=True)
    pace_store.store_setting(PACE_API, False)
    assert dialog not in ben.get(address).content.decode()
    assert "turned off for this organisation" in retrieve(ben, client)
    assert not ServiceContract.objects.exists()


def test_the_dialog_asks_by_itself_and_ticks_every_budget(ben: Browser, client: Client) -> None:
    first = ben.get(reverse("console:ndis-pace", args=[client.pk]), headers=HTMX).content.decode()
    assert 'hx-trigger="load"' in first
    page = retrieve(ben, client)
    assert page.count('name="budget"') == page.count("checked") == 6
    assert "Choice and Control" in page


def test_without_a_script_the_same_way_leads_there(ben: Browser, client: Client) -> None:
    ask = ben.get(reverse("console:ndis-pace", args=[client.pk])).content.decode()
    assert "Retrieve" in ask
    answer = ben.post(reverse("console:ndis-pace", args=[client.pk]))
    assert "You can leave this page" in ben.get(answer.headers["Location"]).content.decode()
    finish_now(Run.objects.get(kind="pace-plan"))
    page = ben.get(answer.headers["Location"]).content.decode()
    answer = ben.post(reverse("console:ndis-pace-create", args=[client.pk]), read_choice(page))
    assert answer.status_code == 302


def test_the_contract_page_shows_budgets_periods_and_adjustment_records(ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    page = ben.get(reverse("console:ndis-contract", args=[contract.pk])).content.decode()
    for text in (
        "Core Flexible",
        "Funding component: Choice and Control",
        "NDIS PACE API Budget Adjustment Record",
        "NDIA refer to PACE",
        "Previous Plan Manager",
        "Not in totals",
        "75,680.00",
        "Expired",
        "Active",
        "Pending",
    ):
        assert text in page, text


def test_two_figures_that_differ_are_explained_where_they_stand(
    ndia: NdiaSandbox, ben: Browser, client: Client
) -> None:
    sentence = "<b>PACE remaining</b> also includes what is left from earlier periods."
    pages = []
    for participant in (client, ndia.client("no-periods")):
        contract = create(ben, participant)
        pages.append(ben.get(reverse("console:ndis-contract", args=[contract.pk])).content.decode())
    with_periods, without = pages
    tables = with_periods.split("<table")[:-1]
    explained = [sentence in part.rpartition("<section")[2] for part in tables if "Table of " in part[-200:]]
    assert explained
    assert all(explained)
    assert sentence not in without


def test_create_twice_leads_to_the_one_contract(ben: Browser, client: Client) -> None:
    page = retrieve(ben, client)
    contract = create(ben, client)
    address = reverse("console:ndis-pace-create", args=[client.pk])
    answer = ben.post(address, read_choice(page), headers=HTMX).content.decode()
    assert "already has a service contract" in answer
    assert reverse("console:ndis-contract", args=[contract.pk]) in answer
    assert "This plan already has a service contract" in retrieve(ben, client)


def test_who_comes_back_finds_the_plan_and_creates_from_it(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    dialog = reverse("console:ndis-pace", args=[client.pk])
    tab = reverse("console:ndis-client", args=[client.pk])
    ben.post(dialog, headers=HTMX)
    assert ndia.asked("ndia_determine_plan") == [], "nobody is asked while a page is waited for"
    assert "The PACE plan is being retrieved" in ben.get(tab).content.decode()
    ben.post(dialog, headers=HTMX)
    finish_now(Run.objects.get(kind="pace-plan"))
    found = re.search(r'href="([^"]+)">Review it', ben.get(tab).content.decode())
    assert found
    assert read_choice(ben.get(found[1]).content.decode())
    page = ben.get(dialog, headers=HTMX).content.decode()
    ndia.change(client, "spend", category="Consumables", amount="10.00")
    asked = len(ndia.asked("ndia_pace_budget"))
    address = reverse("console:ndis-pace-create", args=[client.pk])
    assert ben.post(address, read_choice(page), headers=HTMX).status_code == 204
    assert len(ndia.asked("ndia_pace_budget")) == asked == 1
    assert ServiceContract.objects.get().delivered_services.filter(amount="310.15").exists(), "what was shown"
    assert "Review it" not in ben.get(tab).content.decode()


def test_a_used_up_hour_is_said_in_the_dialog(ben: Browser, client: Client, settings: Any) -> None:
    settings.NDIA_BUDGETS_PER_HOUR = 1
    retrieve(ben, client)
    assert "CAREFUND_NDIA_BUDGETS_PER_HOUR" in retrieve(ben, client)


def test_a_participant_who_changed_since_is_refused(ben: Browser, client: Client) -> None:
    page = retrieve(ben, client)
    pace_store.store_participant(client, surname="Other")
    address = reverse("console:ndis-pace-create", args=[client.pk])
    answer = ben.post(address, read_choice(page), headers=HTMX).content.decode()
    assert "NDIS details changed since this plan was retrieved" in answer
    assert not ServiceContract.objects.exists()


def test_want_of_authority_says_what_to_check(ndia: NdiaSandbox, ben: Browser) -> None:
    page = retrieve(ben, ndia.client("no-consent"))
    for text in ("consent to view plan and budget", "participant's provider", "plan manager"):
        assert text in page.replace("&#x27;", "'"), text
    assert "“Requestor does not have the authority to perform the request”" in page


def test_an_identity_that_does_not_match_does_not_say_which_value(ndia: NdiaSandbox, ben: Browser) -> None:
    page = retrieve(ben, ndia.client("take-over", surname="Wrong"))
    assert "Surname, NDIS number and date of birth must all match" in page
    assert not ServiceContract.objects.exists()


def test_resync_shows_differences_first_then_asks_then_writes(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    end = contract.end_date + timedelta(days=10)
    ndia.change(client, "end-date", endDate=end.isoformat())
    decide = retrieve_again(ben, contract)
    page = ben.get(decide).content.decode()
    ids = re.findall(r'name="difference" value="([^"]+)"', page)
    assert ids
    assert page.count("checked") == len(ids)
    confirm = ben.post(decide, {"difference": ids[:1]}).content.decode()
    assert "This cannot be undone" in confirm
    contract.refresh_from_db()
    assert contract.end_date != end
    done = ben.post(decide, {"difference": ids[:1], "confirmed": "yes"}, follow=True)
    contract.refresh_from_db()
    assert contract.end_date == end
    assert "1 value updated from PACE" in done.content.decode()
    assert "was already used" in ben.post(decide, {"difference": ids[:1], "confirmed": "yes"}).content.decode()


def test_every_tick_is_set_or_unset_at_once_and_counted(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    ndia.change(client, "set-category", category="Consumables", approved="5000.00")
    ndia.change(client, "end-date", endDate=(contract.end_date + timedelta(days=10)).isoformat())
    decide = retrieve_again(ben, contract)

    def ticks(answer: Any) -> tuple[int, int]:
        page = answer.content.decode()
        boxes = re.findall(r'<input type="checkbox" name="difference"[^>]*>', page)
        number = sum("checked" in box for box in boxes)
        assert f"{number} of {len(boxes)} selected" in re.sub(r"<[^>]*>", "", page)
        assert 'href="?tick=all"' in page
        assert 'href="?tick=none"' in page
        return number, len(boxes)

    in_all = ticks(ben.get(decide))[1]
    assert in_all > 2
    assert ticks(ben.get(decide)) == ticks(ben.get(decide, {"tick": "all"})) == (in_all, in_all)
    assert ticks(ben.get(decide, {"tick": "none"})) == (0, in_all)
    ids = re.findall(r'name="difference" value="([^"]+)"', ben.get(decide).content.decode())
    assert ticks(ben.post(decide, {"difference": ids[1:], "confirmed": "yes", "back": "1"})) == (in_all - 1, in_all)
    contract.refresh_from_db()
    assert contract.version == 1, "nothing was written on the way"


def test_who_is_under_the_ndis_alone_does_not_look_broken(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    create(ben, client)
    assert client.care_recipient_id is None
    for name in ("client", "ndis-client"):
        page = ben.get(reverse(f"console:{name}", args=[client.pk])).content.decode()
        assert "Not synchronised yet" not in page
        assert "Not known" not in page
        assert "not known yet" not in page
        assert "just now</time>" in page.split("NDIA checked")[1][:200]
        assert reverse("console:plan", args=[client.pk]) not in page
    assert "1 service contract from PACE" in ben.get(reverse("console:client", args=[client.pk])).content.decode()
    listed = ben.get(reverse("console:clients")).content.decode()
    row = listed.split(f'/clients/{client.pk}"')[1].split("</tr>")[0]
    assert "NDIS" in row
    assert f"PACE plan to {write_day(ServiceContract.objects.get().end_date)}" in row
    assert ">Matches PACE<" in row
    assert "–" not in row, "what does not apply is not shown"
    assert "Not known yet" not in row
    assert "Never" not in row
    for state in ("never", "no-id"):
        assert client.last_name not in ben.get(reverse("console:clients"), {"state": state}).content.decode()


def test_nothing_ticked_is_said(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    ndia.change(client, "set-category", category="Consumables", approved="5000.00")
    decide = retrieve_again(ben, contract)
    assert "Nothing was selected" in ben.post(decide, {}).content.decode()


def test_editing_hides_and_drops_api_access_without_the_pace_tick(ben: Browser, client: Client) -> None:
    address = reverse("console:ndis-client-edit", args=[client.pk])
    assert 'class="api-access"' in ben.get(address).content.decode()
    ben.post(address, {"ndis_number": "430 000 001", "api_access": "on"})
    row = NdisParticipant.objects.get(client=client)
    assert (row.is_pace_participant, row.api_access, row.ndis_number) == (False, False, "430000001")


@pytest.mark.parametrize("number", ["12345678", "4300000011", "43000000x"])
def test_a_malformed_ndis_number_is_refused(ben: Browser, client: Client, number: str) -> None:
    address = reverse("console:ndis-client-edit", args=[client.pk])
    answer = ben.post(address, {"ndis_number": number, "is_pace_participant": "on"})
    assert "has 9 digits" in answer.content.decode()


def test_a_number_that_another_client_has_is_refused(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    other = ndia.client("monthly")
    address = reverse("console:ndis-client-edit", args=[client.pk])
    answer = ben.post(address, {"ndis_number": other.ndis.ndis_number})
    assert "Another client already has" in answer.content.decode()


def test_an_administrator_switches_the_api_and_maps_categories(ndia: NdiaSandbox, cast: Cast, ben: Browser) -> None:
    create(ben, ndia.client("unknown-category"))
    ada = open_as(cast.ada)
    address = reverse("console:ndis-settings")
    assert "Future Supports Trial" in ada.get(address).content.decode()
    ada.post(address, {"pace_api": "on", "category_0": "15"})
    assert find_category_aliases() == {"Future Supports Trial": "15"}
    contract = ServiceContract.objects.get()
    decide = retrieve_again(ben, contract)
    assert ben.get(decide).status_code == 200
    assert ben.get(address).status_code == 403


def test_comparing_many_lists_results_and_changes_nothing(ndia: NdiaSandbox, ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    create(ben, ndia.client("monthly"))
    ndia.change(client, "set-category", category="Consumables", approved="5000.00")
    address = reverse("console:ndis-comparisons")
    asked = len(ndia.asked("ndia_determine_plan"))
    assert "You can leave this page" in ben.post(address, follow=True).content.decode()
    assert len(ndia.asked("ndia_determine_plan")) == asked, "nobody is asked while a page is waited for"
    run = Run.objects.get(kind="contract-comparison")
    watch = reverse("console:run-watch", args=[run.pk])
    assert "HX-Refresh" not in ben.get(watch, headers=HTMX).headers
    finish_now(run)
    assert ben.get(watch, headers=HTMX).headers["HX-Refresh"] == "true"
    page = ben.get(address).content.decode()
    assert "All contracts compared" in page
    assert "Matches PACE" in page
    contract.comparison.refresh_from_db()
    assert contract.comparison.outcome == "different"


ADDRESSES = [
    ("ndis-client", "client"),
    ("ndis-client-edit", "client"),
    ("ndis-pace", "client"),
    ("ndis-pace-create", "client"),
    ("ndis-contract", "contract"),
    ("ndis-contract-sync", "contract"),
]


@pytest.mark.parametrize(("name", "about"), ADDRESSES)
def test_an_outsider_finds_nothing(ben: Browser, cast: Cast, client: Client, name: str, about: str) -> None:
    contract = create(ben, client)
    address = reverse(f"console:{name}", args=[client.pk if about == "client" else contract.pk])
    for method in ("get", "post"):
        assert getattr(open_as(cast.cy), method)(address).status_code == 404
        assert getattr(open_as(cast.dee), method)(address).status_code == 403
        assert getattr(Browser(), method)(address).status_code == 302


def test_an_outsider_compares_and_sees_only_their_own(ben: Browser, cast: Cast, client: Client) -> None:
    create(ben, client)
    cy = open_as(cast.cy)
    cy.post(reverse("console:ndis-comparisons"))
    assert not Run.objects.filter(kind="contract-comparison").exists()
    assert client.last_name not in cy.get(reverse("console:ndis-comparisons")).content.decode()


def test_who_may_only_read_sees_the_contract_and_no_button(ben: Browser, cast: Cast, client: Client) -> None:
    contract = create(ben, client)
    rex = open_as(cast.rex)
    page = rex.get(reverse("console:ndis-contract", args=[contract.pk]))
    assert page.status_code == 200
    assert "Sync PACE plan" not in page.content.decode()
    assert rex.post(reverse("console:ndis-contract-sync", args=[contract.pk])).status_code == 403
    assert rex.post(reverse("console:ndis-pace", args=[client.pk])).status_code == 403


def test_a_contract_page_costs_the_same_however_many_budgets(
    ndia: NdiaSandbox, ben: Browser, client: Client, django_assert_max_num_queries: object
) -> None:
    contract = create(ben, client)
    with django_assert_max_num_queries(25):  # type: ignore[operator]
        ben.get(reverse("console:ndis-contract", args=[contract.pk]))


def test_looking_and_asking_are_in_the_access_log(ben: Browser, client: Client) -> None:
    contract = create(ben, client)
    ben.get(reverse("console:ndis-client", args=[client.pk]))
    ben.get(reverse("console:ndis-contract", args=[contract.pk]))
    entries = set(AccessLogEntry.objects.filter(client=client).values_list("action", "what"))
    assert {
        ("synchronised", "NDIS PACE plan"),
        ("viewed", "NDIS funding"),
        ("viewed", "NDIS service contract"),
    } <= entries


def test_an_ndis_number_is_written_in_one_way(ben: Browser, client: Client) -> None:
    assert client.is_under_ndis_alone
    number = str(client.ndis.ndis_number)
    written = f"{number[:3]} {number[3:6]} {number[6:]}"
    for name in ("client", "ndis-client"):
        page = ben.get(reverse(f"console:{name}", args=[client.pk])).content.decode()
        assert written in page, name
        assert number not in page, name


def test_a_client_is_found_by_ndis_number(ben: Browser, client: Client) -> None:
    page = ben.get(reverse("console:clients"), {"search": client.ndis.ndis_number}).content.decode()
    assert client.last_name in page


@pytest.mark.parametrize("others", [True, False], ids=["somebody of another branch has it", "nobody has it"])
def test_entering_a_number_tells_nothing_of_clients_of_other_branches(
    ndia: NdiaSandbox, client: Client, cast: Cast, others: bool
) -> None:
    stranger = ndia.client("monthly", ndis_number="430000009" if others else "430000117")
    Client.objects.filter(pk=stranger.pk).update(service_provider_id="9900000001")
    edit = reverse("console:ndis-client-edit", args=[client.pk])
    answer = open_as(cast.ben).post(edit, {"ndis_number": "430000009", "is_pace_participant": "on"}, follow=True)
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]+"', "", answer.content.decode())
    assert answer.redirect_chain == [(reverse("console:ndis-client", args=[client.pk]), 302)]
    assert "NDIS details saved." in page
    assert "nother client" not in page
    assert NdisParticipant.objects.get(client=client).ndis_number == "430000009"
    # Whoever sees both is told.
    of_all = open_as(cast.ada).get(reverse("console:ndis-client", args=[client.pk])).content.decode()
    assert (
        f'Another client has this NDIS number: <a href="{reverse("console:ndis-client", args=[stranger.pk])}' in of_all
    ) == others


def test_a_number_of_the_own_branch_is_refused(ndia: NdiaSandbox, client: Client, cast: Cast) -> None:
    known = ndia.client("monthly")
    edit = reverse("console:ndis-client-edit", args=[client.pk])
    page = open_as(cast.ben).post(edit, {"ndis_number": known.ndis.ndis_number}).content.decode()
    assert "Another client already has this NDIS number." in page
