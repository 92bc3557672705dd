"""What the archives have of a funder's answers, as a description without a value that may be given away."""

from django.conf import settings

from carefund.funders.any_json import decode_any
from carefund.funders.errors.root import FunderError
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.shareable_description import Words, describe
from carefund.funders.services_australia.expected_answers import OPERATIONS
from carefund.records.not_found import NotHere
from carefund.records.trials import list_kept_answers

_MOST_ANSWERS = 200


def describe_archived() -> str:
    """The description as a TOML file. Raises NotHere while nothing is archived."""
    configuration = settings.SERVICES_AUSTRALIA
    examination = Examination(configuration.interfaces.dialect, configuration.spellings)
    words = Words()
    for answer in list_kept_answers(_MOST_ANSWERS):
        asked = OPERATIONS.get(answer.operation)
        if asked is None or asked.answer is None or not answer.body:
            continue
        try:
            words.add(decode_any(answer.body, answer.operation))
            examination.add(answer.operation, answer.body)
        except FunderError:  # not JSON: there is nothing in it to describe
            continue
    if not examination.types:
        raise NotHere("No answers are archived yet.", "Run `carefund interfaces try` with a Care Recipient ID first.")
    return describe(examination, configuration.interfaces, words)
