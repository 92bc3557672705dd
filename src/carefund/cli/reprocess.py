"""`carefund reprocess`: compare stored answers again as this version reads them, without a call."""

from collections import Counter
from typing import Annotated

import typer
from rich.table import Table

from carefund.access.access_log import store_view
from carefund.access.audit_log import one_act, store_act
from carefund.cli.client_argument import client_or_exit
from carefund.cli.output import FAILED, WRONG_INPUT, complain, print_json, screen
from carefund.funders.errors.root import FunderError
from carefund.records.models import Client
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.reprocessing import find_open_reprocessing, request_reprocessing
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import count_outcomes
from carefund.sync.care_recipient.reprocessing import list_outdated, reprocess

_AT_ONCE = 50


def reprocess_stored(
    care_recipient_id: Annotated[str, typer.Argument(help="Care Recipient ID.")] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="All clients whose stored responses this version reads differently.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Print what would change, and save nothing.")] = False,
    json: Annotated[bool, typer.Option(help="Print the result as JSON.")] = False,
) -> None:
    """Reprocess stored responses, and save what this version reads differently. No call is made."""
    if bool(care_recipient_id) == everybody:
        complain("No Care Recipient ID given.", "Give a Care Recipient ID, or use --all.")
        raise typer.Exit(WRONG_INPUT)
    wanted = list_outdated() if everybody else list_outdated([_find(care_recipient_id).pk])
    counts = _try(wanted) if dry_run else _do(wanted, everybody=everybody)
    if json:
        print_json(counts | {"dry_run": dry_run})
    else:
        _print(counts, dry_run=dry_run)
    if counts["unreadable"]:
        raise typer.Exit(FAILED)


def _find(care_recipient_id: str) -> Client:
    client = client_or_exit(care_recipient_id)
    store_view(None, client, "carefund reprocess")
    return client


def _try(client_ids: list[int]) -> dict[str, int | dict[str, int]]:
    """Return what reprocessing would change: people, and fields by kind of record."""
    changed = unreadable = 0
    fields: Counter[str] = Counter()
    for start in range(0, len(client_ids), _AT_ONCE):
        results = reprocess(client_ids[start : start + _AT_ONCE], business_today(), dry_run=True)
        for result in results.values():
            if isinstance(result, FunderError):
                unreadable += 1
                continue
            changed += bool(result.changes)
            fields.update(f"{change.kind}: {change.field or change.action}" for change in result.changes)
    return _counts(len(client_ids), changed, unreadable) | {"fields": dict(fields)}


def _do(client_ids: list[int], *, everybody: bool) -> dict[str, int | dict[str, int]]:
    """Carry it out as a run; one of many that broke off goes on."""
    run = find_open_reprocessing() if everybody else None
    if run is None and not client_ids:
        return _counts(0, 0, 0)
    if run is None:
        trigger = Run.Trigger.BULK if everybody else Run.Trigger.ON_DEMAND
        scope = "responses that this version reads differently" if everybody else "one client"
        with one_act():
            run = request_reprocessing(client_ids, trigger=trigger, scope=scope)
            act = "Reprocessing of stored responses started"
            store_act(None, act, f"run {run.pk}", after={"who": scope, "items": run.total})
    finish_now(run)
    outcomes = count_outcomes(run)
    counts = _counts(run.total, outcomes[RunItem.Outcome.CHANGED], outcomes[RunItem.Outcome.FAILED])
    return counts | {"run_id": run.pk}


def _counts(people: int, changed: int, unreadable: int) -> dict[str, int | dict[str, int]]:
    return {"people": people, "changed": changed, "unreadable": unreadable}


def _print(counts: dict[str, int | dict[str, int]], *, dry_run: bool) -> None:
    if not counts["people"]:
        screen.print("This version reads all stored responses as before. Nothing to do.")
        return
    said = "would change" if dry_run else "changed"
    screen.print(f"Reprocessed {counts['people']:,} clients: {counts['changed']:,} {said}. No call was made.")
    if counts["unreadable"]:
        complain(
            f"Stored responses for {counts['unreadable']:,} clients cannot be read.",
            "Their records have not changed. See the run for details.",
        )
    fields = counts.get("fields")
    if isinstance(fields, dict) and fields:
        table = Table("Field", box=None, pad_edge=False, header_style="bold")
        table.add_column("Records", justify="right")
        for field, number in sorted(fields.items()):
            table.add_row(field.replace("_", " "), f"{number:,}")
        screen.print(table)
