"""`carefund clients import` with a CSV file: show what it would add and change, then import it."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import typer
from django.contrib.auth.models import User
from django.utils import timezone
from rich.table import Table

from carefund.access.access_log import store_views
from carefund.access.audit_log import store_act
from carefund.access.log_writing import name_terminal
from carefund.cli.file_import import MOST_SHOWN, FileImport
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.domain.care_recipient.client_file import FIELDS, TITLES
from carefund.domain.wording import many
from carefund.records.care_recipient.client_import import ClientImport, NotImported, plan_clients, store_clients


@dataclass(frozen=True, slots=True)
class ClientFileImport:
    """What to do with a file: which fields of existing clients it may change, and in whose name."""

    update: list[str]
    by: str
    user: User | None

    def carry_out(self, file: Path, *, confirm: bool, as_json: bool) -> None:
        """Show what a file would do, and import it if that is confirmed and no row has a problem."""
        unknown = sorted(set(self.update) - set(FIELDS))
        if unknown:
            complain(f"There is no field {', '.join(unknown)}.", f"Choose from {', '.join(FIELDS)}.")
            raise typer.Exit(WRONG_INPUT)
        FileImport(_plan, self._store, _as_data, _show).carry_out(file, confirm=confirm, as_json=as_json)

    def _store(self, plan: ClientImport) -> None:
        try:
            imported = store_clients(plan, self.update, made_by=self.by or name_terminal(), user=self.user)
        except NotImported as refusal:
            complain(str(refusal))
            raise typer.Exit(WRONG_INPUT) from None
        named = {"in the name of": self.by} if self.by else {}
        store_act(None, "Client file imported", after=asdict(imported) | {"fields": self.update} | named)


def _plan(content: bytes) -> ClientImport:
    plan = plan_clients(content, timezone.localdate())
    store_views(None, (row.client_id for row in plan.list_differences(FIELDS)), "carefund clients import")
    return plan


def _as_data(plan: ClientImport) -> dict[str, Any]:
    return {
        "new": len(plan.new),
        "same": plan.same_count,
        "different": [asdict(row) for row in plan.list_differences(FIELDS)],
        "to_confirm": len({match.care_recipient_id for match in plan.matches}),
        "left_out": [row.line for row in plan.alike],
        "new_service_provider_ids": plan.new_branches,
    }


def _show(plan: ClientImport) -> None:
    to_confirm = len({match.care_recipient_id for match in plan.matches})
    screen.print(
        f"{many(len(plan.new), 'new client')}, {plan.same_count:,} the same, {to_confirm:,} to confirm, "
        f"{len(plan.alike):,} left out.",
        highlight=False,
    )
    for name, rows in plan.differences.items():
        screen.print(f"{TITLES[name]} of {many(len(rows), 'client')} differs. Update: --update {name}", highlight=False)
        table = Table("Line", "Now", "In the file", box=None, pad_edge=False, header_style="bold")
        for row in rows[:MOST_SHOWN]:
            table.add_row(str(row.line), str(row.before or "not known"), str(row.after))
        screen.print(table)
    if plan.alike:
        lines = ", ".join(str(row.line) for row in plan.alike[:MOST_SHOWN])
        screen.print(f"Left out, because they may be existing clients: lines {lines}.", highlight=False)
    if plan.new_branches:
        screen.print(f"Service Provider IDs that are new here: {', '.join(plan.new_branches)}.", highlight=False)
    if to_confirm:
        screen.print("After the import, confirm with `carefund clients matches`.")
