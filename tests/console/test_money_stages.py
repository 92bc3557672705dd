"""The money page: each delivered line is in one stage, a figure is its list, and the list is a file."""

import html
import json
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AccessLogEntry
from carefund.cli.main import main
from carefund.domain.claims.money import Stage
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.claims.money import find_money, list_lines_in
from carefund.records.models import Claim, ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
State = PaymentRequest.State


@pytest.fixture
def fay() -> User:
    return world.make_cast().fay


@pytest.fixture
def today() -> date:
    return timezone.localdate()


class Books:
    """Own lines, claimed and decided as a test says; each costs 10.00 more than the one before."""

    def __init__(self) -> None:
        world.make_branches()
        self.client = world.make_clients(1)[0]
        self.number = 0

    def deliver(self, day: date, *, sent: bool = True, branch: str = world.BRANCH) -> InvoiceLineItem:
        self.number += 1
        reference = f"M-{self.number}"
        invoice = Invoice.objects.create(
            external_reference_id=reference, invoice_id=f"9{self.number:05}" if sent else None,
            service_provider_id=branch,
        )  # fmt: skip
        return InvoiceLineItem.objects.create(
            invoice=invoice, client=self.client, external_reference_id=reference, service_id="SERV-0001",
            service_text="General house cleaning", delivery_date=day, quantity=Decimal(1),
            price_per_unit=Decimal(10 * self.number), funding_source="ON",
        )  # fmt: skip

    def claim(
        self, line: InvoiceLineItem, state: str, *, approved: date | None = None, paid: date | None = None
    ) -> None:
        batch = ClaimBatch.objects.create(
            service_provider_id=line.invoice.service_provider_id, from_date=line.delivery_date,
            to_date=line.delivery_date,
        )  # fmt: skip
        Claim.objects.create(claim_id=f"C-{batch.pk}", batch=batch, made_at=timezone.now(), is_settled=paid is not None)
        PaymentRequest.objects.create(
            batch=batch, line_item=line, state=state, amount=line.price_per_unit, claim_approved_date=approved,
            payment_date=paid,
        )  # fmt: skip


@pytest.fixture
def books(today: date) -> Books:
    """A line in each stage, and lines that are claimed again, withdrawn, or in a batch that was not sent."""
    kept, recent = Books(), today - timedelta(days=2)
    kept.deliver(recent, sent=False)
    kept.claim(kept.deliver(recent), State.WITHDRAWN)
    kept.claim(kept.deliver(recent), State.CLAIMED)
    kept.claim(kept.deliver(recent), State.PAID, approved=today)
    kept.claim(kept.deliver(recent), State.REFUSED, approved=today)
    long_ago = today - timedelta(days=30)
    kept.claim(kept.deliver(long_ago), State.PAID, approved=long_ago, paid=long_ago)
    again = kept.deliver(recent)
    kept.claim(again, State.REFUSED, approved=today)
    kept.claim(again, State.CLAIMED)
    kept.deliver(recent, sent=False, branch=world.OTHER_BRANCH)
    kept.claim(kept.deliver(recent, sent=False), State.READY)
    return kept


def amounts(today: date, branch: str = "") -> dict[str, Decimal]:
    return {sums.stage.value: sums.total.amount for sums in find_money(today, branch)}


def test_each_line_is_in_one_stage_and_a_figure_is_its_list(books: Books, today: date):
    ten = Decimal("10.00")
    assert amounts(today) == {
        "not-claimed": ten * (1 + 2 + 8), "undecided": ten * (3 + 7 + 9), "unpaid": ten * 4, "refused": ten * 5,
        "exceptions": ten * 6,
    }  # fmt: skip
    listed = {stage: list(list_lines_in(stage, today)) for stage in Stage}
    keys = [line.pk for lines in listed.values() for line in lines]
    assert sorted(keys) == sorted(InvoiceLineItem.objects.values_list("pk", flat=True))
    for stage, lines in listed.items():
        assert sum(line.price_per_unit for line in lines) == amounts(today)[stage]
    assert amounts(today, world.OTHER_BRANCH)["not-claimed"] == ten * 8
    assert amounts(today, world.BRANCH)["not-claimed"] == ten * 3


def test_the_page_leads_to_lists_files_and_the_next_step(books: Books, today: date, browse: Browse, fay: User):
    late = quarter_of(today).start_date
    for _ in range(2):
        late = previous_quarter(quarter_of(late)).start_date
    books.deliver(late, sent=False)
    browser = browse(fay)
    page = browser.get(reverse("console:money")).content.decode()
    assert "$210.00" in page, "delivered and not claimed"
    assert "1 too" in " ".join(page.split())
    for stage in Stage:
        address = reverse("console:money-list", args=[stage.value])
        assert f'href="{address}"' in page
        listed = browser.get(address).content.decode()
        assert reverse("console:money-csv", args=[stage.value]) in listed
        file = b"".join(browser.get(reverse("console:money-csv", args=[stage.value])).streaming_content).decode()
        rows = [line for line in file.splitlines() if "M-" in line]
        assert len(rows) == list_lines_in(stage, today).count()
        assert all(row.split(",")[4] in listed for row in rows)
    batch = browser.get(reverse("console:money-list", args=["not-claimed"]), {"branch": world.BRANCH}).content.decode()
    assert f"service_provider_id={world.BRANCH}&amp;from_date=" in batch, "the next step has the branch filled in"
    assert "Window closed" in batch
    for step in ("refused", "exceptions"):
        listed = browser.get(reverse("console:money-list", args=[step]), {"branch": world.BRANCH}).content.decode()
        assert f'href="{reverse("console:claim-exceptions")}?branch={world.BRANCH}"' in listed
    for address in {html.unescape(found) for found in re.findall(r'<a class="button[^"]*" href="([^"]+)"', page)}:
        assert browser.get(address).status_code == 200, "every tile has a next step, and it is there"
    asked = browser.get(reverse("console:batch-new"), {"service_provider_id": "", "from_date": late}).content.decode()
    assert f'value="{late}"' in asked, "with all branches one is still to be chosen, for all days"
    assert "This field is required" not in asked
    assert browser.get(reverse("console:money-list", args=["nothing"])).status_code == 404
    assert AccessLogEntry.objects.filter(action=AccessLogEntry.Action.EXPORTED).count() == len(Stage)


def test_a_coordinator_does_not_see_the_money(browse: Browse):
    cast = world.make_cast()
    assert browse(cast.ben).get(reverse("console:money")).status_code == 403


def test_the_command_says_the_same(books: Books, today: date, monkeypatch: Any, capsys: Any):
    monkeypatch.setattr(sys, "argv", ["carefund", "money", "--json"])
    with pytest.raises(SystemExit) as ending:
        main()
    assert not ending.value.code
    told = {row["stage"]: Decimal(row["amount"]) for row in json.loads(capsys.readouterr().out)["stages"]}
    assert told == amounts(today)


def test_nothing_to_do_is_said(browse: Browse, fay: User):
    assert Client.objects.count() == 0
    assert browse(fay).get(reverse("console:money")).content.decode().count("No lines.") == len(Stage)
