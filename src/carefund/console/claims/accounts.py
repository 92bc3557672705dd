"""Account summaries: what was paid and held over by branch and month, how that ties to our claims, and the evidence."""

from collections.abc import Iterator, Sequence
from datetime import date
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_export
from carefund.access.roles import may_claim, may_export
from carefund.console.claims.money import read_branch
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page, report_refusals
from carefund.console.stored_responses import StoredResponse
from carefund.records.care_recipient.queries import find_branch_names, list_service_providers
from carefund.records.claims.accounts import (
    AccountRow,
    find_account,
    find_account_evidence,
    list_account_answers,
    list_account_rows,
    list_accounts,
    list_movements,
)
from carefund.records.models import ProviderAccount
from carefund.runs.claims.accounts import list_months, request_accounts
from carefund.runs.requests import NothingToDo

_PAGE_SIZE = 50
_OPERATION = "account_summary"


@page(may_claim)
def list_all(request: Request) -> HttpResponse:
    """Every month that was read, newest first, with what does not tie."""
    branch = read_branch(request)
    shown = Paginator(list_accounts(branch), _PAGE_SIZE).get_page(request.GET.get("page"))
    names = find_branch_names()
    rows = list_account_rows(shown.object_list)
    context = {
        "rows": [(row, names.get(row.account.service_provider_id, row.account.service_provider_id)) for row in rows],
        "page": shown,
        "branch": branch,
        "query": urlencode({"branch": branch}) if branch else "",
        "providers": list_service_providers(),
        "months": list_months(timezone.localdate()),
    }
    return render(request, "console/claims/accounts.html", context)


@page(may_claim)
def show(request: Request, account_id: int) -> HttpResponse:
    """One month of a branch: how it adds up, what does not tie, each movement beside our claim, the stored answers."""
    row = find_account(account_id)
    account = row.account
    branch = account.service_provider_id
    context = {
        "row": row,
        "account": account,
        "branch_name": find_branch_names().get(branch, branch),
        "movements": list_movements(account),
        "responses": _list_responses(account),
    }
    return render(request, "console/claims/account.html", context)


@require_POST
@page(may_claim)
def read(request: Request) -> HttpResponse:
    """Ask for a month's account of one branch or of all, and go to the run that reads it."""
    branch, today = request.POST.get("branch", "").strip()[:20], timezone.localdate()
    month = next((month for month in list_months(today) if f"{month:%Y-%m}" == request.POST.get("month")), None)
    if month is None:
        messages.error(request, "Choose a month.")
        return redirect("console:account-summaries")
    with report_refusals(request):
        try:
            run = request_accounts([month], branch=branch, requested_by=request.user)
            return redirect("console:run", run.pk)
        except NothingToDo:
            messages.error(request, "There is no branch to retrieve a summary for, or it is being retrieved already.")
    return redirect("console:account-summaries")


@page(lambda user: may_claim(user) and may_export(user))
def export(request: Request) -> StreamingHttpResponse:
    """The months as CSV, a line for each thing that does not tie, one for a month that does."""
    store_export(request.user, "Account summaries (CSV)", clients=[])
    rows = list_account_rows(list_accounts(read_branch(request)))
    return stream_csv(_write_rows(rows), f"account-summaries-{timezone.localdate():%Y-%m-%d}.csv")


@page(lambda user: may_claim(user) and may_export(user))
def export_movements(request: Request, account_id: int) -> StreamingHttpResponse:
    """The movements of one month as CSV."""
    account = find_account(account_id).account
    store_export(request.user, "Account movements (CSV)", clients=[])
    return stream_csv(_write_movements(account), f"account-{account.service_provider_id}-{account.month:%Y-%m}.csv")


@page(lambda user: may_claim(user) and may_export(user))
def download(request: Request, account_id: int, digest: str) -> HttpResponse:
    """One stored answer, byte for byte as received; its name carries its SHA-256."""
    body, _ = find_account_evidence(find_account(account_id).account, digest)
    store_export(request.user, "Stored response: account summary", clients=[])
    response = HttpResponse(body, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{_OPERATION}-sha256-{digest}.json"'
    return response


def _list_responses(account: ProviderAccount) -> list[StoredResponse]:
    return [
        StoredResponse(
            f"answer-{answer.pk}",
            _OPERATION,
            account.service_provider_id,
            answer.received_at,
            answer.payload_id,
            reverse("console:account-summary-evidence", args=[account.pk, answer.payload_id]),
            answer.received_again_at,
        )
        for answer in list_account_answers(account)[:_PAGE_SIZE]
    ]


def _write_rows(rows: Sequence[AccountRow]) -> Iterator[Sequence[object]]:
    yield (
        "service_provider_id", "month", "opening", "claims", "paid", "expected_closing", "closing", "difference",
        "issue", "claim_id", "amount", "what",
    )  # fmt: skip
    for row in rows:
        account, found = row.account, row.tie
        start = (
            account.service_provider_id, _write_month(account.month), account.opening, found.due, account.paid,
            found.expected, account.closing, found.difference,
        )  # fmt: skip
        for finding in found.findings:
            yield (*start, finding.issue.value, finding.claim_id, finding.amount, finding.sentence)
        if found.ties:
            yield (*start, "", "", None, "")


def _write_month(month: date) -> str:
    return f"{month:%Y-%m}"


def _write_movements(account: ProviderAccount) -> Iterator[Sequence[object]]:
    yield (
        "date", "claim_id", "description", "transaction_type", "payment_reference", "amount", "paid",
        "held_over_balance", "claim_in_carefund", "claim_total", "claim_paid",
    )  # fmt: skip
    for row in list_movements(account):
        moved, claim = row.movement, row.claim
        yield (
            moved.movement_date, moved.claim_id, moved.description, moved.transaction_type, moved.payment_reference,
            moved.amount, moved.payment_amount, moved.heldover_balance, "yes" if claim else "no",
            claim.claim_total if claim else None, claim.total_paid if claim else None,
        )  # fmt: skip
