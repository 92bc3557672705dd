"""The interfaces that a file can speak of, by the names of their tables. No two of them have types of one name."""

from msgspec import Struct

from carefund.funders.contract import Contract
from carefund.funders.ndia.contract import NDIA, PARTNER
from carefund.funders.services_australia.expected_answers import SERVICES_AUSTRALIA

CONTRACTS: dict[str, Contract] = {contract.name: contract for contract in (SERVICES_AUSTRALIA, NDIA, PARTNER)}


PAYLOADS: dict[str, type[Struct]] = {
    kind.__name__: kind for contract in CONTRACTS.values() for kind in contract.payloads
}
_OF_OPERATION = {operation: contract for contract in CONTRACTS.values() for operation in contract.operations}


def find_contract(operation: str) -> Contract | None:
    """The interface that has an operation; None where none has."""
    return _OF_OPERATION.get(operation)


def contract_of(operation: str) -> Contract:
    """The interface that has an operation. Raises KeyError."""
    return _OF_OPERATION[operation]
