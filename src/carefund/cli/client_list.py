"""`carefund clients list`: the list of clients as the page Clients shows it."""

from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from django.conf import settings
from django.utils import timezone
from rich.table import Table

from carefund.access.access_log import store_views
from carefund.access.gate import OPERATOR, list_clients_for
from carefund.cli.output import print_json, screen
from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.wording import many, write_day, write_money
from carefund.records.care_recipient.client_list import (
    ONGOING,
    ClientFilter,
    ClientRow,
    list_client_rows,
    list_clients,
)
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.care_recipient.surveys import list_freshness
from carefund.runs.business_day import business_today
from carefund.sync.change_log.record_names import name_level


def list_all(
    search: Annotated[str, typer.Argument(help="The beginning of a name, or an ID.", metavar="[NAME_OR_ID]")] = "",
    branch: Annotated[str, typer.Option(help="Only clients of this Service Provider ID.", metavar="ID")] = "",
    inactive: Annotated[bool, typer.Option("--inactive", help="Inactive clients instead of active ones.")] = False,
    identity: Annotated[
        IdentityState | None, typer.Option(help="Only clients whose identity check has this result, such as differs.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Number of clients to list.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="Print as JSON.")] = False,
) -> None:
    """List clients by name, with level, what is available this quarter and what is safe to spend."""
    wanted = ClientFilter(
        search=search,
        service_provider_id=branch,
        state="inactive" if inactive else "",
        identity=identity.value if identity else "",
    )
    stale_before = timezone.now() - timedelta(hours=settings.STALE_AFTER_HOURS)
    found = list_clients(list_clients_for(OPERATOR), wanted, today=business_today(), stale_before=stale_before)
    people = list(found[:limit])
    store_views(None, people, "carefund clients list")
    fresh = list_freshness(people)
    lines = [_as_data(row, fresh[row.client.pk].checked_at) for row in list_client_rows(people, business_today())]
    if json:
        print_json(lines)
        return
    if not lines:
        screen.print("No clients match." if search or branch or inactive or identity else "No clients yet.")
        return
    table = Table(
        "Care Recipient ID", "Name", "Service Provider ID", "Level", box=None, pad_edge=False, header_style="bold"
    )
    for title in ("Available this quarter", "Safe to spend"):
        table.add_column(title, justify="right")
    table.add_column("Last checked")
    for line in lines:
        checked_at = line["checked_at"]
        table.add_row(
            line["care_recipient_id"] or "not known",
            _write_name(line),
            line["service_provider_id"],
            line["level"],
            *("" if line[name] is None else write_money(line[name]) for name in ("available", "safe_to_spend")),
            write_day(timezone.localtime(checked_at).date()) if checked_at else "never",
        )
    screen.print(table)
    in_all = found.count()
    if in_all > len(lines):
        screen.print(f"{len(lines):,} of {many(in_all, 'client')}. See more with --limit.", highlight=False)


def _write_name(line: dict[str, Any]) -> str:
    """A name, and how it stands to Services Australia's where somebody should look."""
    state = IdentityState(line["identity"])
    name = f"{line['last_name']}, {line['first_name']}"
    return f"{name} (identity {state.label.lower()})" if state.is_remarkable else name


def _as_data(row: ClientRow, checked_at: datetime | None) -> dict[str, Any]:
    client = row.client
    identity = describe_identity(client).check
    held = [classification for classification in row.classifications if classification.code == ONGOING]
    levels = dict.fromkeys(name_level(classification) for classification in held or row.classifications)
    return {
        "care_recipient_id": client.care_recipient_id,
        "number": client.pk,
        "last_name": client.last_name,
        "first_name": client.first_name,
        "service_provider_id": client.service_provider_id,
        "level": ", ".join(levels) or ("NDIS" if client.is_under_ndis_alone else ""),
        "available": row.available,
        "committed": row.committed,
        "safe_to_spend": row.safe_to_spend,
        "checked_at": checked_at,
        "identity": identity.state.value,
        "identity_differs_in": identity.differing,
    }
