"""Money: what finance does on Monday morning. Each stage with its age, its list, the list as CSV, and the next step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page, Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from carefund.access.access_log import store_export, store_views
from carefund.access.roles import may_claim
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.quarter_close import count_days_to_close, quarter_to_close
from carefund.domain.claims.money import TO_CLAIM, Stage, StageSums
from carefund.records.care_recipient.queries import list_service_providers
from carefund.records.claims.money import MoneyLine, find_money, list_client_ids_in, list_lines_in, list_money_lines
from carefund.records.not_found import NotHere

_PAGE_SIZE = 100
_LATE_DAYS = 400  # open lines are few, so a wide choice costs nothing


@dataclass(frozen=True, slots=True)
class _Words:
    meaning: str
    icon: str
    step: str


_WORDS = {
    Stage.NOT_CLAIMED: _Words("These lines have not been claimed.", "receipt", "New batch"),
    Stage.UNDECIDED: _Words("In a batch or claimed, and not decided.", "clock", "Check Status"),
    Stage.UNPAID: _Words("These lines are approved, but no payment date is known yet.", "hand-coins", "Check Status"),
    Stage.REFUSED: _Words("Correct these lines, then claim them again.", "circle-alert", "Claim again"),
    Stage.EXCEPTIONS: _Words(
        "Their claimed, paid and drawn amounts do not match.",
        "scale",
        "Review exceptions",
    ),
}


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage as the page shows it: its figures with the words for it, and where its list and the next step are."""

    sums: StageSums
    words: _Words
    list_url: str
    step_url: str
    tone: str


@page(may_claim)
def show(request: Request) -> HttpResponse:
    """All stages, of one branch or of all."""
    today, branch = timezone.localdate(), read_branch(request)
    stages = [_show_stage(sums, branch, today) for sums in find_money(today, branch)]
    last_quarter = quarter_to_close(today)
    context = {
        "stages": stages,
        "today": today,
        "branch": branch,
        "providers": list_service_providers(),
        "last_quarter": last_quarter,
        "days_left": count_days_to_close(last_quarter.end_date, today),
    }
    return render(request, "console/claims/money.html", context)


@page(may_claim)
def list_stage(request: Request, stage: str) -> HttpResponse:
    """The lines of one stage, oldest first."""
    chosen, today, branch = _read_stage(stage), timezone.localdate(), read_branch(request)
    listed: Any = list_lines_in(chosen, today, branch)  # counted and cut, which is all that a paginator does
    shown: Page[Any] = Paginator(listed, _PAGE_SIZE).get_page(request.GET.get("page"))
    lines = list(list_money_lines(shown.object_list, chosen, today))
    words = _WORDS[chosen]
    store_views(request.user, (line.item.client for line in lines), f"Money: {chosen.label}")
    context = {
        "stage": chosen,
        "words": words,
        "lines": lines,
        "page": shown,
        "branch": branch,
        "query": urlencode({"branch": branch}) if branch else "",
        "step_url": _find_step(chosen, branch, today),
        "to_claim": chosen in TO_CLAIM,
        # What was refused for good is not claimed again but accepted or closed unpaid, which is done there.
        "review_url": _find_step(Stage.EXCEPTIONS, branch, today) if chosen is Stage.REFUSED else "",
    }
    return render(request, "console/claims/money_list.html", context)


@page(may_claim)
def export_stage(request: Request, stage: str) -> StreamingHttpResponse:
    """The lines of one stage as CSV, in the access log with its size."""
    chosen, today, branch = _read_stage(stage), timezone.localdate(), read_branch(request)
    listed = list_lines_in(chosen, today, branch)
    clients = list_client_ids_in(chosen, today, branch)
    store_export(request.user, f"Money: {chosen.label} (CSV)", clients=clients)
    lines = list_money_lines(listed, chosen, today)
    return stream_csv(_write_lines(lines), f"money-{chosen}-{today:%Y-%m-%d}.csv")


def read_branch(request: Request) -> str:
    """The Service Provider ID that an address asks for, "" for all."""
    return request.GET.get("branch", "").strip()[:20]


def _read_stage(text: str) -> Stage:
    if text not in {stage.value for stage in Stage}:
        raise NotHere
    return Stage(text)


def _show_stage(sums: StageSums, branch: str, today: date) -> StageView:
    query = f"?{urlencode({'branch': branch})}" if branch else ""
    address = reverse("console:money-list", args=[sums.stage.value])
    is_urgent = bool(sums.closed.number or sums.closing.number)
    needs_work = sums.total.number and sums.stage in (Stage.REFUSED, Stage.EXCEPTIONS)
    tone = "bad" if sums.closed.number else "warn" if is_urgent or needs_work else ""
    words = _WORDS[sums.stage]
    return StageView(sums, words, f"{address}{query}", _find_step(sums.stage, branch, today), tone)


def _find_step(stage: Stage, branch: str, today: date) -> str:
    """Where the next step with a stage's lines is done."""
    of_branch = urlencode({"branch": branch}) if branch else ""
    if stage is Stage.EXCEPTIONS:
        return f"{reverse('console:claim-exceptions')}?{of_branch}".rstrip("?")
    if stage not in TO_CLAIM:
        return reverse("console:claims")
    # A batch is of one branch: without a choice here, the form asks for it.
    chosen = {"from_date": today - timedelta(days=_LATE_DAYS), "to_date": today}
    return f"{reverse('console:batch-new')}?{urlencode({'service_provider_id': branch, **chosen})}"


def _write_lines(lines: Iterator[MoneyLine]) -> Iterator[Sequence[object]]:
    yield (
        "care_recipient_id", "last_name", "first_name", "service_provider_id", "reference", "service_id", "service",
        "delivery_date", "funding_source", "quantity", "price_per_unit", "amount", "age_days", "days_left_to_claim",
    )  # fmt: skip
    for line in lines:
        item = line.item
        yield (
            item.client.care_recipient_id or "", item.client.last_name, item.client.first_name,
            item.invoice.service_provider_id, item.external_reference_id, item.service_id, item.service_text,
            item.delivery_date, item.funding_source, item.quantity, item.price_per_unit, line.amount, line.age_days,
            "" if line.days_left is None else line.days_left,
        )  # fmt: skip
