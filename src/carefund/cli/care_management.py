"""`carefund care-management`: the pooled budgets of this quarter, and the history of those that were saved."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import typer
from rich.table import Table

from carefund.access.access_log import store_views
from carefund.access.audit_log import one_act, store_act
from carefund.access.gate import OPERATOR, find_clients_by_care_recipient_id
from carefund.cli.output import FAILED, WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.care_management.pools import METRICS, Pool, RollUp, Sums, compare_pools, roll_up
from carefund.domain.wording import write_day, write_money
from carefund.records.care_management.pool_json import budgets_as_data, pool_as_data
from carefund.records.care_management.store import Saved, list_detected_providers, list_saves
from carefund.records.models import CareManagementBudget
from carefund.records.models.columns import label_of
from carefund.runs.care_management.refreshing import NotRefreshable, results_of, save_refreshed
from carefund.runs.foreground import refresh_pools_now
from carefund.runs.models import Run
from carefund.sync.care_management.refreshing import NO_DATA, NO_DATA_ADVICE, Refreshed

app = typer.Typer(
    cls=Commands, help="Pooled care management budgets for each Service Provider ID.", no_args_is_help=True
)
ProviderId = Annotated[str, typer.Argument(help="A Service Provider ID. Without one, all IDs.", metavar="[ID]")]
AsJson = Annotated[bool, typer.Option(help="Print the result as JSON.")]
_TITLES = tuple(label_of(CareManagementBudget, name).replace(" ", "\n") for name in METRICS)


@app.command()
def refresh(
    service_provider_id: ProviderId = "",
    save: Annotated[bool, typer.Option("--save", help="Save the figures in the history.")] = False,
    json: AsJson = False,
) -> None:
    """Ask Services Australia for the care management budgets of the current quarter. Stores nothing without --save."""
    try:
        run = refresh_pools_now(service_provider_id.strip())
    except NotRefreshable as refusal:
        complain(str(refusal))
        raise typer.Exit(WRONG_INPUT) from None
    results = results_of(run)
    saved = _save(run, service_provider_id.strip()) if save else []
    whole = roll_up([result.pool for result in results if not result.problem])
    if json:
        _log_uses((result.pool, *result.ended) for result in results)
        print_json({
            "results": [_as_data(result) for result in results],
            "roll_up": _roll_up_as_data(whole),
            "saved": save,
            "new_in_history": [
                {"service_provider_id": pool.service_provider_id, "quarter": pool.quarter.name} for pool in saved
            ],
        })  # fmt: skip
    else:
        for result in results:
            _print(result)
        if len(results) > 1:
            screen.print(_sums_table(whole))
        if save:
            screen.print(f"Saved, with the quarters just ended. New in the history: {len(saved)}.", highlight=False)
    if any(result.problem for result in results):
        raise typer.Exit(FAILED)


def _save(run: Run, service_provider_id: str) -> list[Pool]:
    with one_act():
        saved = save_refreshed(run)
        store_act(None, "Care management saved", f"Service Provider ID {service_provider_id or 'all'}")
    return saved


def _log_uses(pools: Iterable[Iterable[Pool]]) -> None:
    """JSON names who used the budgets, the tables do not."""
    ids = {use.care_recipient_id for some in pools for pool in some for use in pool.uses}
    store_views(None, find_clients_by_care_recipient_id(OPERATOR, ids).values(), "carefund care-management (JSON)")


@app.command()
def history(service_provider_id: ProviderId = "", json: AsJson = False) -> None:
    """Show what was saved, for each Service Provider ID and quarter, and what moved between two saves."""
    ids = [service_provider_id.strip()] if service_provider_id else [
        row.service_provider_id for row in list_detected_providers()
    ]  # fmt: skip
    saves = [saved for provider_id in ids for saved in list_saves(provider_id)]
    if json:
        _log_uses((saved.pool,) for saved in saves)
        print_json([_saved_as_data(saved, before) for saved, before in zip(saves, _befores(saves), strict=True)])
        return
    if not saves:
        screen.print("Nothing has been saved yet. Run `carefund care-management refresh --save` to start the history.")
        return
    table = _table("Quarter", "Saved", ids="Service\nProvider ID")
    for saved in saves:
        sums = roll_up([saved.pool]).sums
        table.add_row(
            saved.pool.service_provider_id,
            saved.pool.quarter.name,
            saved.pool.asked_at.isoformat(timespec="minutes"),
            *_amounts(sums),
        )
    screen.print(table)


def _befores(saves: list[Saved]) -> list[Saved | None]:
    """For each save the one before it of the same id and quarter."""
    found: list[Saved | None] = []
    newest: dict[tuple[str, Any], Saved] = {}
    for saved in saves:
        key = (saved.pool.service_provider_id, saved.pool.quarter)
        found.append(newest.get(key))
        newest[key] = saved
    return found


def _saved_as_data(saved: Saved, before: Saved | None) -> dict[str, Any]:
    changes = compare_pools(before.pool, saved.pool) if before else ()
    return {
        **pool_as_data(saved.pool),
        "last_synced_at": saved.last_synced_at.isoformat(),
        "saved_by": saved.saved_by,
        "is_by_schedule": saved.is_by_schedule,
        "changes": [
            {
                "budget_id": change.budget_id,
                "what": change.what,
                **{metric.name: metric.change for metric in change.metrics},
            }
            for change in changes
        ],
    }


def _as_data(result: Refreshed) -> dict[str, Any]:
    return {
        **pool_as_data(result.pool),
        "ended": [pool_as_data(pool) for pool in result.ended],
        "closed": budgets_as_data(result.closed),
        "is_empty": result.is_empty,
        "received": [
            {name: getattr(row, name) for name in ("budget_type", "count", "start_date", "end_date")}
            for row in result.received
        ],
        "problem": {
            "code": result.problem.code,
            "message": result.problem.message,
            "advice": result.problem.advice,
        }
        if result.problem
        else None,
    }


def _roll_up_as_data(whole: RollUp) -> dict[str, Any]:
    return {
        **_sums_as_data(whole.sums),
        "by_service_provider_id": {provider_id: _sums_as_data(sums) for provider_id, sums in whole.parts.items()},
        "repeated_budget_ids": whole.repeated_budget_ids,
    }


def _sums_as_data(sums: Sums) -> dict[str, Decimal | None]:
    return {name: getattr(sums, name) for name in METRICS}


def _print(result: Refreshed) -> None:
    pool = result.pool
    screen.print(f"[bold]{pool.service_provider_id}[/], {pool.quarter.name}", highlight=False)
    if result.problem:
        complain(result.problem.message, result.problem.advice)
    elif result.is_empty:
        screen.print(f"{NO_DATA} {NO_DATA_ADVICE}")
        for row in result.received:
            screen.print(f"  Returned: {row.count:,} × {row.budget_type}", highlight=False)
    else:
        table = _table("Period", ids="Budget ID")
        for budget in pool.budgets:
            days = (day.isoformat() if day else "not given" for day in (budget.start_date, budget.end_date))
            amounts = (_amount(getattr(budget, name)) for name in METRICS)
            table.add_row(budget.budget_id, " to ".join(days), *amounts)
        screen.print(table)
        if pool.estimate:
            screen.print(
                f"Estimate, not a figure of Services Australia: {_amount(pool.estimate.lost)} would be lost on "
                f"{write_day(pool.estimate.year_end_date)}.",
                highlight=False,
            )
    for budget in result.closed:
        screen.print(f"Closed before the quarter ended, so not counted: {budget.budget_id}.", highlight=False)


def _sums_table(whole: RollUp) -> Table:
    table = _table(ids="Service\nProvider ID")
    for provider_id, sums in whole.parts.items():
        table.add_row(provider_id, *_amounts(sums))
    table.add_row("All IDs", *_amounts(whole.sums), style="bold")
    return table


def _table(*titles: str, ids: str) -> Table:
    """A table of figures. Ids and amounts are never cut; what else there is gives way on a narrow terminal."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    table.add_column(ids, no_wrap=True)
    for title in titles:
        table.add_column(title, overflow="fold")
    for title in _TITLES:
        table.add_column(title, justify="right", no_wrap=True)
    return table


def _amounts(sums: Sums) -> list[str]:
    return [_amount(getattr(sums, name)) for name in METRICS]


def _amount(amount: Decimal | None) -> str:
    return "not given" if amount is None else write_money(amount)
