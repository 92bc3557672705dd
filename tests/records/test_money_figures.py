"""The money of each stage on random records: figures, lists and pages say what a plain look at each line says."""

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import Delivered, Stage, add_up
from carefund.records.claims.exceptions import ExceptionFilter, list_exceptions
from carefund.records.claims.money import find_money, list_client_ids_in, list_lines_in
from carefund.records.claims.open_lines import find_open_total, list_open_lines
from carefund.records.models import (
    BudgetUsage,
    Claim,
    ClaimBatch,
    ExceptionCase,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
)
from tests.console import world

pytestmark = pytest.mark.django_db
State = PaymentRequest.State
OVER = (State.REFUSED, State.WITHDRAWN)
BRANCHES = (world.BRANCH, world.OTHER_BRANCH)


@pytest.fixture
def today() -> date:
    return timezone.localdate()


class RandomBooks:
    """Lines, sent or not, with any requests that a line can have one after the other, and any draws."""

    def __init__(self, seed: int, today: date) -> None:
        self.random, self.today = Random(seed), today
        world.make_branches()
        self.clients = world.make_clients(3)
        world.make_funding(self.clients[0], quarters=1)
        InvoiceLineItem.objects.all().delete()
        self.budget = PlanBudget.objects.filter(budget_type_code="ON").get()
        self.batches = {
            branch: [self._make_batch(branch, is_settled=settled) for settled in (True, False)] for branch in BRANCHES
        }
        for number in range(12):
            is_sent = self.random.random() < 0.7
            invoice = Invoice.objects.create(
                external_reference_id=f"I-{number}", invoice_id=f"8{number:04}" if is_sent else None,
                service_provider_id=self.random.choice(BRANCHES),
            )  # fmt: skip
            for place in range(self.random.randint(1, 5)):
                self._make_line(invoice, place)

    def _make_batch(self, branch: str, *, is_settled: bool) -> ClaimBatch:
        batch = ClaimBatch.objects.create(service_provider_id=branch, from_date=self.today, to_date=self.today)
        Claim.objects.create(claim_id=f"C-{batch.pk}", batch=batch, made_at=timezone.now(), is_settled=is_settled)
        return batch

    def _make_line(self, invoice: Invoice, place: int) -> None:
        random = self.random
        has_number = invoice.invoice_id is not None and random.random() < 0.9
        line = InvoiceLineItem.objects.create(
            invoice=invoice, client=random.choice(self.clients), item_id=str(place + 1) if has_number else "",
            external_reference_id=f"{invoice.external_reference_id}-{place}", service_id="SERV-0001",
            delivery_date=self.today - timedelta(days=random.randint(0, 200)),
            funding_source=random.choice(("ON", "AT")),
            quantity=Decimal(random.randint(25, 400)) / 100, price_per_unit=Decimal(random.randint(100, 9999)) / 100,
        )  # fmt: skip
        amount = amount_of(line.quantity, line.price_per_unit)
        for _ in range(random.choice((0, 0, 1, 1, 2))):
            self._ask(line, random.choice(OVER), amount)
        if random.random() < 0.5:
            self._ask(line, random.choice((State.READY, State.CLAIMED, State.PAID, State.PAID)), amount)
        if random.random() < 0.4:
            BudgetUsage.objects.create(
                client=line.client, plan_budget=self.budget, changed_at=timezone.now(), invoice_line_item=line,
                amount=-amount if random.random() < 0.6 else Decimal(-1), invoice_id=f"U{line.pk}", item_id="1",
                no_longer_returned_date=self.today if random.random() < 0.2 else None, delivery_date=line.delivery_date,
            )  # fmt: skip

    def _ask(self, line: InvoiceLineItem, state: str, amount: Decimal) -> None:
        random = self.random
        decided = (
            self.today - timedelta(days=random.randint(0, 60)) if state not in (State.READY, State.CLAIMED) else None
        )
        batch = random.choice(self.batches[line.invoice.service_provider_id])
        request = PaymentRequest.objects.create(
            batch=batch, line_item=line, state=state, amount=amount, claim_approved_date=decided,
            payment_date=decided if state == State.PAID and random.random() < 0.5 else None,
        )  # fmt: skip
        if random.random() < 0.2:
            ExceptionCase.objects.create(
                payment_request=request, state=random.choice(ExceptionCase.State.values),
                closed_at=timezone.now() if random.random() < 0.3 else None,
            )  # fmt: skip


def find_stages(line: InvoiceLineItem, excepted: set[int]) -> set[Stage]:
    """Where a line is, by looking at nothing but its own rows."""
    requests = list(line.payment_requests.select_related("batch"))
    cases = ExceptionCase.objects.filter(payment_request__line_item=line, closed_at__isnull=True)
    is_settled = cases.filter(state__in=("accepted", "closed-unpaid")).exists()
    is_drawn = BudgetUsage.objects.filter(invoice_line_item=line, no_longer_returned_date__isnull=True).exists()
    is_active = any(request.state not in OVER for request in requests)
    was_given_back = any(request.state in OVER for request in requests) and not is_settled
    was_refused = any(request.state == State.REFUSED for request in requests)
    found = set()
    if line.invoice.invoice_id is None:
        if not is_active:
            found.add(Stage.NOT_CLAIMED)
    elif was_given_back and not is_active:
        if not was_refused:
            found.add(Stage.NOT_CLAIMED)
        elif not is_drawn:
            found.add(Stage.REFUSED)
    for request in requests:
        if request.state in (State.READY, State.CLAIMED):
            found.add(Stage.UNDECIDED)
        if request.pk in excepted and not (request.state == State.REFUSED and not is_drawn):
            found.add(Stage.EXCEPTIONS)
        is_due = request.state == State.PAID and request.payment_date is None
        if is_due and request.pk not in excepted and request.batch.claims.filter(is_settled=False).exists():
            found.add(Stage.UNPAID)
    return found


@pytest.mark.parametrize("seed", range(4))
def test_figures_lists_and_pages_say_what_each_line_says(seed: int, today: date) -> None:
    RandomBooks(seed, today)
    lines = list(InvoiceLineItem.objects.select_related("invoice").order_by("delivery_date", "id"))
    excepted = {request.pk for request in list_exceptions(ExceptionFilter(), today)}
    stages = {line.pk: find_stages(line, excepted) for line in lines}
    for branch in ("", *BRANCHES):
        here = [line for line in lines if branch in ("", line.invoice.service_provider_id)]
        for sums in find_money(today, branch):
            wanted = [line for line in here if sums.stage in stages[line.pk]]
            assert sums == add_up(sums.stage, map(_delivered, wanted), today)
            listed: Any = list_lines_in(sums.stage, today, branch)
            assert [line.pk for line in listed] == [line.pk for line in wanted]
            pages = Paginator(listed, 3)
            assert [line.pk for page in pages for line in page] == [line.pk for line in wanted]
            assert list_client_ids_in(sums.stage, today, branch) == {line.client_id for line in wanted}


def _delivered(line: InvoiceLineItem) -> Delivered:
    return Delivered(line.funding_source, line.delivery_date, amount_of(line.quantity, line.price_per_unit))


@pytest.mark.parametrize("seed", range(4))
def test_the_open_total_is_that_of_the_open_lines(seed: int, today: date) -> None:
    RandomBooks(seed, today)
    listed = list(list_open_lines())
    assert find_open_total() == (len(listed), sum((_delivered(line).amount for line in listed), Decimal(0)))


def test_a_page_of_lines_is_as_many_questions_however_many_lines_there_are(today: date) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            find_money(today)
            shown = Paginator(list_lines_in(Stage.NOT_CLAIMED, today), 5).get_page(1)
            assert len(list(shown.object_list)) == 5
        return len(queries)

    books = RandomBooks(1, today)
    before = count()
    for number in range(50):
        invoice = Invoice.objects.create(external_reference_id=f"more-{number}", service_provider_id=world.BRANCH)
        books._make_line(invoice, 0)
    assert count() == before
