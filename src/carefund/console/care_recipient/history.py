"""What was: the change log, every sync, the funder's answers on a day, and those answers as evidence."""

from collections.abc import Iterable, Iterator
from datetime import date
from itertools import islice
from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone

from carefund.access.access_log import store_export, store_view
from carefund.access.gate import find_client_to_read
from carefund.access.roles import may_export
from carefund.console.care_recipient.budget_views import show_budgets
from carefund.console.care_recipient.charts import draw_time_line
from carefund.console.care_recipient.client import frame
from carefund.console.care_recipient.missing_details import DetailsState
from carefund.console.care_recipient.plan_views import write_level, write_plan_dates
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page
from carefund.console.stored_responses import StoredResponse
from carefund.console.url_numbers import read_number
from carefund.domain.wording import write_day
from carefund.plain_numbers import read_day
from carefund.records.archive import ArchivedPage, find_answer
from carefund.records.care_recipient.changes import cut_at_sync, list_changes
from carefund.records.models import Change
from carefund.records.not_found import Listing, NotHere
from carefund.runs.queries import list_syncs_of
from carefund.sync.care_recipient.as_of import end_of, rebuild_funding
from carefund.sync.care_recipient.history import find_funding_as_of
from carefund.sync.change_log.sentences import write_lines, write_sentences

_PAGE_SIZE = 60
_AT_ONCE = 500


@page()
def show_changes(request: Request, client_id: int) -> HttpResponse:
    """The whole change log of one client, in sentences."""
    client = find_client_to_read(request.user, client_id)
    store_view(request.user, client, "Change log")
    shown = cut_at_sync(list_changes(client=client), _PAGE_SIZE, read_number(request.GET.get("before", "")))
    context: dict[str, Any] = {**frame(client), "shown": shown, "sentences": write_sentences(shown.changes)}
    return render(request, "console/care_recipient/changes.html", context)


@page(may_export)
def download_changes(request: Request, client_id: int) -> StreamingHttpResponse:
    """The same as CSV: every entry with its number, as data and in words."""
    client = find_client_to_read(request.user, client_id)
    store_export(request.user, "Change log (CSV)", clients=[client])
    return stream_csv(_change_lines(list_changes(client=client)), f"changes-{client.pk}-{timezone.localdate()}.csv")


def _change_lines(changes: Listing[Change]) -> Iterator[Iterable[object]]:
    yield ("number", "found_at", "cause", "records", "record", "what", "before", "after", "in_words")
    rows = changes.iterator(_AT_ONCE)
    while some := list(islice(rows, _AT_ONCE)):
        for line in write_lines(some):
            values = (line.before_value, line.after_value)
            yield (
                line.change.pk,
                line.change.fetched_at,
                line.change.cause,
                line.kind,
                line.record,
                line.what,
                *values,
                line.sentence,
            )


@page()
def show_syncs(request: Request, client_id: int) -> HttpResponse:
    """Every sync of one client with its result."""
    client = find_client_to_read(request.user, client_id)
    store_view(request.user, client, "Syncs")
    shown = Paginator(list_syncs_of(client), _PAGE_SIZE).get_page(request.GET.get("page"))
    return render(
        request, "console/care_recipient/syncs.html", {**frame(client), "page": shown, "syncs": shown.object_list}
    )


@page()
def show_as_of(request: Request, client_id: int) -> HttpResponse:
    """What the funder had said of one client by the end of a day, and the stored answers that prove it."""
    client = find_client_to_read(request.user, client_id)
    asked = request.GET.get("day", "")
    day, today = _read_day(asked), timezone.localdate()
    is_to_come = day is not None and day > today
    if is_to_come:
        day = None
    context: dict[str, Any] = {**frame(client), "asked": asked, "day": day, "is_to_come": is_to_come, "today": today}
    store_view(request.user, client, f"Funding as at {write_day(day)}" if day else "Funding as at a day")
    if day is not None:
        known = find_funding_as_of(client, end_of(day))
        funding = rebuild_funding(known, day)
        details = DetailsState(known.sources, is_past=True)
        context |= {
            "responses": [_response(client.pk, stored) for stored in known.pages],
            "unreadable": known.unreadable,
            "funding": funding,
            "level": write_level(funding),
            "plan_dates": write_plan_dates(funding),
            "budgets": show_budgets(list(funding.budgets), funding, details, known.sources),
            "time_line": draw_time_line(funding.classifications, day),
        }
    return render(request, "console/care_recipient/as_of.html", context)


def _response(client_id: int, stored: ArchivedPage) -> StoredResponse:
    return StoredResponse(
        f"answer-{stored.digest[:16]}",
        stored.operation,
        stored.subject_id,
        stored.current_from,
        stored.digest,
        reverse("console:evidence", args=[client_id, stored.digest]),
    )


def _read_day(text: str) -> date | None:
    try:
        return read_day(text)
    except ValueError:
        return None


@page(may_export)
def download_evidence(request: Request, client_id: int, digest: str) -> HttpResponse:
    """One stored answer, byte for byte as received; its name carries its SHA-256."""
    client = find_client_to_read(request.user, client_id)
    answer = find_answer(client.pk, digest)
    if answer is None:
        raise NotHere
    store_export(request.user, f"Stored response: {answer.operation.replace('_', ' ')}", clients=[client])
    response = HttpResponse(answer.body, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{answer.operation}-sha256-{digest}.json"'
    return response
