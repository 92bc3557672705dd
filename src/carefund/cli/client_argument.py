"""From what a person typed to a record, or a clear refusal with exit status 2."""

import typer

from carefund.access.gate import OPERATOR, find_care_recipient_to_read
from carefund.cli.output import WRONG_INPUT, complain
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.records.models import Client


def id_or_exit(care_recipient_id: str) -> str:
    """What was typed as a care recipient id, without blanks around it; ends the command if it can be none."""
    wanted = care_recipient_id.strip()
    if not is_care_recipient_id(wanted):
        complain(
            "This is not a Care Recipient ID.",
            "It has up to 10 digits. See Services Australia's letters or the portal.",
        )
        raise typer.Exit(WRONG_INPUT)
    return wanted


def client_or_exit(care_recipient_id: str) -> Client:
    """The client with this care recipient id, through the gate; ends the command if it is malformed or nobody's."""
    return find_care_recipient_to_read(OPERATOR, id_or_exit(care_recipient_id))
