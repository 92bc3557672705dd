"""One person's data leave for an access request: what the page and the command write, in both logs beforehand."""

from typing import Any

from django.contrib.auth.models import User

from carefund.access.access_log import store_export
from carefund.access.audit_log import one_act, store_act
from carefund.records.models import Client
from carefund.records.personal_data import collect_personal_data


def take_out_personal_data(actor: User | None, client: Client, what: str) -> dict[str, Any]:
    """Return all that is kept of a client. `what` is the page or command; `actor` is None at the terminal."""
    with one_act():
        store_export(actor, what, clients=[client])
        store_act(actor, "Personal data exported", f"client {client.pk}")
    return collect_personal_data(client)
