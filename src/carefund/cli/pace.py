"""`carefund pace`: an NDIS client's PACE plan from a terminal: preview, create, compare, apply."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import typer
from django.utils import timezone
from rich.table import Table

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.domain.ndis.comparing import Difference, list_values
from carefund.domain.ndis.plan import CategoryBudget, budget_ids
from carefund.domain.wording import write_money
from carefund.records.models import Client, ServiceContract
from carefund.records.ndis.contracts import find_contract_figures
from carefund.records.ndis.queries import list_contracts, list_participants_by_number
from carefund.runs.foreground import retrieve_plan
from carefund.runs.ndis.plans import ShownPlan, apply_plan, create_from_plan
from carefund.sync.ndis.contracts import NDIS_NUMBER, ContractComparison, compare_contract, find_contract_for

app = typer.Typer(cls=Commands, help="NDIS: keep service contracts in step with PACE.", no_args_is_help=True)

NdisNumber = Annotated[str, typer.Argument(help="The participant's NDIS number, 9 digits.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def preview(ndis_number: NdisNumber, as_json: AsJson = False) -> None:
    """Retrieve the PACE plan and its budgets. Creates no contract."""
    client = participant_or_exit(ndis_number)
    store_synchronisation(None, client, "carefund pace preview")
    found = retrieve_plan(client)
    data = _plan_as_data(found)
    if as_json:
        print_json(data)
    else:
        _show_plan(data)


@app.command()
def create(
    ndis_number: NdisNumber,
    without: Annotated[list[str] | None, typer.Option(help="A budget to leave out, by its ID in the preview.")] = None,
    as_json: AsJson = False,
) -> None:
    """Create a service contract from the PACE plan: all budgets, or all except those left out."""
    client = participant_or_exit(ndis_number)
    store_synchronisation(None, client, "carefund pace create")
    found = retrieve_plan(client)
    ids = budget_ids(found.plan.budgets)
    unknown = sorted(set(without or ()) - set(ids))
    if unknown:
        complain(f"The plan has no budget {', '.join(unknown)}.", "Run `carefund pace preview` to see the IDs.")
        raise typer.Exit(WRONG_INPUT)
    with one_act():
        contract = create_from_plan(
            client, found.item_id, [budget_id for budget_id in ids if budget_id not in (without or ())]
        )
        store_act(None, "Service contract made from PACE", f"service contract {contract.pk}")
    data = contract_as_data(contract)
    if as_json:
        print_json(data)
        return
    screen.print(
        f"Service contract {contract.pk} created: {len(data['budgets'])} budgets, "
        f"{len(data['delivered_services'])} adjustment records, total funding {_dollars(data['total_funding'])}.",
        highlight=False,
    )


@app.command("compare")
def compare_command(
    ndis_number: NdisNumber,
    contract: Annotated[int | None, typer.Option(help="Which contract. Without it, the newest.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show, field by field, where a contract differs from PACE. Changes nothing."""
    chosen = _contract_or_exit(ndis_number, contract)
    _, found = _retrieve_and_compare(chosen, "carefund pace compare")
    _show_comparison(chosen, found, as_json)


@app.command("apply")
def apply_command(
    ndis_number: NdisNumber,
    contract: Annotated[int | None, typer.Option(help="Which contract. Without it, the newest.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A difference to apply, by its ID in compare.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation. This cannot be undone.")] = False,
    as_json: AsJson = False,
) -> None:
    """Copy values from PACE to a contract: the differences named, or all selected by default. This cannot be undone."""
    chosen = _contract_or_exit(ndis_number, contract)
    shown, found = _retrieve_and_compare(chosen, "carefund pace apply")
    ids = only or [difference.id for difference in found.comparison.counting]
    if not ids:
        _show_comparison(chosen, found, as_json)
        return
    if not yes:
        _show_comparison(chosen, found, as_json=False)
        typer.confirm(f"Write {len(ids)} of these to the contract? This cannot be undone", abort=True, err=True)
    with one_act():
        applied = apply_plan(chosen, shown.item_id, ids)
        before, after = list_values(applied)
        act = "Service contract changed from PACE"
        store_act(None, act, f"service contract {chosen.pk}", before=before, after=after)
    if as_json:
        print_json({"contract": chosen.pk, "applied": [_difference_as_data(difference) for difference in applied]})
    else:
        screen.print(f"Service contract {chosen.pk}: {len(applied)} values written.", highlight=False)


def _retrieve_and_compare(contract: ServiceContract, command: str) -> tuple[ShownPlan, ContractComparison]:
    store_synchronisation(None, contract.client, command)
    shown = retrieve_plan(contract.client, contract)
    return shown, compare_contract(contract, shown.plan)


def participant_or_exit(ndis_number: str) -> Client:
    number = "".join(ndis_number.split())
    if not NDIS_NUMBER.fullmatch(number):
        complain("This is not an NDIS number.", "It has 9 digits, as shown on the participant's plan.")
        raise typer.Exit(WRONG_INPUT)
    participants = list_participants_by_number(number)
    if not participants:
        complain("No client has this NDIS number.", "Enter it in the client's NDIS details first.")
        raise typer.Exit(WRONG_INPUT)
    if len(participants) > 1:
        complain("More than one client has this NDIS number.", "Open the client in the console and continue there.")
        raise typer.Exit(WRONG_INPUT)
    return participants[0].client


def _contract_or_exit(ndis_number: str, contract_id: int | None) -> ServiceContract:
    contracts = list_contracts(participant_or_exit(ndis_number).pk)
    found = next((contract for contract in contracts if contract_id in (None, contract.pk)), None)
    if found is None:
        complain("This client has no such service contract.", "Run `carefund pace create` to create one.")
        raise typer.Exit(WRONG_INPUT)
    return found


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal | date) else value


def _dollars(text: str | None) -> str:
    return write_money(Decimal(text)) if text else ""


def _in_words(value: Any) -> str:
    if value is None:
        return ""
    return write_money(value) if isinstance(value, Decimal) else str(value)


def _plan_as_data(found: ShownPlan) -> dict[str, Any]:
    plan = found.plan
    existing = find_contract_for(found.client_id, plan)
    texts = ("category_name", "category_text", "support_type", "budget_type", "management", "component_name")
    values = ("start_date", "end_date", "approved_amount", "released_amount", "spent_amount", "remaining_amount")
    return {
        "start_date": _text(plan.start_date),
        "end_date": _text(plan.end_date),
        "first_start_date": _text(plan.first_start_date),
        "existing_contract": existing.pk if existing else None,
        "notices": list(plan.notices),
        "budgets": [
            {
                "id": name,
                **{field: _text(getattr(budget, field)) for field in (*texts, *values)},
                "is_excluded": budget.is_excluded,
                "funding_periods": _periods(budget),
            }
            for name, budget in zip(budget_ids(plan.budgets), plan.budgets, strict=True)
        ],
    }


def _periods(budget: CategoryBudget) -> list[dict[str, Any]]:
    names = ("start_date", "end_date", "amount", "released_amount", "spent_amount")
    return [{name: _text(getattr(period, name)) for name in names} for period in budget.periods]


def contract_as_data(contract: ServiceContract) -> dict[str, Any]:
    """A contract with budgets and delivered services, amounts and dates as text."""
    figures = find_contract_figures(contract, timezone.localdate())
    budget_fields = ("id", "category_name", "category_text", "management", "budget_type", "approved_amount",
                     "released_amount", "spent_amount", "remaining_amount", "is_excluded")  # fmt: skip
    service_fields = ("support_item_number", "support_item_description", "service_provider_name", "delivered_date",
                      "amount", "note", "is_adjustment", "is_claimable")  # fmt: skip
    return {
        "id": contract.pk,
        "start_date": _text(contract.start_date),
        "end_date": _text(contract.end_date),
        "total_funding": _text(figures.total_funding),
        "budgets": [
            {**{name: _text(getattr(row.budget, name)) for name in budget_fields}, "available": _text(row.available)}
            for row in figures.rows
        ],
        "delivered_services": [
            {"category_name": row.budget.category_name, **{name: _text(getattr(row, name)) for name in service_fields}}
            for row in figures.services
        ],
    }


def _difference_as_data(difference: Difference) -> dict[str, Any]:
    return {
        "id": difference.id,
        "kind": difference.kind.value,
        "category_name": difference.category_name,
        "field": difference.field,
        "period_start_date": _text(difference.period_start_date),
        "before": _text(difference.before),
        "after": _text(difference.after),
        "counts": difference.is_chosen,
    }


def _show_plan(data: dict[str, Any]) -> None:
    screen.print(f"PACE plan from {data['start_date']} to {data['end_date'] or 'no end date'}.", highlight=False)
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("ID: category, type, management", no_wrap=True)
    for title in ("Periods", "Approved", "Released", "Spent", "Remaining"):
        table.add_column(title, justify="right")
    for row in data["budgets"]:
        amounts = (_dollars(row[f"{name}_amount"]) for name in ("approved", "released", "spent", "remaining"))
        periods = str(len(row["funding_periods"]))
        table.add_row(row["id"], periods, *amounts)
    screen.print(table)
    for notice in data["notices"]:
        screen.print(notice, highlight=False)
    if data["existing_contract"]:
        screen.print(f"This plan already has a service contract: {data['existing_contract']}.")


def _show_comparison(contract: ServiceContract, found: ContractComparison, as_json: bool) -> None:
    if as_json:
        print_json({
            "contract": contract.pk,
            "in_step": not found.comparison.counting,
            "differences": [_difference_as_data(difference) for difference in found.differences],
            "drift": [
                {"category_name": drift.category_name, "spent_amount": _text(drift.spent_amount),
                 "delivered_amount": _text(drift.delivered_amount), "amount": _text(drift.amount)}
                for drift in found.drifts
            ],
        })  # fmt: skip
        return
    if not found.differences:
        screen.print(f"Service contract {contract.pk} matches PACE.", highlight=False)
    else:
        table = Table("ID", "Category", "Field", "In the contract", "In PACE", box=None, pad_edge=False)
        for difference in found.differences:
            period = f", period from {difference.period_start_date}" if difference.period_start_date else ""
            what = (difference.field or difference.kind.value).replace("_", " ") + period
            before, after = (_in_words(value) for value in (difference.before, difference.after))
            table.add_row(difference.id, difference.category_name or "contract", what, before, after)
        screen.print(table)
    for drift in found.drifts:
        spent, delivered = write_money(drift.spent_amount), write_money(drift.delivered_amount)
        screen.print(f"{drift.category_name}: PACE shows {spent} spent, the contract {delivered}.", highlight=False)
