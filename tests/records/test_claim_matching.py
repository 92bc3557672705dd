"""Lines whose two sides agree are marked, so that pages leave them out; a sync that changes usage unmarks them."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carefund.domain.claims.matching import LineState
from carefund.records.claims.claimed_lines import find_exception_ids, list_lines
from carefund.records.claims.matched_lines import doubt_changed_lines, match_some_lines
from carefund.records.claims.open_lines import find_open_total, list_open_lines
from carefund.records.models import BudgetUsage, Change, ClaimBatch, Client, Invoice, InvoiceLineItem, PaymentRequest
from tests.console import world

TODAY = timezone.localdate()
LATER = timezone.now() + timedelta(hours=1)


@pytest.fixture
def paid(db: None) -> list[PaymentRequest]:
    """Every line of one client, paid and drawn as it was claimed."""
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=2)
    batch = ClaimBatch.objects.create(from_date=date(2025, 1, 1), to_date=TODAY, state="claimed")
    return PaymentRequest.objects.bulk_create(
        PaymentRequest(batch=batch, line_item_id=usage.invoice_line_item_id, state="paid", amount=-(usage.amount or 0))
        for usage in BudgetUsage.objects.filter(invoice_line_item__isnull=False)
    )


def match_all() -> None:
    after: int | None = 0
    while after is not None:
        after = match_some_lines(after, limit=3)


def sync_changes(usage: BudgetUsage, amount: str) -> None:
    """A sync finds another amount, now."""
    now = timezone.now()
    BudgetUsage.objects.filter(pk=usage.pk).update(amount=Decimal(amount), changed_at=now)
    Change.objects.create(client=usage.client, kind="budget_usage", action="changed", field="amount", fetched_at=now)


def marked() -> int:
    return PaymentRequest.objects.filter(is_matched=True).count()


def test_lines_that_agree_are_marked_and_no_others(paid: list[PaymentRequest]) -> None:
    PaymentRequest.objects.filter(pk=paid[0].pk).update(amount=Decimal("1.00"))
    PaymentRequest.objects.filter(pk=paid[1].pk).update(state="refused")
    BudgetUsage.objects.filter(invoice_line_item=paid[2].line_item).delete()
    before = set(find_exception_ids(TODAY + timedelta(days=30)))
    match_all()
    assert marked() == len(paid) - 3
    after = set(find_exception_ids(TODAY + timedelta(days=30)))
    assert after == before >= {paid[0].pk, paid[1].pk}


def test_usage_that_a_sync_changed_brings_its_line_back(paid: list[PaymentRequest]) -> None:
    assert not doubt_changed_lines(timezone.now())
    match_all()
    assert find_exception_ids(TODAY) == []
    usage = BudgetUsage.objects.filter(invoice_line_item__isnull=False)[0]
    sync_changes(usage, "-1.00")
    assert not doubt_changed_lines(timezone.now())
    [row] = list_lines(find_exception_ids(TODAY), TODAY)
    assert (row.request.line_item_id, row.state) == (usage.invoice_line_item_id, LineState.DIFFERENT)
    match_all()
    assert len(find_exception_ids(TODAY)) == 1


def test_reading_goes_on_where_it_ended_and_reads_the_newest_again(paid: list[PaymentRequest]) -> None:
    doubt_changed_lines(timezone.now())
    match_all()
    usages = list(BudgetUsage.objects.filter(invoice_line_item__isnull=False)[:4])
    for usage in usages:
        sync_changes(usage, "-1.00")
    assert not doubt_changed_lines(timezone.now(), limit=2)  # too new to be sure that none before them is to come
    assert len(find_exception_ids(TODAY)) >= 2
    assert doubt_changed_lines(LATER, limit=2)
    assert doubt_changed_lines(LATER, limit=2)
    assert not doubt_changed_lines(LATER, limit=2)
    assert len(find_exception_ids(TODAY)) == len(usages)


def test_a_line_is_open_until_something_is_claimed_for_it_and_again_when_that_is_over(
    paid: list[PaymentRequest], add_client
) -> None:
    sent_by_other_means = InvoiceLineItem.objects.filter(payment_requests__isnull=True).count()
    assert sent_by_other_means
    assert list_open_lines().count() == 0
    PaymentRequest.objects.filter(pk=paid[0].pk).update(state="refused")
    not_sent = paid[1].line_item.invoice
    PaymentRequest.objects.filter(line_item__invoice=not_sent).exclude(pk=paid[0].pk).delete()
    type(not_sent).objects.filter(pk=not_sent.pk).update(invoice_id=None)
    not_sent.line_items.update(item_id="")
    expected = {paid[0].line_item_id, *not_sent.line_items.values_list("pk", flat=True)}
    assert {line.pk for line in list_open_lines()} == expected
    assert Client.objects.count() == 1


def test_the_open_total_is_that_of_the_open_lines_each_rounded(paid: list[PaymentRequest]) -> None:
    InvoiceLineItem.objects.update(quantity=Decimal("0.25"), price_per_unit=Decimal("95.30"))
    PaymentRequest.objects.filter(pk=paid[0].pk).update(state="withdrawn")
    PaymentRequest.objects.filter(pk=paid[1].pk).update(state="ready")
    Invoice.objects.filter(pk=paid[-1].line_item.invoice_id).update(invoice_id=None)
    InvoiceLineItem.objects.filter(invoice=paid[-1].line_item.invoice_id).update(item_id="")
    PaymentRequest.objects.filter(line_item__invoice=paid[-1].line_item.invoice).delete()
    lines = list(list_open_lines())
    assert len(lines) > 1
    number, amount = find_open_total()
    assert (number, amount) == (len(lines), Decimal("23.82") * len(lines))
