"""Exceptions have an owner, a due day, notes and a state; what is derived stays derived, and closes when it is gone."""

from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from carefund.access.models import AuditEntry
from carefund.records.claims.exceptions import close_settled_cases
from carefund.records.claims.money import find_money
from carefund.records.claims.open_lines import list_open_lines
from carefund.records.models import (
    BudgetUsage,
    Claim,
    ClaimBatch,
    ExceptionCase,
    IndividualContribution,
    InvoiceLineItem,
    PaymentRequest,
)
from tests.browsing import Browser
from tests.console import world

pytestmark = pytest.mark.django_db
Browse = Callable[[User | None], Browser]
State = PaymentRequest.State
PAGE, CHANGE = reverse("console:claim-exceptions"), reverse("console:exceptions-change")


@pytest.fixture
def today() -> date:
    return timezone.localdate()


@pytest.fixture
def cast(db: None) -> world.Cast:
    return world.make_cast()


@pytest.fixture
def requests(today: date) -> list[PaymentRequest]:
    """Four lines of one client that were claimed and drawn: the first two refused, the third paid but not drawn, the
    fourth with too small a contribution."""
    world.make_branches()
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=2)
    batch = ClaimBatch.objects.create(from_date=date(2025, 1, 1), to_date=today, state="claimed")
    Claim.objects.create(claim_id="C-1", batch=batch, made_at=timezone.now(), is_settled=True)
    drawn = BudgetUsage.objects.filter(invoice_line_item__isnull=False).order_by("-delivery_date", "id")
    usages = list(drawn.filter(item_code="SERV-0001")[:4])
    BudgetUsage.objects.filter(pk__in=[usage.pk for usage in usages[:3]]).delete()
    long_ago = today - timedelta(days=40)
    states = [(State.REFUSED, today), (State.REFUSED, long_ago), (State.PAID, long_ago), (State.PAID, long_ago)]
    return [
        PaymentRequest.objects.create(
            batch=batch, line_item_id=usage.invoice_line_item_id, state=state, amount=-(usage.amount or 0),
            claim_approved_date=approved, payment_date=approved,
            individual_contribution_amount=Decimal("1.00") if number == 3 else None,
        )
        for number, (usage, (state, approved)) in enumerate(zip(usages, states, strict=True))
    ]  # fmt: skip


def read(browser: Browser, **asked: object) -> str:
    return browser.get(PAGE, asked).content.decode()


def told_age(usage: BudgetUsage) -> str:
    assert usage.delivery_date is not None
    return str((timezone.localdate() - usage.delivery_date).days)


def listed(page: str, requests: list[PaymentRequest]) -> list[int]:
    """Which of these requests a page lists, by their place."""
    return [number for number, request in enumerate(requests) if f'value="{request.pk}" aria-label="Select' in page]


def test_every_exception_is_listed_with_its_kind_and_age(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast
) -> None:
    page = read(browse(cast.fay))
    assert listed(page, requests) == [0, 1, 2, 3]
    for words in ("Refused", "Paid but not drawn", "Contribution differs", "Taken $1.00", "40 days", "0 days"):
        assert words in page
    assert "Claim again" in page
    assert listed(read(browse(cast.fay), age="30"), requests) == [1, 2, 3]
    assert browse(cast.ben).get(PAGE).status_code == 403
    assert browse(cast.ben).post(CHANGE).status_code == 403


def test_what_somebody_sets_is_shown_filtered_exported_and_in_the_audit_log(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast, today: date
) -> None:
    browser = browse(cast.fay)
    asked = {"owner": cast.ada.pk, "due_date": today.isoformat(), "state": "waiting", "note": "Rang Services Australia"}
    browser.post(CHANGE, {"chosen": [requests[0].pk, requests[2].pk], **asked})
    page = read(browser, owner=cast.ada.pk)
    assert listed(page, requests) == [0, 2]
    assert "Waiting" in page
    assert "Rang Services Australia" in page
    assert "Ada Ferris" in page
    assert listed(read(browser, owner="nobody"), requests) == [1, 3]
    assert listed(read(browser, state="open"), requests) == [1, 3]
    told = b"".join(browser.get(reverse("console:claim-exceptions-csv"), {"state": "waiting"}).streaming_content)
    assert told.decode().count("Rang Services Australia") == 2
    entry = AuditEntry.objects.get(act="Exceptions changed")
    assert entry.after["claimed lines"] == [requests[0].pk, requests[2].pk]
    assert (entry.after["state"], entry.after["note"]) == ("waiting", "added")


def test_all_of_a_filter_change_at_once_and_leave_money_and_claims(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast, today: date
) -> None:
    def amounts() -> list[int]:
        return [sums.total.number for sums in find_money(today) if sums.stage in ("refused", "exceptions")]

    assert amounts() == [2, 2]
    assert {line.pk for line in list_open_lines()} == {request.line_item_id for request in requests[:2]}
    browse(cast.fay).post(CHANGE, {"all": "1", "filter": "age=30", "state": "closed-unpaid"})
    assert amounts() == [1, 0]
    assert [line.pk for line in list_open_lines()] == [requests[0].line_item_id]
    assert listed(read(browse(cast.fay)), requests) == [0]
    assert listed(read(browse(cast.fay), state="closed-unpaid"), requests) == [1, 2, 3]
    browse(cast.fay).post(CHANGE, {"all": "1", "filter": "state=closed-unpaid", "state": "open"})
    assert amounts() == [2, 2]


def test_nothing_chosen_or_nothing_said_changes_nothing(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast
) -> None:
    for asked in ({"state": "accepted"}, {"chosen": requests[0].pk}, {"chosen": requests[0].pk, "state": "paid"}):
        browse(cast.fay).post(CHANGE, asked)
    browse(cast.fay).post(CHANGE, {"chosen": requests[0].pk, "note": "x" * 1001})
    assert not ExceptionCase.objects.exists()


def test_a_line_that_is_claimed_again_is_to_do_no_more(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast
) -> None:
    first = requests[0]
    again = PaymentRequest.objects.create(batch=first.batch, line_item=first.line_item, amount=first.amount)
    assert listed(read(browse(cast.fay)), requests) == [1, 2, 3]
    assert listed(read(browse(cast.fay), state="claimed-again"), requests) == [0]
    PaymentRequest.objects.filter(pk=again.pk).update(state=State.WITHDRAWN)
    assert listed(read(browse(cast.fay)), requests) == [0, 1, 2, 3]


def test_an_exception_closes_when_its_cause_is_gone_and_opens_when_it_is_back(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast, today: date
) -> None:
    browse(cast.fay).post(CHANGE, {"chosen": requests[3].pk, "state": "waiting", "owner": cast.fay.pk})
    IndividualContribution.objects.all().delete()  # nobody knows any more what the contribution should be
    assert listed(read(browse(cast.fay)), requests) == [0, 1, 2]
    assert close_settled_cases(today, timezone.now()) == 1
    page = read(browse(cast.fay), state="closed")
    assert listed(page, requests) == [3]
    assert "Closed automatically: the cause is gone." in page
    assert close_settled_cases(today, timezone.now()) == 0
    BudgetUsage.objects.filter(invoice_line_item=requests[3].line_item).update(amount=Decimal("-1.00"))
    assert close_settled_cases(today, timezone.now()) == 1
    page = read(browse(cast.fay), owner=cast.fay.pk)
    assert listed(page, requests) == [3]
    assert "Opened automatically: the cause is back." in page


def test_a_draw_without_a_line_has_a_case_too_and_one_drawn_twice_is_called_so(
    requests: list[PaymentRequest], browse: Browse, cast: world.Cast, today: date
) -> None:
    usage = BudgetUsage.objects.get(invoice_line_item=requests[3].line_item)
    InvoiceLineItem.objects.filter(pk=requests[2].line_item_id)
    again = BudgetUsage.objects.create(
        client=usage.client, plan_budget=usage.plan_budget, changed_at=timezone.now(), item_code=usage.item_code,
        service_provider_id=world.BRANCH, invoice_id="5", item_id="1", amount=usage.amount,
        delivery_date=usage.delivery_date,
    )  # fmt: skip
    address = reverse("console:draws-without-line")
    page = browse(cast.fay).get(address).content.decode()
    assert "Drawn twice" in page
    assert "Select draw 5 1" in page
    browse(cast.fay).post(CHANGE, {"what": "draws", "chosen": again.pk, "draws-state": "accepted"})
    assert "Select draw 5 1" not in browse(cast.fay).get(address).content.decode()
    assert "Select draw 5 1" in browse(cast.fay).get(address, {"state": "accepted"}).content.decode()
    file = reverse("console:draws-without-line-csv")
    assert f'href="{file}?state=accepted"' in browse(cast.fay).get(address, {"state": "accepted"}).content.decode()
    told = b"".join(browse(cast.fay).get(file, {"state": "accepted"}).streaming_content).decode()
    assert [row.split(",")[-5:-2] for row in told.splitlines()[1:]] == [["Drawn twice", told_age(again), "accepted"]]
    assert browse(cast.ben).get(file).status_code == 403
    BudgetUsage.objects.filter(pk=again.pk).update(no_longer_returned_date=today)
    assert close_settled_cases(today, timezone.now()) == 1
    assert "Select draw 5 1" in browse(cast.fay).get(address, {"state": "closed"}).content.decode()
