"""Reads of what was claimed against what was drawn: each line with both sides, and which are exceptions.

Nothing here writes, and nothing asks whether the reader may: only people with the right to claim come here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

from django.db.models import F, Q, Sum

from carefund.domain.claims.match_kinds import NEEDS_SOMEBODY, MatchFacts, MatchKind, list_match_kinds
from carefund.domain.claims.matching import EXCEPTIONS, Draw, LineState, LineTruth
from carefund.records.claims.contributions import find_expected_contributions, list_wrong_contributions
from carefund.records.erased_clients import find_erased_ids
from carefund.records.models import BudgetUsage, Claim, PaymentRequest

ZERO = Decimal("0.00")
# Of a payment request: the draws for its line that the funder still lists.
CURRENT_DRAWS = Q(line_item__budget_usage__no_longer_returned_date__isnull=True)


@dataclass(frozen=True, slots=True)
class LineRow:
    """One claimed line with both sides of its story and where it stands today."""

    request: PaymentRequest
    truth: LineTruth
    state: LineState
    kinds: Sequence[MatchKind]
    expected_contribution: Decimal | None

    @property
    def is_exception(self) -> bool:
        return any(kind in NEEDS_SOMEBODY for kind in self.kinds)

    @property
    def remarks(self) -> list[str]:
        """What else there is to say beside where the line stands."""
        own = _SAID_BY_STATE.get(self.state)
        return [kind.label for kind in self.kinds if kind not in (own, MatchKind.MATCHED, MatchKind.UNDECIDED)]


_SAID_BY_STATE = {
    LineState.REFUSED: MatchKind.REFUSED,
    LineState.REVERSED: MatchKind.REFUSED_DRAWN,
    LineState.NO_USAGE: MatchKind.MISSING_AT_FUNDER,
    LineState.DIFFERENT: MatchKind.AMOUNT,
}


def list_lines(request_ids: Sequence[int], today: date) -> list[LineRow]:
    """Payment requests, in the order of these keys, with what was drawn for them: a fixed number of queries."""
    requests = PaymentRequest.objects.select_related(
        "line_item__client", "line_item__invoice", "line_item__late_evidence", "batch"
    )
    found = requests.in_bulk(request_ids)
    draws = find_draws([request.line_item_id for request in found.values()])
    expected = find_expected_contributions(request.line_item for request in found.values())
    held_over = _list_held_over({request.batch_id for request in found.values()})
    clients = {request.line_item.client for request in found.values()}
    erased = find_erased_ids({client.pk for client in clients if not client.is_active})
    chosen = (found[key] for key in request_ids if key in found)
    return [
        _row(
            request,
            draws.get(request.line_item_id, ()),
            expected.get(request.line_item_id),
            today,
            is_held_over=request.batch_id in held_over,
            is_erased=request.line_item.client_id in erased,
        )
        for request in chosen
    ]


def _row(
    request: PaymentRequest,
    draws: Sequence[Draw],
    expected: Decimal | None,
    today: date,
    *,
    is_held_over: bool,
    is_erased: bool,
) -> LineRow:
    decided = request.claim_approved_date or request.payment_date
    truth = replace(_truth(request.state, request.amount, decided, draws), is_erased=is_erased)
    facts = MatchFacts(
        truth, request.line_item.funding_source, request.line_item.quantity, request.individual_contribution_amount,
        expected, request.compensation_reduction, is_held_over,
    )  # fmt: skip
    return LineRow(request, truth, truth.state(today), list_match_kinds(facts, today), expected)


def _list_held_over(batch_ids: Collection[int]) -> set[int | None]:
    """Those of these batches whose payment the funder holds over."""
    held = Claim.objects.filter(batch_id__in=batch_ids, outstanding_heldover__isnull=False)
    return set(held.exclude(outstanding_heldover=0).values_list("batch_id", flat=True))


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
    """The keys of decided lines whose two sides do not fit, newest first: refused, drawn differently, paid and never
    drawn, or with another contribution than the percentage in force. Of an erased client no draws are kept."""
    decided = PaymentRequest.objects.filter(
        state__in=(PaymentRequest.State.PAID, PaymentRequest.State.REFUSED), is_matched=False
    )
    # The database leaves out the many that fit; the rule decides on the rest.
    suspects = decided.annotate(drawn=Sum("line_item__budget_usage__amount", filter=CURRENT_DRAWS)).filter(
        Q(state=PaymentRequest.State.REFUSED) | Q(drawn__isnull=True) | ~Q(drawn=-F("amount"))
    )
    columns = ("pk", "line_item__client_id", "line_item_id", "state", "amount", "claim_approved_date", "payment_date")
    rows = list(suspects.order_by("-id").values_list(*columns))
    draws = find_draws([line_id for _, _, line_id, *_ in rows])
    states = {
        (key, client_id): _truth(state, amount, approved_date or payment_date, draws.get(line_id, ())).state(today)
        for key, client_id, line_id, state, amount, approved_date, payment_date in rows
    }
    erased = find_erased_ids({client_id for (_, client_id), state in states.items() if state is LineState.NO_USAGE})
    found = [
        key
        for (key, client_id), state in states.items()
        if state in EXCEPTIONS and not (state is LineState.NO_USAGE and client_id in erased)
    ]
    paid = decided.filter(state=PaymentRequest.State.PAID, individual_contribution_amount__isnull=False)
    others = set(paid.order_by().values_list("pk", flat=True)) - set(found)
    wrong = list_wrong_contributions(others) if others else ()
    return sorted([*found, *wrong], reverse=True)
