"""From an address to a contract, by way of the gate: a contract is as visible as its client."""

from django.contrib.auth.models import User
from django.http import Http404

from carefund.access.gate import find_client_to_read, find_client_to_synchronise
from carefund.records.models import ServiceContract


def find_contract_to_read(user: User, contract_id: int) -> ServiceContract:
    """A contract of a client whom this person may read. Http404 if there is none for them."""
    contract = _find(contract_id)
    contract.client = find_client_to_read(user, contract.client_id)
    return contract


def find_contract_to_synchronise(user: User, contract_id: int) -> ServiceContract:
    """A contract of a client whom this person may synchronise. PermissionDenied if they may only read."""
    contract = _find(contract_id)
    contract.client = find_client_to_synchronise(user, contract.client_id)
    return contract


def _find(contract_id: int) -> ServiceContract:
    contract = ServiceContract.objects.filter(pk=contract_id).first()
    if contract is None:
        raise Http404
    return contract
