"""`carefund alerts`: what somebody should know in time, as on the page."""

from typing import Annotated

import typer
from rich.table import Table

from carefund.access.access_log import store_views
from carefund.access.alerts import list_alerts_for
from carefund.access.gate import OPERATOR
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.domain.alerts import AlertKind
from carefund.records.alerts.store import describe_alert, list_standing
from carefund.records.models import Alert, Client
from carefund.runs.alerts.looking import request_look
from carefund.runs.business_day import business_today
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run


def alerts(
    kind: Annotated[str, typer.Option(help="Alerts of one kind, such as window-closes. Without it, all.")] = "",
    branch: Annotated[str, typer.Option(help="One branch by its Service Provider ID. Without it, all of them.")] = "",
    look: Annotated[bool, typer.Option("--look", help="Check again first. Without it, as of the last check.")] = False,
    json: Annotated[bool, typer.Option(help="Print as JSON.")] = False,
) -> None:
    """List the alerts: money that runs out or will be lost, claim windows that close, refusals, keys that expire."""
    if kind and kind not in {known.value for known in AlertKind}:
        complain(f"There is no kind of alert called {kind}.", f"The kinds are {', '.join(AlertKind)}.")
        raise typer.Exit(WRONG_INPUT)
    if look:
        finish_now(request_look(Run.Trigger.ON_DEMAND))
    found = list(list_standing(list_alerts_for(OPERATOR), kind, branch.strip()))
    store_views(None, (alert.client for alert in found if alert.client), "carefund alerts")
    if json:
        print_json([_as_data(alert) for alert in found])
        return
    table = Table("Alert", "About", "Details", box=None, pad_edge=False, header_style="bold")
    for alert in found:
        about = _name(alert.client) if alert.client else alert.service_provider_id
        table.add_row(AlertKind(alert.kind).label, about, describe_alert(alert, business_today()))
    screen.print(table if found else "No alerts.")


def _name(client: Client) -> str:
    return f"{client.full_name} ({client.care_recipient_id or 'no ID'})"


def _as_data(alert: Alert) -> dict[str, object]:
    kind = AlertKind(alert.kind)
    return {
        "kind": kind.value,
        "care_recipient_id": alert.client.care_recipient_id if alert.client else None,
        "service_provider_id": alert.service_provider_id,
        "due_date": alert.due_date,
        "amount": alert.amount,
        "number": alert.number,
        "since": alert.begun_at,
        "alert": describe_alert(alert, business_today()),
    }
