"""`carefund runs`: ask for work, watch it and steer it."""

import csv
import sys
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from django.utils import timezone
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Column, Table

from carefund.access.access_log import store_export, store_views
from carefund.access.audit_log import one_act, store_act
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.spreadsheet_formulas import make_plain
from carefund.records.models import Client
from carefund.runs.bulk_scopes import EmptyFile, choose, choose_ids, read_ids
from carefund.runs.care_recipient.surveying import find_reads, request_survey
from carefund.runs.kinds import describe_work, find_kind, list_kinds
from carefund.runs.models import Run, RunItem
from carefund.runs.queries import (
    find_only_item,
    find_progress,
    find_run,
    list_client_ids,
    list_items,
    list_runs,
    reload,
)
from carefund.runs.requests import CannotChangeRun, NothingToDo, request_run
from carefund.runs.steering import STEPS, MustConfirmAgain
from carefund.runs.steering import retry as retry_run

app = typer.Typer(cls=Commands, help="Runs: work that is requested, in progress or finished.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
RunId = Annotated[int, typer.Argument(help="Number of the run.", metavar="RUN")]


@app.command(name="list")
def list_latest(
    limit: Annotated[int, typer.Option(help="Number of runs to list.")] = 20,
    kind: Annotated[str, typer.Option(help="Only runs of this kind, such as sync or claim-batch.")] = "",
    json: AsJson = False,
) -> None:
    """List the latest runs, of every kind of work or of one."""
    labels = {known.name: known.label for known in list_kinds()}
    if kind and kind not in labels:
        choices = ", ".join(f"{name} ({label})" for name, label in labels.items())
        complain(f"There is no kind of work called {kind}.", f"The kinds are {choices}.")
        raise typer.Exit(WRONG_INPUT)
    runs = list(list_runs(with_all=True, kind=kind)[:limit])
    if json:
        print_json([run_as_data(run) for run in runs])
        return
    if not runs:
        screen.print("No runs of this kind yet." if kind else "No runs yet. Run `carefund runs start` to start one.")
        return
    work = Column("Work", min_width=14)  # the others wrap before it is cut
    table = Table("Run", "Requested", work, "Trigger", "Status", box=None, pad_edge=False, header_style="bold")
    for title in ("Done", "Changed", "Failed"):
        table.add_column(title, justify="right")
    for run in runs:
        progress = find_progress(run, timezone.now())
        requested = f"{timezone.localtime(run.created_at):%-d %b %H:%M}"
        table.add_row(
            str(run.pk), requested, f"{describe_work(run)}, {run.scope}", run.trigger,
            _status(run), f"{progress.done:,}/{progress.total:,}", f"{progress.changed:,}", f"{progress.failed:,}",
        )  # fmt: skip
    screen.print(table)


@app.command()
def show(
    run_id: RunId,
    json: AsJson = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="One line per item, as CSV.")] = False,
) -> None:
    """Show one run: its progress, and what failed and why."""
    run = find_run(run_id)
    if as_csv:
        store_export(None, f"carefund runs show {run.pk} --csv", clients=list_client_ids(run))
        write_csv(run)
        return
    failures = list(list_items(run, only="failed")[:1000])
    store_views(None, (item.client_id for item in failures), f"carefund runs show {run.pk}")
    if json:
        print_json(run_as_data(run) | {"failures": [_failure_as_data(item) for item in failures]})
        return
    progress = find_progress(run, timezone.now())
    kind = find_kind(run.kind)
    without_consent = f"{progress.consent_missing:,} without consent, " if run.kind == Run.SYNC else ""
    screen.print(f"Run {run.pk}, {describe_work(run)}, {run.trigger}, {run.scope}: {_status(run)}", highlight=False)
    screen.print(
        f"{progress.done:,} of {progress.total:,} {kind.items} done: {progress.changed:,} changed, "
        f"{progress.unchanged:,} unchanged, {without_consent}"
        f"{progress.failed:,} failed, {progress.warnings:,} with warnings.",
        highlight=False,
    )
    if run.correlation_id:
        screen.print(f"Correlation ID: {run.correlation_id}", highlight=False)
    only = find_only_item(run) if run.total == 1 else None
    if only is not None and only.outcome != RunItem.Outcome.FAILED:
        screen.print(f"  {only.message}".rstrip(), highlight=False)
    for item in failures:
        screen.print(f"  {item.care_recipient_id or item.holds}: {item.message} {item.advice}", highlight=False)


@app.command()
def start(
    service_provider_id: Annotated[str, typer.Option(help="Only this branch.")] = "",
    file: Annotated[
        Path | None, typer.Option(exists=True, dir_okay=False, help="A file of Care Recipient IDs, one per line.")
    ] = None,
    failed: Annotated[bool, typer.Option(help="Only clients whose last sync failed.")] = False,
    older_than_hours: Annotated[int, typer.Option(help="Only clients last checked longer ago than this.")] = 0,
    parts: Annotated[Run.Parts, typer.Option(help="What to synchronise.")] = Run.Parts.EVERYTHING,
    watch: Annotated[bool, typer.Option(help="Show progress until the run finishes.")] = True,
) -> None:
    """Request a bulk run. The background process carries it out."""
    unknown: list[str] = []
    clients: Iterable[Client]
    try:
        if parts == Run.Parts.SURVEY and (file or service_provider_id or failed or older_than_hours):
            complain("A survey covers all active clients.", "Leave out the other options, or choose other parts.")
            raise typer.Exit(WRONG_INPUT)
        if file:
            known, unknown = choose_ids(read_ids(file.read_bytes()))
            clients, scope = known, f"{len(known) + len(unknown):,} IDs from a file"
        else:
            clients, scope = choose(
                service_provider_id=service_provider_id,
                failed=failed,
                older_than=timedelta(hours=older_than_hours) if older_than_hours else None,
            )
        with one_act():
            if parts == Run.Parts.SURVEY:
                run = request_survey(trigger=Run.Trigger.BULK)
            else:
                run = request_run(
                    trigger=Run.Trigger.BULK, clients=clients, scope=scope, parts=parts, unknown_ids=unknown
                )
            after = {"who": run.scope, "what": run.parts, "items": run.total}
            store_act(None, "Bulk run started", f"run {run.pk}", after=after)
    except EmptyFile:
        complain("The file has no IDs.", "Enter one Care Recipient ID per line.")
        raise typer.Exit(WRONG_INPUT) from None
    except NothingToDo:
        complain("No clients match this scope.", "Choose another scope, or add clients with `carefund clients import`.")
        raise typer.Exit(WRONG_INPUT) from None
    people = "person" if run.total == 1 else find_kind(run.kind).items
    screen.print(f"Run {run.pk} requested: {run.total:,} {people}.", highlight=False)
    if watch:
        watch_run(run)
        show(run.pk)
        if (reading := find_reads(run)) is not None:
            watch_run(reading)
            show(reading.pk)


@app.command()
def resume(run_id: RunId) -> None:
    """Resume a paused run."""
    _steer(run_id, STEPS["resume"], "resumed")


@app.command()
def pause(run_id: RunId) -> None:
    """Pause a run. Items in progress are finished first."""
    _steer(run_id, STEPS["pause"], "paused")


@app.command()
def cancel(run_id: RunId) -> None:
    """Cancel a run. Finished items stay as they are."""
    _steer(run_id, STEPS["cancel"], "cancelled")


@app.command()
def retry(run_id: RunId) -> None:
    """Request a new run for the failed items of this one."""
    failed_in = find_run(run_id)
    try:
        with one_act():
            run = retry_run(failed_in)
            store_act(None, f"Failures of run {failed_in.pk} retried", f"run {run.pk}", after={"items": run.total})
    except NothingToDo:
        screen.print("No items failed in this run.")
        return
    except MustConfirmAgain as refusal:
        complain(str(refusal), refusal.advice)
        raise typer.Exit(WRONG_INPUT) from None
    items = find_kind(run.kind).items
    screen.print(f"Run {run.pk} requested: {run.total:,} of {failed_in.total:,} {items} again.", highlight=False)


def _steer(run_id: int, step: Any, done: str) -> None:
    try:
        with one_act():
            step(find_run(run_id))
            store_act(None, f"Run {done}", f"run {run_id}")
    except MustConfirmAgain as error:
        complain(str(error), error.advice)
        raise typer.Exit(WRONG_INPUT) from None
    except CannotChangeRun as error:
        complain(str(error))
        raise typer.Exit(WRONG_INPUT) from None
    screen.print(f"Run {run_id} is {done}.", highlight=False)


def _status(run: Run) -> str:
    return f"{run.status}: {run.paused_reason}" if run.status == Run.Status.PAUSED else str(run.status)


def watch_run(run: Run) -> None:
    """A progress bar until the run is over or paused."""
    with Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn(),
        console=screen,
    ) as bar:  # fmt: skip
        task = bar.add_task(f"Run {run.pk}", total=run.total)
        while True:
            reload(run)
            bar.update(task, completed=find_progress(run, timezone.now()).done)
            if run.is_over or run.status == Run.Status.PAUSED:
                return
            time.sleep(0.2)


def run_as_data(run: Run) -> dict[str, Any]:
    """One run as JSON data."""
    progress = find_progress(run, timezone.now())
    return {
        "run_id": run.pk,
        "kind": run.kind,
        "trigger": run.trigger,
        "scope": run.scope,
        "parts": run.parts,
        "status": run.status,
        "paused_reason": run.paused_reason,
        "total": progress.total,
        "done": progress.done,
        "changed": progress.changed,
        "unchanged": progress.unchanged,
        "consent_missing": progress.consent_missing,
        "failed": progress.failed,
        "warnings": progress.warnings,
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "correlation_id": run.correlation_id,
    }


def _failure_as_data(item: RunItem) -> dict[str, str]:
    names = ("care_recipient_id", "error_code", "failed_step", "message", "advice")
    return {"thing": item.holds} | {name: getattr(item, name) for name in names}


def write_csv(run: Run) -> None:
    """A line per item, to standard output. `thing` is what was worked on, such as `batch:5`."""
    writer = csv.writer(sys.stdout)
    writer.writerow(("care_recipient_id", "thing", "status", "outcome", "failed_step", "message", "advice"))
    for item in run.items.iterator(chunk_size=1000):
        about = (item.care_recipient_id, item.holds)
        told = (*about, item.status, item.outcome, item.failed_step, item.message, item.advice)
        writer.writerow([make_plain(text or "") for text in told])
