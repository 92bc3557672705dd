"""What `carefund pace` asks and writes is in both logs."""

import pytest

from carefund.access.models import AuditEntry
from tests.cli.test_shown_is_logged import ACT, ASKED, Terminal
from tests.pace_world import NdiaSandbox


@pytest.mark.django_db(transaction=True)
def test_contracts_with_pace(ndia: NdiaSandbox):
    terminal = Terminal()
    client = ndia.client("take-over")
    number = str(client.ndis.ndis_number)
    terminal.type("pace", "preview", number, about=client, expect={ASKED})
    act = "Service contract made from PACE"
    terminal.type("pace", "create", number, about=client, expect={ASKED, ACT}, act=act)
    ndia.change(client, "set-category", category="Consumables", approved="3600.00")
    terminal.type("pace", "compare", number, about=client, expect={ASKED})
    terminal.type("pace", "apply", number, "--yes", about=client, expect={ASKED, ACT})
    told = AuditEntry.objects.order_by("-id")[0]
    assert told.act == "Service contract changed from PACE"
    assert told.after["Consumables, approved amount"] == "3600.00"
    assert told.before["Consumables, approved amount"] != "3600.00"
