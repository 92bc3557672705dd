"""A coordinator keeps clients: adds one of no known branch, enters an id learnt later, renames, makes inactive."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESKTOP, PHONE, Demo, OpenPage
from tests.journeys.test_every_page import complaints

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("size", "script"), [(DESKTOP, True), (PHONE, False)], ids=["desktop", "phone-no-script"])
def test_a_coordinator_adds_a_client_and_enters_the_id_when_it_is_known(
    demo: Demo, open_page: OpenPage, size: tuple[int, int], script: bool
) -> None:
    person = demo.control("POST", "/care-recipients", {"scenario": "ordinary"})["careRecipientId"]
    demo.control("POST", f"/care-recipients/{person}/service-provider", {"serviceProviderId": "4049000002"})
    name = f"Newcomer{size[0]}"
    page = open_page("ben", size, script=script)
    page.goto("/clients")
    page.get_by_role("link", name="Add a client").click()
    page.get_by_label("First name").fill("Nora")
    page.get_by_label("Last name").fill(name)
    page.get_by_label("Branch").select_option("")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name=f"Nora {name}")).to_be_visible()
    expect(page.get_by_text("This client has no Care Recipient ID yet.")).to_be_visible()
    page.get_by_role("link", name="Enter it").click()
    page.get_by_label("Care Recipient ID").fill("400000001")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Another client already has this Care Recipient ID.")).to_be_visible()
    page.get_by_label("Care Recipient ID").fill(person)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Synchronise Budget Information").first.click()
    page.get_by_role("button", name="Sync", exact=True).click()
    expect(page.get_by_text("The sync is finished.")).to_be_visible()
    page.get_by_role("link", name="Close").click()
    expect(page.get_by_text("4049000002").first).to_be_visible()
    page.get_by_role("link", name="Edit client").click()
    expect(page.get_by_label("Care Recipient ID")).to_be_disabled()
    if script:
        assert not complaints(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= size[0]
    page.get_by_label("Last name").fill(f"{name}-Jones")
    page.get_by_label("Active").uncheck()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("heading", name=f"Nora {name}-Jones")).to_contain_text("Inactive")
    page.get_by_role("navigation", name="Client").get_by_role("link", name="Changes").click()
    expect(page.get_by_text("Client made inactive (ben).")).to_be_visible()


def test_a_coordinator_confirms_an_id_that_an_import_proposes(demo: Demo, open_page: OpenPage, tmp_path: Path) -> None:
    page = open_page("ben")
    page.goto("/clients/new")
    page.get_by_label("First name").fill("Milo")
    page.get_by_label("Last name").fill("Later")
    page.get_by_label("Branch").select_option("4049000001")
    page.get_by_role("button", name="Add").click()
    expect(page.get_by_role("heading", name="Milo Later")).to_be_visible()
    file = tmp_path / "provider.json"
    row = {"careRecipientId": "499999999", "firstName": "Milo", "lastName": "Later", "birthDate": "1941-02-03"}
    file.write_text(json.dumps({"clients": [row]}))
    command = [sys.executable, "-m", "carefund.cli.main", "clients", "import", str(file)]
    subprocess.run(command, env=demo.environment, cwd=demo.folder, check=True, capture_output=True)
    page.goto("/clients")
    page.get_by_role("link", name="1 Care Recipient ID to confirm").click()
    expect(page.get_by_text("3 February 1941")).to_be_visible()
    assert not complaints(page)
    page.get_by_role("button", name="Same person").click()
    expect(page.get_by_text("Care Recipient ID added to the client.")).to_be_visible()
    page.goto("/clients?search=Later")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("499999999")
