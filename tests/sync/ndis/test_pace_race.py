"""Two people press Create at the same moment: one contract, and the other is told which."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection

from carefund.domain.ndis.plan import budget_ids
from carefund.records.models import Client, DeliveredService, ServiceContract
from carefund.runs.foreground import retrieve_plan
from carefund.runs.ndis.plans import create_from_plan
from carefund.sync.ndis.problems import ContractExists
from tests.pace_world import NdiaSandbox

pytestmark = [pytest.mark.postgresql, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("same_preview", [True, False])
def test_two_at_once_make_one_contract(ndia: NdiaSandbox, same_preview: bool) -> None:
    client = ndia.client("take-over")
    first = retrieve_plan(client)
    second = first if same_preview else retrieve_plan(client)
    ids = budget_ids(first.plan.budgets)
    ready = Barrier(2)

    def press_create(item_id: int) -> int | ContractExists:
        try:
            person = Client.objects.get(pk=client.pk)
            ready.wait(10)
            return create_from_plan(person, item_id, ids).pk
        except ContractExists as refused:
            return refused
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(press_create, (first.item_id, second.item_id)))
    contract = ServiceContract.objects.get()
    made = [outcome for outcome in outcomes if isinstance(outcome, int)]
    refused = [outcome for outcome in outcomes if isinstance(outcome, ContractExists)]
    assert made == [contract.pk]
    assert [refusal.contract_id for refusal in refused] == [contract.pk]
    assert DeliveredService.objects.count() == 5
