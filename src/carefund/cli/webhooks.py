"""`carefund webhooks`: which systems are told of changes, and what was delivered to each."""

from typing import Annotated, Any

import typer
from django.utils import timezone
from rich.table import Table

from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.cli.refusals import Commands
from carefund.records.models import WebhookEndpoint
from carefund.records.webhooks.events import EVENTS
from carefund.records.webhooks.store import find_endpoint, list_deliveries, list_endpoints
from carefund.runs.webhooks import managing

app = typer.Typer(cls=Commands, help="Webhooks: notify other systems of changes.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="Number of the webhook.", metavar="WEBHOOK")]
_SHOWN = ("name", "url", "events", "has_names", "is_on", "off_reason")
AsJson = Annotated[bool, typer.Option("--json", help="Print as JSON.")]


@app.command()
def add(
    url: Annotated[str, typer.Argument(help="The https address that messages are sent to.")],
    name: Annotated[str, typer.Option(help="What the webhook is for.")] = "Webhook",
    event: Annotated[
        list[str] | None, typer.Option(help="An event to send. Repeat for several. Without this, all events.")
    ] = None,
    with_names: Annotated[bool, typer.Option("--with-names", help="Include client names in messages.")] = False,
) -> None:
    """Add a webhook and show its secret."""
    wanted = managing.Wanted(name, url, event or list(EVENTS), with_names)
    for field, problem in wanted.find_problems().items():
        advice = f"The events are {', '.join(EVENTS)}." if field == "events" else ""
        complain(f"{field.capitalize()}: {problem}.", advice)
        raise typer.Exit(WRONG_INPUT)
    endpoint = managing.add(None, wanted)
    print(managing.show_secrets(None, endpoint.pk)[0])
    screen.print(f"Webhook {endpoint.pk}. Store this secret securely in the other system.", highlight=False)


@app.command(name="list")
def list_all(json: AsJson = False) -> None:
    """List the webhooks."""
    endpoints = list(list_endpoints())
    if json:
        print_json([_as_data(endpoint) for endpoint in endpoints])
        return
    if not endpoints:
        screen.print("No webhooks yet. Run `carefund webhooks add` to add one.")
        return
    table = Table("Webhook", "Purpose", "Address", "Events", "Names", "Status", box=None, pad_edge=False)
    for endpoint in endpoints:
        status = "on" if endpoint.is_on else f"off: {endpoint.off_reason}"
        names = "included" if endpoint.has_names else "not included"
        table.add_row(str(endpoint.pk), endpoint.name, endpoint.url, ", ".join(endpoint.events), names, status)
    screen.print(table)


@app.command()
def deliveries(
    number: Number, limit: Annotated[int, typer.Option(help="Number of deliveries to list.")] = 20, json: AsJson = False
) -> None:
    """List the newest messages to a webhook, and what came of each."""
    columns = ("state", "attempts", "status", "problem")
    found = list(list_deliveries(find_endpoint(number))[:limit])
    if json:
        print_json([
            {"delivery_id": row.pk, "message_id": row.message_id, "event": row.event, "happened_at": row.happened_at}
            | {name: getattr(row, name) for name in columns}
            for row in found
        ])  # fmt: skip
        return
    table = Table("Delivery", "Event", "Happened", "State", "Attempts", "Status", "Problem", box=None, pad_edge=False)
    for row in found:
        at = f"{timezone.localtime(row.happened_at):%-d %b %H:%M}"
        status = str(row.status or "")
        table.add_row(str(row.pk), row.event, at, row.state, str(row.attempts), status, row.problem)
    screen.print(table)


@app.command(name="send-again")
def send_again(
    number: Number, delivery: Annotated[int, typer.Argument(help="Number of the delivery.", metavar="DELIVERY")]
) -> None:
    """Send a message again."""
    managing.send_again(None, number, delivery)
    screen.print("The background process sends it within a few seconds.")


@app.command()
def test(number: Number) -> None:
    """Send a test message."""
    managing.send_test(None, number)
    screen.print("The background process sends it within a few seconds.")


@app.command()
def switch(number: Number, on: Annotated[bool, typer.Option("--on/--off", help="On or off.")]) -> None:
    """Switch a webhook on or off."""
    managing.switch(None, number, on=on)
    screen.print(f"Webhook {number} is {'on' if on else 'off'}.", highlight=False)


@app.command()
def rotate(number: Number) -> None:
    """Create a new secret and show it. For a day, messages are also signed with the old one."""
    managing.rotate(None, number)
    print(managing.show_secrets(None, number)[0])


@app.command()
def remove(number: Number) -> None:
    """Remove a webhook and its deliveries."""
    managing.remove(None, number)
    screen.print(f"Webhook {number} is removed.", highlight=False)


def _as_data(endpoint: WebhookEndpoint) -> dict[str, Any]:
    return {"webhook_id": endpoint.pk, **{name: getattr(endpoint, name) for name in _SHOWN}}
