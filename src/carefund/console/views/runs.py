"""Runs, of whatever kind: start a bulk sync, watch a run, steer it, and take its result away as CSV."""

from collections.abc import Iterator
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_export, store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import list_chosen_clients, list_clients_for
from carefund.access.roles import may_run_in_bulk
from carefund.console.background_work import describe_run
from carefund.console.bulk_selection import choose, choose_selection, read_selection
from carefund.console.csv_download import stream_csv
from carefund.console.forms import RunForm
from carefund.console.page_access import Request, page
from carefund.console.run_items import name_item
from carefund.records.not_found import NotHere
from carefund.runs.bulk_scopes import EmptyFile
from carefund.runs.care_recipient.surveying import find_survey_of, request_survey
from carefund.runs.kinds import describe_work, find_kind, list_kinds
from carefund.runs.models import Run
from carefund.runs.queries import find_only_item, find_progress, find_run, list_client_ids, list_items, list_runs
from carefund.runs.requests import CannotChangeRun, NothingToDo, request_run
from carefund.runs.steering import STEPS, MustConfirmAgain, retry
from carefund.sync.care_recipient.recordsets import RECORD_SETS

_PAGE_SIZE = 50
FILTERS = {"failed": "Failed", "warnings": "With warnings", "consent": "Consent not given", "changed": "Changed"}


@page(may_run_in_bulk)
def list_all(request: Request) -> HttpResponse:
    """The runs, newest first."""
    with_all = request.GET.get("all") == "1"
    kinds = {kind.name: kind.label for kind in list_kinds()}
    kind = request.GET.get("kind", "")
    kind = kind if kind in kinds else ""
    shown = Paginator(list_runs(with_all=with_all, kind=kind), _PAGE_SIZE).get_page(request.GET.get("page"))
    toggled = {} if with_all else {"all": "1"} | ({"kind": kind} if kind else {})
    context = {
        "page": shown,
        "lines": [(run, describe_work(run)) for run in shown.object_list],
        "with_all": with_all,
        "toggle_address": f"{reverse('console:runs')}?{urlencode(toggled)}",
        "kinds": kinds,
        "kind": kind,
    }
    return render(request, "console/runs.html", context)


@page(may_run_in_bulk)
def start(request: Request) -> HttpResponse:
    """The form for a bulk run, and its start. A selection from the list of clients comes here too."""
    selection = read_selection(request.POST)
    form = RunForm(request.POST if "scope" in request.POST else None, request.FILES or None)
    if request.method == "POST" and (selection or form.is_bound) and "parts" in request.POST:
        run = _request(request, form, selection)
        if run is not None:
            return redirect("console:run", run_id=run.pk)
    chosen = list_chosen_clients(request.user, selection).count() if selection else 0
    if selection:
        form.leave_out_survey()
    return render(request, "console/run_new.html", {"form": form, "selection": selection, "number": chosen})


def _request(request: Request, form: RunForm, selection: list[int]) -> Run | None:
    """Start the run that was asked for; None, with the reason on the form, if there is nobody to synchronise."""
    clients = list_clients_for(request.user)
    if selection:
        parts = request.POST["parts"]
        parts = parts if parts in Run.Parts.values and parts != Run.Parts.SURVEY else Run.Parts.EVERYTHING
        scope = choose_selection(list_chosen_clients(request.user, selection), len(selection))
    elif form.is_valid():
        parts = form.cleaned_data["parts"]
        try:
            scope = choose(clients, form.cleaned_data)
        except EmptyFile:
            form.add_error("ids_file", "This file has no IDs. Enter one Care Recipient ID per line.")
            return None
    else:
        return None
    try:
        with one_act():
            if parts == Run.Parts.SURVEY:
                run = request_survey(trigger=Run.Trigger.BULK, requested_by=request.user)
            else:
                run = request_run(
                    trigger=Run.Trigger.BULK,
                    clients=scope.clients,
                    scope=scope.words,
                    parts=parts,
                    requested_by=request.user,
                    unknown_ids=scope.unknown_ids,
                )
            _log_request(request, "Bulk run started", run)
        return run
    except NothingToDo:
        form.is_bound = True
        form.add_error(None, "No clients match this choice, so there is nothing to synchronise.")
        return None


def _log_request(request: Request, act: str, run: Run) -> None:
    after = {"who": run.scope, "what": run.parts, "items": run.total}
    store_act(request.user, act, f"run {run.pk}", after=after)


@page(may_run_in_bulk)
def show(request: Request, run_id: int) -> HttpResponse:
    """One run: how far it is, and its items. While it goes on the page keeps itself up to date."""
    run = find_run(run_id)
    only = request.GET.get("only", "")
    only = only if only in FILTERS else ""
    progress = find_progress(run, timezone.now())
    kind = find_kind(run.kind)
    context: dict[str, Any] = {
        "run": run,
        "kind": kind,
        "what": describe_work(run),
        "progress": progress,
        "item": find_only_item(run) if run.total == 1 else None,
        "may_steer": kind.may_ask(request.user),
        "survey": find_survey_of(run),
    }
    if request.htmx:
        response = render(request, "console/pieces/run_progress.html", context)
        if run.is_over:
            response.headers["HX-Refresh"] = "true"
        return response
    default = "failed" if progress.failed and "only" not in request.GET else only
    shown = Paginator(list_items(run, only=default), _PAGE_SIZE).get_page(request.GET.get("page"))
    items = [(item, name_item(item)) for item in shown.object_list]
    store_views(request.user, (item.client_id for item, _ in items), f"Run {run.pk}")
    context |= {
        "page": shown,
        "items": items,
        "only": default,
        "filters": _filters(run),
        "only_label": FILTERS.get(default, "All"),
    }
    return render(request, "console/run.html", context)


@page()
def watch(request: Request, run_id: int) -> HttpResponse:
    """How far the work is that a page has asked for, as a fragment of that page, which is loaded anew at its end."""
    run = find_run(run_id)
    if not find_kind(run.kind).may_ask(request.user):
        raise PermissionDenied
    work = describe_run(run, timezone.now())
    response = render(request, "console/pieces/background_work.html", {"work": work})
    if work is None or work.is_over:
        response.headers["HX-Refresh"] = "true"
    return response


def _filters(run: Run) -> dict[str, str]:
    return FILTERS if run.kind == Run.SYNC else {name: FILTERS[name] for name in ("failed", "changed")}


_ACTS = {"cancel": "Run cancelled", "pause": "Run paused", "resume": "Run resumed"}
_DONE = {"cancel": "Run cancelled.", "pause": "Run paused.", "resume": "Run resumed."}


@require_POST
@page(may_run_in_bulk)
def steer(request: Request, run_id: int, step: str) -> HttpResponse:
    """Cancel, pause or resume a run, or retry those who failed in it."""
    run = find_run(run_id)
    if not find_kind(run.kind).may_ask(request.user):
        raise PermissionDenied
    try:
        if step == "retry":
            with one_act():
                again = retry(run, requested_by=request.user)
                _log_request(request, f"Failures of run {run.pk} retried", again)
            return redirect("console:run", run_id=again.pk)
        if step not in STEPS:
            raise NotHere
        with one_act():
            STEPS[step](run)
            store_act(request.user, _ACTS[step], f"run {run.pk}")
        messages.success(request, _DONE[step])
    except MustConfirmAgain as refusal:
        messages.error(request, f"{refusal} {refusal.advice}")
    except CannotChangeRun as refusal:
        messages.error(request, str(refusal))
    except NothingToDo:
        messages.info(request, "No items failed in this run.")
    return redirect("console:run", run_id=run.pk)


@page(may_run_in_bulk)
def export(request: Request, run_id: int) -> StreamingHttpResponse:
    """The result of a run as CSV: a line per item, with counts and the reason of each failure."""
    run = find_run(run_id)
    store_export(request.user, f"Result of run {run.pk} (CSV)", clients=list_client_ids(run))
    return stream_csv(_lines(run), f"run-{run.pk}.csv")


def _lines(run: Run) -> Iterator[list[object]]:
    is_sync = run.kind == Run.SYNC
    sorts = ("new", "changed", "unchanged", "no_longer_returned") if is_sync else ()
    counted = [f"{kind.kind}_{sort}" for kind in RECORD_SETS for sort in sorts]
    yield [
        "care_recipient_id" if is_sync else "item", "status", "outcome", *counted, "warnings", "error_code",
        "failed_step", "message", "advice", "started_at", "finished_at",
    ]  # fmt: skip
    for item in list_items(run).iterator(chunk_size=1000):
        yield [
            item.care_recipient_id if is_sync else name_item(item).words,
            item.status,
            item.outcome,
            *(item.counts.get(kind.kind, {}).get(sort, "") for kind in RECORD_SETS for sort in sorts),
            " | ".join(item.warnings),
            item.error_code,
            item.failed_step,
            item.message,
            item.advice,
            item.started_at,
            item.finished_at,
        ]
