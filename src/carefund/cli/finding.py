"""From what a person typed to a record, or a clear refusal with exit status 2."""

import typer

from carefund.cli.output import WRONG_INPUT, complain
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.records.models import Client


def id_or_exit(care_recipient_id: str) -> str:
    """What was typed as a care recipient id, without blanks around it; ends the command if it can be none."""
    wanted = care_recipient_id.strip()
    if not is_care_recipient_id(wanted):
        complain(
            "That is not a care recipient id.",
            "It is a number of up to ten digits on Services Australia's letters and in the portal.",
        )
        raise typer.Exit(WRONG_INPUT)
    return wanted


def client_or_exit(care_recipient_id: str) -> Client:
    """The client with this care recipient id; ends the command if it is malformed or nobody's."""
    wanted = id_or_exit(care_recipient_id)
    client = Client.objects.filter(care_recipient_id=wanted).first()
    if client is None:
        complain(
            "No client here has this care recipient id.",
            "Look for a typing error, or add the client with `carefund clients add` first.",
        )
        raise typer.Exit(WRONG_INPUT)
    return client
