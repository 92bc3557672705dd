"""What the archives have of a funder's answers, as a description without a value that may be given away."""

from django.conf import settings

from carefund.funders.any_json import decode_any
from carefund.funders.errors.root import FunderError
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.contracts import CONTRACTS, find_contract
from carefund.funders.interfaces.shareable_description import Words, describe
from carefund.records.not_found import NotHere
from carefund.records.trials import list_kept_answers
from carefund.sync.interface_proposals import list_interfaces

_MOST_ANSWERS = 200


def describe_archived() -> str:
    """The description as a TOML file. Raises NotHere while nothing is archived."""
    known = list_interfaces()
    spellings = {"services-australia": settings.SERVICES_AUSTRALIA.spellings}
    examinations = {
        name: Examination(interfaces.dialect, spellings.get(name, {}), CONTRACTS[name])
        for name, interfaces in known.items()
    }
    words = Words()
    for answer in list_kept_answers(_MOST_ANSWERS):
        contract = find_contract(answer.operation)
        if contract is None or contract.operations[answer.operation].answer is None or not answer.body:
            continue
        try:
            words.add(decode_any(answer.body, answer.operation))
            examinations[contract.name].add(answer.operation, answer.body)
        except FunderError:  # not JSON: there is nothing in it to describe
            continue
    seen = [(examination, known[name]) for name, examination in examinations.items() if examination.types]
    if not seen:
        raise NotHere("No answers are archived yet.", "Run `carefund interfaces try` with a Care Recipient ID first.")
    return describe(seen, words)
