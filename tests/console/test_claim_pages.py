"""The claim pages: who may come in, what a bad file looks like, and a batch's story at a glance."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.records.claims.store import store_claim
from carefund.records.models import Claim, ClaimBatch, Client, FileUpload, InvoiceLineItem, PaymentRequest
from carefund.runs.models import Run, RunItem
from tests.browsing import Browser
from tests.console import world

Browse = Callable[[User | None], Browser]
CSV = (
    "Invoice reference;Line reference;Care recipient ID;Service;Date;Quantity;Price\r\n"
    "INV-1;INV-1-1;400000001;SERV-0001;9/7/2026;1.5;80.00\r\n"
)
DAY = date(2026, 7, 9)
PAGES = ("claims", "invoices", "batch-new", "claim-exceptions")


def send_file(browser: Browser, content: str, name: str = "july.csv"):
    return browser.post(reverse("console:invoices"), {"file": SimpleUploadedFile(name, content.encode())}, follow=True)


@pytest.mark.parametrize("name", PAGES)
def test_only_finance_and_administration_claim(name: str, browse: Browse, cast: world.Cast) -> None:
    address = reverse(f"console:{name}")
    assert [browse(user).get(address).status_code for user in (cast.ada, cast.fay)] == [200, 200]
    assert [browse(user).get(address).status_code for user in (cast.ben, cast.rex)] == [403, 403]


def test_a_file_is_shown_before_it_is_loaded(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.fay)
    lines = InvoiceLineItem.objects.count()
    answer = send_file(browser, CSV)
    assert "Import 1 line" in answer.content.decode()
    assert InvoiceLineItem.objects.count() == lines
    upload = FileUpload.objects.get()
    browser.post(reverse("console:invoice-upload", args=[upload.pk]))
    assert InvoiceLineItem.objects.count() == lines + 1


def test_a_bad_row_is_named_and_nothing_can_be_loaded(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.fay)
    lines = InvoiceLineItem.objects.count()
    page = send_file(browser, CSV.replace("9/7/2026", "31/2/2026")).content.decode()
    assert "1 problem found" in page
    assert "Is not a real date" in page
    assert "Load " not in page
    browser.post(reverse("console:invoice-upload", args=[FileUpload.objects.get().pk]))
    assert InvoiceLineItem.objects.count() == lines


def test_a_file_that_is_no_table_is_refused_at_once(browse: Browse, cast: world.Cast) -> None:
    page = send_file(browse(cast.fay), "nothing,useful\n1,2\n").content.decode()
    assert "These columns are missing" in page
    assert not FileUpload.objects.exists()


def test_a_batch_is_chosen_kept_and_withdrawn(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.fay)
    send_file(browser, CSV)
    browser.post(reverse("console:invoice-upload", args=[FileUpload.objects.get().pk]))
    choice = {"service_provider_id": world.BRANCH, "from_date": "2026-07-01", "to_date": "2026-07-31"}
    preview = browser.get(reverse("console:batch-new"), choice).content.decode()
    assert "INV-1-1" in preview
    made = browser.post(reverse("console:batch-new"), choice, follow=True)
    assert made.status_code == 200


def test_every_page_with_lines_is_in_the_access_log_of_each_client(browse: Browse, cast: world.Cast) -> None:
    browser = browse(cast.fay)
    send_file(browser, CSV + "INV-1;INV-1-2;400000002;SERV-0001;9/7/2026;1;80.00\r\n")
    browser.post(reverse("console:invoice-upload", args=[FileUpload.objects.get().pk]))
    choice = {"service_provider_id": world.BRANCH, "from_date": "2026-07-01", "to_date": "2026-07-31"}
    browser.get(reverse("console:batch-new"), choice)
    assert seen_by(cast.fay, "Lines to claim") >= {"400000001", "400000002"}

    lines = list(InvoiceLineItem.objects.filter(invoice__external_reference_id="INV-1").order_by("pk"))
    batch = ClaimBatch.objects.create(service_provider_id=world.BRANCH, from_date=DAY, to_date=DAY)
    for line in lines:
        PaymentRequest.objects.create(batch=batch, line_item=line, amount=120, state=PaymentRequest.State.REFUSED)
    store_claim(claim_id="C-1", service_provider_id=world.BRANCH, reported_status="Approved", made_at=timezone.now())
    Claim.objects.update(batch=batch)
    for address, what in (
        (reverse("console:batch", args=[batch.pk]), f"Claim batch {batch.pk}"),
        (reverse("console:claim", args=["C-1"]), "Claim C-1"),
        (reverse("console:claim-exceptions"), "Claim exceptions"),
    ):
        assert browser.get(address).status_code == 200
        assert seen_by(cast.fay, what) >= {"400000001", "400000002"}
        assert AccessLogEntry.objects.filter(what=what).count() == 1


def seen_by(user: User, what: str) -> set[str]:
    entries = AccessLogEntry.objects.filter(user=user, what=what, action=AccessLogEntry.Action.VIEWED)
    ids = {number for entry in entries for number in entry.listed_ids or [entry.client_id]}
    return set(Client.objects.filter(pk__in=ids).values_list("care_recipient_id", flat=True))


def test_the_tile_counts_claimed_lines_and_records_that_differ(browse: Browse, cast: world.Cast) -> None:
    run = Run.objects.create(kind="claim-check", trigger="routine", status="finished", scope="records", total=1)
    RunItem.objects.create(run=run, holds="claim-books", status="done", result={"differences": [], "number": 2})
    page = browse(cast.fay).get(reverse("console:claims")).content.decode()
    assert ": 0 among claimed lines, 2 between records" in page
    assert "different records in 2 places." in page


def test_what_does_not_exist_is_not_found(browse: Browse, cast: world.Cast) -> None:
    for address in ("/claims/batches/999", "/claims/claim/nothing", "/claims/invoices/999"):
        assert browse(cast.ada).get(address).status_code == 404
