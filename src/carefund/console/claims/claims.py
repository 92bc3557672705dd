"""Claims: the list, Check Status, one claim with what was paid and drawn."""

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_views
from carefund.access.roles import may_claim
from carefund.console.background_work import describe_item, describe_run
from carefund.console.claims.answers import list_responses
from carefund.console.page_access import Request, page, report_refusals
from carefund.domain.claims.statuses import APPROVED, BEING_CALCULATED, COMPLETED, PENDING_APPROVAL, write_claim_status
from carefund.records.claims.archive import list_claim_answers
from carefund.records.claims.claimed_lines import list_lines
from carefund.records.claims.exceptions import count_exceptions_to_do
from carefund.records.claims.open_lines import find_open_total
from carefund.records.claims.queries import (
    find_claim,
    find_claim_by_number,
    find_claim_number,
    list_batches_under_way,
    list_claim_heads,
    list_requests_of,
    list_unsettled_claims,
)
from carefund.runs.claims.claiming import (
    find_reconciliation,
    find_shown_checks,
    name_claim,
    request_all_checks,
    request_check,
)
from carefund.runs.queries import find_shown_item

_PAGE_SIZE = 50
_MOST_ANSWERS = 8
# The answers about the claim as a whole; those about single invoices and items are a page further.
_ABOUT_CLAIM = ("claim_create", "claim_details", "payment_statement", "payment_items")


@page(may_claim)
def list_all(request: Request) -> HttpResponse:
    """Open lines, batches under way, and all claims, newest first."""
    open_lines, open_amount = find_open_total()
    shown = Paginator(list_claim_heads(), _PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    exceptions, differences = count_exceptions_to_do(timezone.localdate()), _count_differences()
    context = {
        "work": describe_run(find_shown_checks(now), now),
        "open_lines": open_lines,
        "open_amount": open_amount,
        "unsettled": list_unsettled_claims().count(),
        "exceptions": exceptions,
        "differences": differences,
        "to_review": exceptions + differences,
        "batches": list_batches_under_way()[:_PAGE_SIZE],
        "page": shown,
        "claims": shown.object_list,
    }
    return render(request, "console/claims/claims.html", context)


def _count_differences() -> int:
    """Return in how many places the last comparison found our records of claims and the funder's to differ."""
    reconciliation = find_reconciliation()
    result = reconciliation.result if reconciliation else None
    return int(result["number"]) if result else 0


@page(may_claim)
def show(request: Request, claim_id: str) -> HttpResponse:
    """One claim: status, statement, and each line with claimed, paid, drawn and the difference."""
    number = find_claim_number(claim_id)
    work = describe_item(find_shown_item(name_claim(number), timezone.now()))
    claim = find_claim_by_number(number)
    shown = Paginator(list_requests_of(claim), _PAGE_SIZE * 2).get_page(request.GET.get("page"))
    rows = list_lines([payment_request.pk for payment_request in shown.object_list], timezone.localdate())
    store_views(request.user, (row.request.line_item.client for row in rows), f"Claim {claim.claim_id}")
    answers = list_claim_answers(claim)
    steps = (BEING_CALCULATED, PENDING_APPROVAL, APPROVED, COMPLETED)
    place = steps.index(claim.status) if claim.status in steps else -1
    context = {
        "claim": claim,
        "rows": rows,
        "page": shown,
        "responses": list_responses(claim, list_claim_answers(claim, _ABOUT_CLAIM)[:_MOST_ANSWERS]),
        "number_of_answers": answers.count(),
        "work": work,
        "steps": [(write_claim_status(step), number <= place, number == place) for number, step in enumerate(steps)],
    }
    return render(request, "console/claims/claim.html", context)


@require_POST
@page(may_claim)
def check(request: Request, claim_id: str) -> HttpResponse:
    """Ask for Check Status of one claim; its page says how far that is and what came of it."""
    claim = find_claim(claim_id)
    with report_refusals(request):
        request_check(claim, request.user)
    return redirect("console:claim", claim_id=claim.claim_id)


@require_POST
@page(may_claim)
def check_all(request: Request) -> HttpResponse:
    """Ask for a look for claims made elsewhere, and for Check Status of every claim that is not at its end."""
    with report_refusals(request):
        request_all_checks(request.user)
    return redirect("console:claims")
