"""`carefund claims`: prepare a batch, send it, look how far its claim is, and show what was paid and drawn."""

from contextlib import suppress
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from carefund.access.access_log import store_view, store_views
from carefund.access.audit_log import one_act, store_act
from carefund.cli.claims_as_data import (
    describe_batch,
    describe_check,
    describe_claim,
    describe_line,
    describe_preview,
)
from carefund.cli.output import FAILED, WRONG_INPUT, complain, errors, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.claims.funding_sources import name_funding
from carefund.domain.claims.statuses import write_claim_status
from carefund.domain.wording import many, write_day, write_money
from carefund.records.care_recipient.queries import name_branch
from carefund.records.claims.batches import BatchMoved
from carefund.records.claims.claimed_lines import list_lines
from carefund.records.claims.late_evidence import NotEvidence, TooLate, store_evidence
from carefund.records.claims.queries import (
    count_clients_in,
    find_batch,
    find_batch_total,
    find_claim,
    find_claim_by_number,
    find_line,
    list_batches,
    list_claims,
    list_claims_of,
    list_requests_of,
)
from carefund.records.models import ClaimBatch
from carefund.runs.business_day import business_today
from carefund.runs.claims.claiming import request_sending
from carefund.runs.foreground import WorkFailed, check_all_claims, check_claims, finish_one
from carefund.runs.models import RunItem
from carefund.sync.claims.preparing import BatchChoice, BatchPreview, NothingToClaim, prepare_batch, preview_batch

app = typer.Typer(cls=Commands, help="Claims, from invoice line to paid.", no_args_is_help=True)
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
BatchNumber = Annotated[int, typer.Argument(help="Number of the batch.", metavar="BATCH")]
_DAYS = ["%Y-%m-%d"]


@app.command(name="list")
def list_all(json: AsJson = False) -> None:
    """List batches and claims, newest first, including claims made outside Carefund."""
    batches, claims = list(list_batches()[:50]), list(list_claims()[:50])
    if json:
        print_json(
            {
                "batches": [describe_batch(batch) for batch in batches],
                "claims": [describe_claim(claim) for claim in claims],
            }
        )
        return
    if not batches and not claims:
        screen.print("No claims yet. Run `carefund claims prepare` to choose what to claim.")
        return
    table = Table("Batch", "Service Provider ID", "Funding", "Delivered", "State", box=None, pad_edge=False)
    table.add_column("Total", justify="right")
    for batch in batches:
        table.add_row(
            str(batch.pk), batch.service_provider_id, name_funding(batch.funding_source) or "all", _period(batch),
            batch.get_state_display(), write_money(find_batch_total(batch)),
        )  # fmt: skip
    screen.print(table)
    table = Table("Claim", "Service Provider ID", "Status", "Batch", box=None, pad_edge=False)
    table.add_column("Paid", justify="right")
    for claim in claims:
        paid = "" if claim.total_paid is None else write_money(claim.total_paid)
        table.add_row(
            claim.claim_id,
            claim.service_provider_id,
            write_claim_status(claim.status),
            str(claim.batch_id or "outside Carefund"),
            paid,
        )
    screen.print(table)


@app.command()
def prepare(
    service_provider_id: Annotated[str, typer.Option(help="Service Provider ID of the branch that claims.")],
    from_date: Annotated[datetime | None, typer.Option(formats=_DAYS, help="First day of delivery.")] = None,
    to_date: Annotated[datetime | None, typer.Option(formats=_DAYS, help="Last day of delivery.")] = None,
    funding_source: Annotated[
        str, typer.Option(help="Home support ongoing (ON), assistive technology (AT), and so on. Blank for all.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be claimed and what would not. Save nothing.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Choose open lines for a batch, and show which would be refused."""
    today = business_today()
    first = from_date.date() if from_date else today - timedelta(days=120)
    choice = BatchChoice(service_provider_id, first, to_date.date() if to_date else today, funding_source.upper())
    preview = preview_batch(choice, today)
    batch: ClaimBatch | None = None
    if not dry_run:
        try:
            with one_act():
                batch = prepare_batch(choice, today)
                store_act(None, "Claim batch prepared", f"batch {batch.pk}", after=asdict(choice))
        except (NothingToClaim, BatchMoved) as problem:
            complain(str(problem) or "No lines can be claimed.", "Run with --dry-run to see why.")
            raise typer.Exit(WRONG_INPUT) from None
    store_views(None, (line.client_id for line in preview.lines), "carefund claims prepare")
    if json:
        print_json(describe_preview(preview, batch))
        return
    _show_preview(preview, today)
    if batch:
        screen.print(
            f"Batch {batch.pk} is prepared. Run `carefund claims submit {batch.pk}` to send it.", highlight=False
        )


@app.command()
def attach(
    line_reference: Annotated[str, typer.Argument(help="Our reference of the line.")],
    file: Annotated[
        Path, typer.Argument(exists=True, dir_okay=False, help="A PDF that explains why the line is late.")
    ],
) -> None:
    """Attach evidence to a late line. It is sent with the line's batch."""
    line = find_line(line_reference.strip())
    store_view(None, line.client, "carefund claims attach")
    try:
        with one_act():
            evidence = store_evidence(line, file.name, file.read_bytes())
            store_act(None, "Late evidence attached", f"invoice line {line.pk}")
    except (NotEvidence, TooLate) as problem:
        complain(str(problem))
        raise typer.Exit(WRONG_INPUT) from None
    screen.print(f"{evidence.file_name} will be sent with line {line.external_reference_id}.", highlight=False)


@app.command()
def submit(
    batch_number: BatchNumber,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    json: AsJson = False,
) -> None:
    """Send a batch and claim it, after showing what is sent. Continues from where an earlier attempt stopped."""
    batch = find_batch(batch_number)
    if not yes:
        _confirm_sending(batch)
    with one_act():
        run = request_sending(batch_number)
        store_act(None, "Claim batch sent", f"batch {batch_number}")
    with suppress(WorkFailed):  # the batch says why
        finish_one(run)
    batch = find_batch(batch_number)
    if json:
        print_json(describe_batch(batch))
    elif batch.problem_code:
        complain(batch.problem, batch.advice)
    else:
        names = ", ".join(claim.claim_id for claim in list_claims_of(batch))
        screen.print(f"Batch {batch.pk} is {batch.get_state_display()}: claim {names}.", highlight=False)
    if batch.problem_code:
        raise typer.Exit(FAILED)


def _confirm_sending(batch: ClaimBatch) -> None:
    """Say what would be sent, to whom and for how much, and ask. Raises Abort for a no."""
    lines, clients = many(batch.lines, "line"), many(count_clients_in(batch), "client")  # type: ignore[attr-defined]
    branch = name_branch(batch.service_provider_id)
    errors.print(
        f"Batch {batch.pk} of {branch}, delivered {_period(batch)}: {lines} for {clients}, "
        f"{write_money(find_batch_total(batch))}.",
        highlight=False,
        soft_wrap=True,
    )
    typer.confirm("Send it to Services Australia and claim? Carefund cannot take a claim back", abort=True, err=True)


@app.command()
def check(
    claim_id: Annotated[str, typer.Argument(help="One claim. Without it, every claim in progress.")] = "",
    json: AsJson = False,
) -> None:
    """Check Status: get payments, and synchronise all clients in an approved claim."""
    checked = check_claims([find_claim(claim_id.strip())]) if claim_id else check_all_claims()
    lines = [(find_claim_by_number(int(item.held_id)), item) for item in checked]
    if json:
        print_json([describe_claim(claim) | describe_check(item) for claim, item in lines])
    else:
        for claim, item in lines:
            found = item.result or {}
            run = f"; run {found['run']} synchronises {found['people']:,} clients" if found.get("run") else ""
            screen.print(f"Claim {claim.claim_id}: {write_claim_status(claim.status)}{run}.", highlight=False)
            if item.outcome == RunItem.Outcome.FAILED:
                complain(item.message, item.advice)
        if not lines:
            screen.print("No claims in progress.")
    if any(item.outcome == RunItem.Outcome.FAILED for item in checked):
        raise typer.Exit(FAILED)


@app.command()
def show(claim_id: Annotated[str, typer.Argument(help="Claim ID.")], json: AsJson = False) -> None:
    """Show one claim: its statement, and for each line what was claimed, paid and drawn, with the difference."""
    claim = find_claim(claim_id.strip())
    rows = list_lines([payment_request.pk for payment_request in list_requests_of(claim)], business_today())
    store_views(None, (row.request.line_item.client for row in rows), f"carefund claims show, claim {claim.claim_id}")
    if json:
        print_json(describe_claim(claim) | {"lines": [describe_line(row) for row in rows]})
        return
    screen.print(f"Claim {claim.claim_id}: {write_claim_status(claim.status)}.", highlight=False)
    for sentence in claim.discrepancies:
        complain(sentence)
    table = Table("Line", "Service", "Delivered", "State", "Drawn from", box=None, pad_edge=False)
    for title in ("Claimed", "Paid", "Drawn", "Difference"):
        table.add_column(title, justify="right")
    for row in rows:
        item, paid = row.request.line_item, row.request.paid_amount
        table.add_row(
            item.external_reference_id, item.service_id, str(item.delivery_date), row.state.value,
            ", ".join(draw.budget_id for draw in row.truth.draws), write_money(row.truth.claimed),
            "" if paid is None else write_money(paid), write_money(row.truth.drawn),
            "" if paid is None else write_money(row.truth.difference),
        )  # fmt: skip
    screen.print(table)


def _show_preview(preview: BatchPreview, today: date) -> None:
    screen.print(
        f"{len(preview.ready):,} lines of {preview.client_count:,} clients can be claimed, "
        f"{write_money(preview.total)}. "
        f"{len(preview.refused):,} would be refused, {write_money(preview.refused_total)}.",
        highlight=False,
    )
    if preview.claim_date > today:
        screen.print(
            "A claim has already been made today. Services Australia accepts one a day. This one waits until tomorrow."
        )
    for line in preview.lines:
        for problem in line.problems:
            mark = "refused" if problem.blocks else "caution"
            screen.print(f"  {line.external_reference_id} ({mark}): {problem.message}", highlight=False)


def _period(batch: ClaimBatch) -> str:
    return f"{write_day(batch.from_date)} to {write_day(batch.to_date)}"
