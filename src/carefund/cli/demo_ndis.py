"""The demo's NDIS side: fictitious participants as clients, some with a contract, one of them out of step with PACE."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any

from carefund.access.gate import OPERATOR, list_clients_for
from carefund.domain.ndis.plan import budget_ids
from carefund.records.care_recipient.clients import add_client
from carefund.records.models import Client
from carefund.records.ndis import store as pace_store
from carefund.records.ndis.queries import PACE_API, list_comparable, list_contracts, list_participants_by_number
from carefund.runs.foreground import finish_now, retrieve_plan
from carefund.runs.ndis.comparing import request_comparisons
from carefund.runs.ndis.plans import create_from_plan
from carefund.runs.requests import NothingToDo

# The others are left for the person at the console to try + NDIS PACE with.
WITH_CONTRACT = ("no-periods", "monthly", "negative-core", "many-hands", "unknown-category")
OUT_OF_STEP = "monthly"

AskSandbox = Callable[[str, dict[str, Any]], object]


def load_ndis_clients(participants: Sequence[dict[str, Any]], branch: str, ask_sandbox: AskSandbox) -> None:
    """Make clients of the sandbox's participants, some of them with a contract, and compare all contracts with PACE.

    `ask_sandbox` posts a body to a path of the sandbox's control. Safe to repeat.
    """
    pace_store.store_setting(PACE_API, True)
    for person in participants:
        client = _client_of(person, branch)
        if person["scenario"] in WITH_CONTRACT and not list_contracts(client.pk):
            shown = retrieve_plan(client)
            create_from_plan(client, shown.item_id, budget_ids(shown.plan.budgets))
        if person["scenario"] == OUT_OF_STEP:
            body = {"category": "Consumables", "approved": "3600.00"}
            ask_sandbox(f"/sandbox/ndia/participants/{person['ndisNumber']}/set-category", body)
    with suppress(NothingToDo):
        finish_now(request_comparisons(list_comparable(list_clients_for(OPERATOR))))


def _client_of(person: dict[str, Any], branch: str) -> Client:
    known = list_participants_by_number(person["ndisNumber"])
    if known:
        return known[0].client
    values = {
        "first_name": person["firstName"],
        "last_name": person["surname"],
        "birth_date": date.fromisoformat(person["birthDate"]),
        "service_provider_id": branch,
    }
    client = add_client(values, made_by="demo")
    pace_store.store_participant(client, ndis_number=person["ndisNumber"], is_pace_participant=True, api_access=True)
    return client
