"""`carefund sync`: one care recipient, now; or everybody, by a survey or in full."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from django.conf import settings
from django.urls import reverse

from carefund.access.access_log import store_synchronisation
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import (
    CONSENT_NOT_GIVEN,
    FAILED,
    WRONG_INPUT,
    changes_table,
    complain,
    counts_table,
    print_json,
    screen,
)
from carefund.cli.runs import start
from carefund.records.care_recipient.queries import has_plan
from carefund.records.models import Client
from carefund.runs.foreground import StillUnderWay, preview_now, synchronise_now
from carefund.runs.models import Run, RunItem
from carefund.sync.care_recipient.results import SyncOutcome, SyncResult
from carefund.sync.change_log.rows import as_entries
from carefund.sync.change_log.sentences import write_sentences


def sync(
    care_recipient_id: Annotated[str | None, typer.Argument(help="Care Recipient ID.")] = None,
    survey: Annotated[
        bool, typer.Option(help="All active clients: read lists, then clients with changes and some of the others.")
    ] = False,
    everybody: Annotated[bool, typer.Option(help="All active clients: read each of them in full.")] = False,
    watch: Annotated[bool, typer.Option(help="With --survey or --everybody: show progress.")] = True,
    dry_run: Annotated[
        bool, typer.Option(help="Fetch and compare, and print what would change. Save nothing.")
    ] = False,
    json: Annotated[bool, typer.Option(help="Print the result as JSON.")] = False,
) -> None:
    """Synchronise the budget information of one client, or of all active clients with --survey or --everybody."""
    if sum((care_recipient_id is not None, survey, everybody)) != 1:
        complain(
            "It is not clear which clients to synchronise.", "Give one Care Recipient ID, or --survey, or --everybody."
        )
        raise typer.Exit(WRONG_INPUT)
    if survey or everybody:
        if dry_run or json:
            complain(
                "--dry-run and --json work for one client only.", "Leave them out. `carefund runs show` has --json."
            )
            raise typer.Exit(WRONG_INPUT)
        start(parts=Run.Parts.SURVEY if survey else Run.Parts.EVERYTHING, watch=watch)
        return
    client = client_or_exit(care_recipient_id or "")
    store_synchronisation(None, client, "carefund sync, dry run" if dry_run else "carefund sync")
    if dry_run:
        _show_preview(asyncio.run(preview_now(client, settings.OPEN_BUDGET_DAYS)), json)
        return
    try:
        item = asyncio.run(synchronise_now(client))
    except StillUnderWay:
        complain("Another process is still synchronising this client.", "Run `carefund runs list` to see its progress.")
        raise typer.Exit(FAILED) from None
    _show_item(client, item, json)
    if item.outcome == RunItem.Outcome.FAILED:
        raise typer.Exit(FAILED)
    if item.outcome == RunItem.Outcome.CONSENT_MISSING:
        raise typer.Exit(CONSENT_NOT_GIVEN)


def _show_preview(result: SyncResult, as_json: bool) -> None:
    if as_json:
        print_json({
            "care_recipient_id": result.care_recipient_id,
            "dry_run": True,
            "outcome": result.outcome.value,
            "counts": result.counts_as_data(),
            "warnings": result.warnings,
            "changes": [
                {name: getattr(change, name) for name in ("kind", "action", "key", "field", "before", "after")}
                for change in result.changes
            ],
        })  # fmt: skip
    else:
        screen.print(f"Care recipient {result.care_recipient_id}: nothing was saved.", highlight=False)
        if result.outcome is SyncOutcome.CONSENT_MISSING:
            screen.print("Consent was not given for budget details.")
        screen.print(counts_table(result.counts_as_data()))
        _show_warnings(result.warnings)
        if result.changes:
            changes = as_entries(result.client_id, result.changes)
            for sentence in write_sentences(changes):
                screen.print(f"- {sentence.text}", markup=False, highlight=False)
            screen.print(changes_table(changes))
        else:
            screen.print("Nothing would change.")
    if result.outcome is SyncOutcome.CONSENT_MISSING:
        raise typer.Exit(CONSENT_NOT_GIVEN)


def _show_item(client: Client, item: RunItem, as_json: bool) -> None:
    page = reverse("console:plan", args=[client.pk]) if has_plan(client) else ""
    if as_json:
        print_json(item_as_data(item, page))
        return
    if item.outcome == RunItem.Outcome.FAILED:
        complain(f"{item.message} Step: {item.failed_step}. Nothing was changed for this client.", item.advice)
        return
    heading = {
        RunItem.Outcome.CHANGED: "synchronised",
        RunItem.Outcome.UNCHANGED: "checked, no changes",
        RunItem.Outcome.CONSENT_MISSING: "consent not given for budget details. All other records are synchronised",
        RunItem.Outcome.SUPERSEDED: "a newer sync has already finished",
    }[RunItem.Outcome(item.outcome)]
    screen.print(f"Care recipient {item.care_recipient_id}: {heading}.", highlight=False)
    if item.joined_id:
        screen.print("A sync of this client was already in progress. This is its result.")
    screen.print(counts_table(item.counts))
    _show_warnings(item.warnings)
    if page:
        screen.print(f"Plan: {settings.PUBLIC_URL.rstrip('/')}{page}", highlight=False)


def _show_warnings(warnings: Sequence[str]) -> None:
    for warning in warnings:
        screen.print(f"[yellow]Warning:[/] {warning}", highlight=False)


def item_as_data(item: RunItem, plan_page: str = "") -> dict[str, Any]:
    """One person's result as JSON data, the same names as in the ledger."""
    return {
        "care_recipient_id": item.care_recipient_id,
        "run_id": item.run_id,
        "status": item.status,
        "outcome": item.outcome,
        "counts": item.counts,
        "warnings": item.warnings,
        "failed_step": item.failed_step,
        "error_code": item.error_code,
        "message": item.message,
        "advice": item.advice,
        "started_at": item.started_at.isoformat() if item.started_at else None,
        "finished_at": item.finished_at.isoformat() if item.finished_at else None,
        "plan": plan_page,
    }
