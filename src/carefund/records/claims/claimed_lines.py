"""Reads of what was claimed against what was drawn: each line with both sides, exceptions, and draws without a line.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, Sum

from carefund.domain.claims.matching import EXCEPTIONS, Draw, LineState, LineTruth
from carefund.records.models import BudgetUsage, PaymentRequest
from carefund.records.own_service_provider_ids import list_own_service_provider_ids

ZERO = Decimal("0.00")
# Of a payment request: the draws for its line that the funder still lists.
CURRENT_DRAWS = Q(line_item__budget_usage__no_longer_returned_date__isnull=True)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One claimed line with both sides of its story and where it stands today."""

    request: PaymentRequest
    truth: LineTruth
    state: LineState

    @property
    def is_exception(self) -> bool:
        return self.state in EXCEPTIONS


def list_lines(request_ids: Sequence[int], today: date) -> list[LineRow]:
    """Payment requests, in the order of these keys, with what was drawn for them: two queries however many they are."""
    requests = PaymentRequest.objects.select_related(
        "line_item__client", "line_item__invoice", "line_item__late_evidence", "batch"
    )
    found = requests.in_bulk(request_ids)
    draws = find_draws([request.line_item_id for request in found.values()])
    chosen = (found[key] for key in request_ids if key in found)
    return [_row(request, draws.get(request.line_item_id, ()), today) for request in chosen]


def _row(request: PaymentRequest, draws: Sequence[Draw], today: date) -> LineRow:
    truth = _truth(request.state, request.amount, request.claim_approved_date or request.payment_date, draws)
    return LineRow(request, truth, truth.state(today))


def _truth(state: str, amount: Decimal, approved_date: date | None, draws: Sequence[Draw]) -> LineTruth:
    return LineTruth(
        claimed=amount,
        draws=draws,
        is_claimed=state != PaymentRequest.State.READY,
        approved_date=approved_date,
        is_refused=state == PaymentRequest.State.REFUSED,
    )


def find_draws(line_ids: Iterable[int]) -> dict[int, list[Draw]]:
    """What was drawn for each line, from which budgets."""
    found: dict[int, list[Draw]] = defaultdict(list)
    usage = BudgetUsage.objects.filter(invoice_line_item_id__in=list(line_ids), no_longer_returned_date__isnull=True)
    columns = ("invoice_line_item_id", "plan_budget__budget_id", "plan_budget__budget_type_code", "amount")
    for line_id, budget_id, type_code, amount in usage.order_by("id").values_list(*columns):
        if line_id is not None:
            found[line_id].append(Draw(budget_id, type_code, amount or ZERO))
    return found


def find_exception_ids(today: date) -> list[int]:
    """The keys of decided lines whose two sides do not fit: refused, drawn differently, or paid and never drawn."""
    decided = PaymentRequest.objects.filter(
        state__in=(PaymentRequest.State.PAID, PaymentRequest.State.REFUSED), is_matched=False
    )
    # The database leaves out the many that fit; the rule decides on the rest.
    suspects = decided.annotate(drawn=Sum("line_item__budget_usage__amount", filter=CURRENT_DRAWS)).filter(
        Q(state=PaymentRequest.State.REFUSED) | Q(drawn__isnull=True) | ~Q(drawn=-F("amount"))
    )
    columns = ("pk", "line_item_id", "state", "amount", "claim_approved_date", "payment_date")
    rows = list(suspects.order_by("-id").values_list(*columns))
    draws = find_draws([line_id for _, line_id, *_ in rows])
    return [
        key
        for key, line_id, state, amount, approved_date, payment_date in rows
        if _truth(state, amount, approved_date or payment_date, draws.get(line_id, ())).state(today) in EXCEPTIONS
    ]


def list_draws_without_line(start: int, end: int) -> list[BudgetUsage]:
    """What was drawn by us, no matching line (domain/care_recipient/draws.py): that in these places, newest first.

    Another provider's spend is left out: it is expected to have no line. Source: rule SYNC-07. First the
    keys, which an index holds in order, then the rows.
    """
    newest = BudgetUsage.objects.filter(
        service_provider_id__in=list_own_service_provider_ids(),
        invoice_line_item__isnull=True,
        no_longer_returned_date__isnull=True,
    ).order_by("-delivery_date", "-id")
    ids = list(newest.values_list("id", flat=True)[start:end])
    found = BudgetUsage.objects.select_related("client", "plan_budget").in_bulk(ids)
    return [found[usage_id] for usage_id in ids if usage_id in found]
