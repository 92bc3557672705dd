"""What people pay of claimed lines by the percentages in force: three queries however many lines there are.

The rule is in domain/claims/match_kinds.py. Nothing here writes. Source: rule SAH-13.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from decimal import Decimal

from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.match_kinds import (
    ApprovedCategory,
    ContributionShare,
    PricedLine,
    contribution_differs,
    expected_contribution,
)
from carefund.domain.periods import Period
from carefund.records.models import ApprovedService, IndividualContribution, InvoiceLineItem, PaymentRequest


def find_expected_contributions(items: Iterable[InvoiceLineItem]) -> dict[int, Decimal]:
    """Each line's contribution by its number; a line of which it is not known is left out."""
    listed = list(items)
    client_ids = {item.client_id for item in listed}
    if not client_ids:
        return {}
    shares, categories = _list_shares(client_ids), _list_categories(client_ids)
    found = {}
    for item in listed:
        line = PricedLine(
            item.service_id, item.invoice.service_provider_id, item.funding_source, item.delivery_date, item.quantity,
            amount_of(item.quantity, item.price_per_unit),
        )  # fmt: skip
        amount = expected_contribution(line, shares.get(item.client_id, ()), categories.get(item.client_id, ()))
        if amount is not None:
            found[item.pk] = amount
    return found


def list_wrong_contributions(request_ids: Collection[int]) -> set[int]:
    """Those of these payment requests whose contribution is not the percentage in force on the day."""
    told = PaymentRequest.objects.filter(pk__in=request_ids, individual_contribution_amount__isnull=False)
    requests = list(told.select_related("line_item__invoice"))
    expected = find_expected_contributions(request.line_item for request in requests)
    return {
        request.pk
        for request in requests
        if contribution_differs(
            request.individual_contribution_amount,
            expected.get(request.line_item_id),
            request.line_item.quantity,
        )
    }


def _list_shares(client_ids: Collection[int]) -> dict[int, list[ContributionShare]]:
    found: dict[int, list[ContributionShare]] = defaultdict(list)
    rows = IndividualContribution.objects.filter(client_id__in=client_ids, no_longer_returned_date__isnull=True)
    for row in rows:
        span = Period(row.effective_date_from, row.effective_date_to)
        found[row.client_id].append(
            ContributionShare(
                row.service_provider_id, span, row.clinical_percentage, row.independence_percentage,
                row.everyday_living_percentage,
            )
        )  # fmt: skip
    return found


def _list_categories(client_ids: Collection[int]) -> dict[int, list[ApprovedCategory]]:
    found: dict[int, list[ApprovedCategory]] = defaultdict(list)
    rows = ApprovedService.objects.filter(client_id__in=client_ids, no_longer_returned_date__isnull=True)
    for row in rows:
        found[row.client_id].append(
            ApprovedCategory(row.service_id, row.category, Period(row.start_date, row.end_date))
        )
    return found
