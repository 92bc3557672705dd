"""What `old_installation.py` lets the old code do. Runs against that code, with its names, never against this tree's.

Ten people, and of each kind of work some that is done and some that is under way when the machine stops.
"""
# ruff: noqa: E402 the old settings first

import asyncio
import json
import os
import urllib.request
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import django

django.setup()

from django.utils import timezone

from carefund.access.roles import Role
from carefund.cli.users import add_user
from carefund.domain.ndis.plan import budget_ids, from_data
from carefund.records.models import (
    ApprovedService,
    ClaimBatch,
    Client,
    Invoice,
    InvoiceLineItem,
    NdisParticipant,
    PaceComparison,
)
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import PACE_API
from carefund.runs import ledger
from carefund.runs.care_management.refreshing import switch_saving
from carefund.runs.claims.claiming import send_batch
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.funder_sessions import open_source
from carefund.runs.models import ProviderSearch, Run, RunItem, Schedule
from carefund.runs.ndis.comparing import compare_queued, create_from_preview, preview_pace, queue_comparisons
from carefund.runs.previews import request_preview
from carefund.runs.requests import pause_run, request_run
from carefund.runs.service_providers import request_provider_search, sync_service_providers, take_search
from carefund.sync.claims.preparing import BatchChoice, prepare_batch

PEOPLE = ("400000001", "400000003", "400000005", "400000007", "400000009", "400000011", "400000013", "400000015")
BRANCH = "2200000011"
DEAD = "embedded:999999"


def ask(method: str, path: str, body: Any = None) -> Any:
    """One request to the sandbox's control."""
    data = None if body is None else json.dumps(body).encode()
    address = f"{os.environ['CAREFUND_SANDBOX_URL']}/sandbox{path}"
    request = urllib.request.Request(address, data, method=method, headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as answer:
        content = answer.read()
    return json.loads(content) if content else None


def carry_out(run: Run, people: int | None = None) -> None:
    """Work on a run as the old engine did."""

    async def work() -> None:
        database = DatabaseThreads()
        async with open_source() as source:
            await work_on_run(Worker(source, database, "old", at_once=4, group=4), run.pk, people=people)
        await database.close()

    asyncio.run(work())


def make_runs(clients: list[Client]) -> None:
    """One that is done, one in the middle when its process died, one paused, and a preview that waits for a person."""
    ask("POST", "/faults", {"kind": "not-json", "subject": clients[0].care_recipient_id})
    carry_out(request_run(trigger=Run.Trigger.BULK, clients=clients, scope="active clients"))
    ask("DELETE", "/faults")
    under_way = request_run(trigger=Run.Trigger.BULK, clients=clients, scope="under way")
    carry_out(under_way, people=2)
    ledger.claim_items(under_way.pk, DEAD, 3)
    taken = RunItem.objects.filter(run=under_way, status="running").first()
    assert taken is not None
    joining = request_run(trigger=Run.Trigger.ON_DEMAND, clients=[taken.client], scope="one client")
    ledger.claim_items(joining.pk, DEAD, 1)
    pause_run(request_run(trigger=Run.Trigger.BULK, clients=clients[4:], scope="paused"))
    ask("POST", "/change?share=1")
    carry_out(request_preview(clients[7]))


def make_searches() -> None:
    """One that is done, one that failed, one under way when its process died."""
    sync_service_providers()
    now = timezone.now()
    ProviderSearch.objects.create(
        status="failed", is_over=True, ended_at=now, message="The funder's system is out of service.", advice="Later."
    )
    search = request_provider_search()
    assert take_search(search.pk, DEAD)


def make_contracts() -> None:
    """Two contracts, one compared, one queued to be; and what PACE said of a third client, just looked at."""
    pace_store.store_setting(PACE_API, True)
    wanted = ("no-periods", "monthly", "negative-core")
    for person in ask("GET", "/ndia/participants"):
        if person["scenario"] not in wanted:
            continue
        client = Client.objects.create(
            first_name=person["firstName"],
            last_name=person["surname"],
            birth_date=date.fromisoformat(person["birthDate"]),
            service_provider_id=BRANCH,
        )
        NdisParticipant.objects.create(
            client=client, ndis_number=person["ndisNumber"], is_pace_participant=True, api_access=True
        )
        preview = preview_pace(client)
        if person["scenario"] != wanted[2]:
            contract = create_from_preview(client, preview.token, budget_ids(from_data(preview.plan).budgets))
            queue_comparisons([contract])
            if person["scenario"] == wanted[0]:
                compare_queued()
            else:
                held_until = timezone.now() + timedelta(minutes=4)
                PaceComparison.objects.filter(contract=contract).update(held_until=held_until)


def deliver(client: Client, reference: str, lines: int) -> None:
    """Lines of a service that the client is approved for, not yet claimed."""
    service = ApprovedService.objects.filter(client=client, service_group_id="SERG-0001", end_date=None)[0]
    invoice = Invoice.objects.create(external_reference_id=reference, service_provider_id=client.service_provider_id)
    for number in range(1, lines + 1):
        InvoiceLineItem.objects.create(
            invoice=invoice,
            client=client,
            external_reference_id=f"{reference}-{number}",
            service_id=service.service_id,
            service_text=service.service_text,
            delivery_date=timezone.localdate() - timedelta(days=number),
            quantity=Decimal("1.50"),
            price_per_unit=Decimal("80.00"),
            unit_type="hours",
            funding_source="ON",
        )


def prepare(client: Client) -> ClaimBatch:
    today = timezone.localdate()
    return prepare_batch(BatchChoice(client.service_provider_id, today - timedelta(days=100), today), today)


def make_claims(clients: list[Client]) -> None:
    """A claim that is not at its end, a batch in the middle of being sent, and one prepared."""
    by_provider = {client.service_provider_id: client for client in clients if client.service_provider_id}
    first, second, third = list(by_provider.values())[:3]
    deliver(first, "INV-1", 2)
    send_batch(prepare(first).pk)
    deliver(second, "INV-2", 3)
    batch = prepare(second)
    ask("POST", "/faults", {"kind": "drop", "operation": "invoice_item_add", "times": 1})
    send_batch(batch.pk)
    # As a process leaves it that was killed while it waited for the answer.
    ClaimBatch.objects.filter(pk=batch.pk).update(
        busy_until=timezone.now() + timedelta(seconds=60), problem_code="", problem="", advice=""
    )
    deliver(third, "INV-3", 1)
    prepare(third)


def main() -> None:
    """Everything, in an order in which it can be done."""
    add_user("ada", "wattle-grove-demo", Role.ADMINISTRATOR, first_name="Ada", last_name="Ferris")
    clients = [
        Client.objects.create(care_recipient_id=person, first_name="Wilma", last_name=f"Example {person[-2:]}")
        for person in PEOPLE
    ]
    make_runs(clients)
    make_searches()
    make_contracts()
    make_claims(list(Client.objects.filter(care_recipient_id__in=PEOPLE).order_by("pk")))
    switch_saving(on=True)
    Schedule.objects.filter(kind="nightly").update(at="03:15")


main()
