"""Synchronise Budget Information: ask, watch, read the result, without leaving the client's page.

With a script the three are fragments in a dialog; without one they are pages of their own that reload themselves.
Source: rule SYNC-01.
"""

from itertools import groupby
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_synchronisation, store_view
from carefund.access.audit_log import store_act
from carefund.access.gate import find_client_to_synchronise, find_client_to_watch
from carefund.console.care_recipient.client import frame
from carefund.console.care_recipient.sync_notes import note_lost_access, note_preview, note_result
from carefund.console.page_access import Request, page
from carefund.records.models import Client
from carefund.runs.models import Run, RunItem
from carefund.runs.previews import (
    CannotApply,
    apply_preview,
    changes_of,
    find_preview,
    find_preview_to_apply,
    may_see_changes,
    request_preview,
)
from carefund.runs.queries import find_progress, find_sync
from carefund.runs.requests import request_run
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from carefund.sync.care_recipient.stored_rows import count_stored
from carefund.sync.change_log.rows import as_entries
from carefund.sync.change_log.sentences import write_lines_by_kind, write_sentences

NAME = "Synchronise Budget Information"
_LOGGED_AS = {"ask": "opened", "access_lost": "result"}
# The kinds of the guide, in its order, and what hangs on budgets.
KINDS = [(kind.label, kind) for kind in RECORD_SETS if not kind.is_child]
DETAILS = [(kind.label, kind) for kind in RECORD_SETS if kind.is_child]
_BLANK = {"new": 0, "changed": 0, "unchanged": 0, "no_longer_returned": 0}


@page()
def ask(request: Request, client_id: int) -> HttpResponse:
    """The question before a sync (GET), and its start (POST)."""
    client = find_client_to_synchronise(request.user, client_id)
    if request.method == "POST" and client.care_recipient_id:
        is_preview = "preview" in request.POST
        store_synchronisation(request.user, client, f"{NAME} (preview)" if is_preview else NAME)
        run = request_preview(client, request.user) if is_preview else start(client, request)
        address = redirect("console:synchronise-run", client_id=client.pk, run_id=run.pk)
        return _show(request, "progress", _progress(client, run)) if request.htmx else address
    kinds = [(name, count_stored(kind, client.pk)) for name, kind in KINDS]
    return _show(request, "ask", {"client": client, "kinds": kinds, **frame(client)})


def start(client: Client, request: Request) -> Run:
    """Ask for a sync of this client."""
    return request_run(trigger=Run.Trigger.ON_DEMAND, clients=[client], scope="one client", requested_by=request.user)


@page()
def watch(request: Request, client_id: int, run_id: int) -> HttpResponse:
    """The sync under way, or what came of it."""
    item = find_sync(run_id, client_id)
    client = find_client_to_watch(request.user, client_id, asked_by_id=item.run.requested_by_id)
    if client is None:
        outcome = _outcome(item)
        without = outcome["waiting"] or outcome["failed"] or outcome["cancelled"] or item.run.is_preview
        return _show(request, "access_lost", outcome | {"note": note_lost_access(item), "with_counts": not without})
    if item.status in (RunItem.Status.QUEUED, RunItem.Status.RUNNING):
        return _show(request, "progress", _progress(client, item.run))
    if item.run.is_preview and item.outcome not in ("", RunItem.Outcome.FAILED):
        return _show(request, "preview", _preview(request, client, item))
    response = _show(request, "result", _result(client, item))
    if request.htmx:
        response.headers["HX-Trigger"] = "funding-changed"
    return response


@require_POST
@page()
def apply(request: Request, client_id: int, run_id: int) -> HttpResponse:
    """Apply exactly what was previewed, or say why not."""
    client = find_client_to_synchronise(request.user, client_id)
    preview = find_preview_to_apply(run_id, client)
    if not may_see_changes(request.user, changes_of(preview)):
        raise PermissionDenied
    store_synchronisation(request.user, client, f"{NAME} (reviewed)")
    store_act(request.user, "Preview applied", f"run {run_id}")
    try:
        item = apply_preview(preview, request.user)
    except CannotApply as refusal:
        return _show(request, "preview", _preview(request, client, preview.item, str(refusal)))
    if not request.htmx:
        return redirect("console:synchronise-run", client_id=client.pk, run_id=item.run_id)
    response = _show(request, "result", _result(client, item))
    response.headers["HX-Trigger"] = "funding-changed"
    return response


def _preview(request: Request, client: Client, item: RunItem, refusal: str = "") -> dict[str, Any]:
    """Every field that would change, by kind, in the order of the guide; none of a client who would be others'."""
    preview = find_preview(item)
    found = changes_of(preview) if preview else []
    is_others = not may_see_changes(request.user, found)
    changes = as_entries(client.pk, () if is_others else found)
    lines = write_lines_by_kind(changes)
    is_gone, is_applied = preview is None, preview is not None and preview.applied_at is not None
    return {
        "client": client,
        "item": item,
        "run": item.run,
        "note": note_preview(
            refusal=refusal, is_gone=is_gone, is_applied=is_applied, is_others=is_others, number=len(changes)
        ),
        "groups": [(label, list(rows)) for label, rows in groupby(lines, key=lambda line: line.kind)],
        "sentences": [] if is_applied else write_sentences(changes),
        "number": len(changes),
        "must_repeat": bool(refusal) or is_gone or is_applied,
    }


def _progress(client: Client, run: Run) -> dict[str, Any]:
    waiting = timezone.now() - run.created_at
    return {
        "client": client,
        "run": run,
        "item": find_sync(run.pk, client.pk),
        "progress": find_progress(run, timezone.now()),
        "is_slow": waiting.total_seconds() > 20,
    }


def _result(client: Client, item: RunItem) -> dict[str, Any]:
    return {**frame(client), **_outcome(item), "note": note_result(item)}


def _outcome(item: RunItem) -> dict[str, Any]:
    """What came of a sync, in words and counts that name nobody."""
    return {
        "item": item,
        "run": item.run,
        "rows": [(name, _BLANK | item.counts.get(kind.kind, {})) for name, kind in KINDS],
        "details": [(name, _BLANK | item.counts.get(kind.kind, {})) for name, kind in DETAILS],
        "failed": item.outcome == RunItem.Outcome.FAILED,
        "consent_missing": item.outcome == RunItem.Outcome.CONSENT_MISSING,
        "cancelled": item.status == RunItem.Status.CANCELLED,
        "waiting": item.status in (RunItem.Status.QUEUED, RunItem.Status.RUNNING),
    }


def _show(request: Request, name: str, context: dict[str, Any]) -> HttpResponse:
    """A step as a fragment of the dialog, or as a page. Only the polls of a dialog that is open are no entry each."""
    client = context.get("client")
    if client is not None and not (request.htmx and name == "progress"):
        store_view(request.user, client, f"{NAME} ({_LOGGED_AS.get(name, name)})")
    context |= {
        "piece": f"console/care_recipient/synchronise/{name}.html",
        "is_under_way": name == "progress" or context.get("waiting", False),
        "in_dialog": bool(request.htmx),
    }
    template = context["piece"] if request.htmx else "console/care_recipient/synchronise/page.html"
    return render(request, template, context)
