"""Each reading operation asked once, about one person: what came back, byte for byte, and how long it took.

Ids that are needed on the way come from the answers before. Lists of a whole provider are asked for a few rows only.
Nothing is understood here and nothing is kept.
"""

import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from datetime import date, timedelta

from carefund.funders.answers import TrialAnswer, says_nothing
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.services_australia.expected_answers import OPERATIONS
from carefund.funders.services_australia.operations import (
    BUDGET_DETAILS,
    BUDGETS_BY_CARE_RECIPIENT,
    CARE_RECIPIENT_SUMMARY,
    INDIVIDUAL_CONTRIBUTION,
    path_for,
)

_FEW_ROWS = 10
_PERIOD_DAYS = 30  # of an account summary
PERSON_ID, PROVIDER_ID, BUDGET_ID, INVOICE_ID, CLAIM_ID = (
    "careRecipientId", "serviceProviderId", "budgetId", "invoiceId", "claimId",
)  # fmt: skip
# In this order: the id in the path, or in the query, that each is asked with.
QUESTIONS: tuple[tuple[str, str], ...] = (
    (CARE_RECIPIENT_SUMMARY, PERSON_ID),
    (INDIVIDUAL_CONTRIBUTION, PERSON_ID),
    (BUDGETS_BY_CARE_RECIPIENT, PERSON_ID),
    (BUDGET_DETAILS, BUDGET_ID),
    ("care_recipient_summaries", PROVIDER_ID),
    ("individual_contributions", PROVIDER_ID),
    ("budgets_by_service_provider", PROVIDER_ID),
    ("budget_summary", PROVIDER_ID),
    ("invoices", PROVIDER_ID),
    ("invoice_details", INVOICE_ID),
    ("claims", PROVIDER_ID),
    ("claim_details", CLAIM_ID),
    ("payment_statement", CLAIM_ID),
    ("payment_items", CLAIM_ID),
    ("account_summary", PROVIDER_ID),
)
# Which answer names which id, as a member of which type.
_IDS = {
    PROVIDER_ID: ("Budget", "service_provider_id"),
    BUDGET_ID: ("Budget", "budget_id"),
    INVOICE_ID: ("InvoicePayload", "invoice_id"),
    CLAIM_ID: ("ClaimPayload", "claim_id"),
}


async def ask_each(
    client: ServicesAustralia, care_recipient_id: str, ids: dict[str, str], today: date
) -> AsyncIterator[TrialAnswer]:
    """Ask each question once. `ids` grows outside, by what is found in the answers.

    Raises FunderError when this installation is not let in, or the funder is down: then nothing can be said.
    """
    ids[PERSON_ID] = care_recipient_id
    for operation, id_name in QUESTIONS:
        if not ids.get(id_name):
            yield TrialAnswer(operation, missing_id=id_name)
            continue
        begun = time.monotonic()
        person = care_recipient_id if id_name in (PERSON_ID, BUDGET_ID) else ""
        try:
            path = _path(client, operation, id_name, ids, today)
            body = (await client.caller.read(operation, path, subject_id=person)).body
            answer = TrialAnswer(operation, (time.monotonic() - begun) * 1000, body)
        except FunderError as problem:
            if says_nothing(problem):
                raise
            answer = TrialAnswer(operation, (time.monotonic() - begun) * 1000, problem=problem)
        yield answer


def list_wanted_ids(operation: str) -> Iterator[tuple[str, str]]:
    """The ids that an answer to this may name: what they are called in paths, and as a member."""
    answer = OPERATIONS[operation].answer
    for name, (kind, member) in _IDS.items():
        names = [ancestor.__name__ for ancestor in answer.__mro__] if answer else []
        if kind in names or (name == PROVIDER_ID and operation == CARE_RECIPIENT_SUMMARY):
            yield name, member


def _path(client: ServicesAustralia, operation: str, id_name: str, ids: Mapping[str, str], today: date) -> str:
    asked = OPERATIONS[operation]
    query: dict[str, object] = {}
    given: dict[str, Callable[[], object]] = {
        "page": lambda: 1,
        "limit": lambda: client.configuration.page_limit if id_name == PERSON_ID else _FEW_ROWS,
        "sort": lambda: "asc",
        "sortFields": lambda: client.readers.provider_budgets.rows.name_of("care_recipient_id"),
        "effectiveDateFrom": today.isoformat,
        "periodStartDate": (today - timedelta(days=_PERIOD_DAYS)).isoformat,
        "periodEndDate": today.isoformat,
        id_name: lambda: ids[id_name],
    }
    for name in asked.query:
        if name in given:
            query[name] = given[name]()
    return path_for(operation, client.configuration.paths, ids, query, client.configuration.interfaces)
