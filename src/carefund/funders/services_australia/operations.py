"""Where each Support at Home operation lives: one table, every entry of which a deployment can replace. No network.

Names in braces are filled with quoted ids. Only some paths are public; the others are good guesses.
Source: rule SA-01.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from carefund.funders.dialect import Interfaces
from carefund.funders.errors.people import MalformedId

CARE_RECIPIENT_SUMMARY = "care_recipient_summary"
INDIVIDUAL_CONTRIBUTION = "individual_contribution"
BUDGETS_BY_CARE_RECIPIENT = "budgets_by_care_recipient"
BUDGET_DETAILS = "budget_details"

_BASE = "/service/support-at-home"
_CONTRIBUTIONS = f"{_BASE}/care-recipient/v1/individual-contribution"
PATHS: dict[str, str] = {
    CARE_RECIPIENT_SUMMARY: f"{_BASE}/care-recipient/v1/{{careRecipientId}}/summary",
    "care_recipient_summaries": f"{_BASE}/care-recipient/v1/summary?serviceProviderId={{serviceProviderId}}",
    INDIVIDUAL_CONTRIBUTION: f"{_CONTRIBUTIONS}?careRecipientId={{careRecipientId}}",
    "individual_contributions": f"{_CONTRIBUTIONS}?serviceProviderId={{serviceProviderId}}",
    BUDGETS_BY_CARE_RECIPIENT: f"{_BASE}/budget/v1/care-recipient/{{careRecipientId}}",
    "budgets_by_service_provider": f"{_BASE}/budget/v1/service-provider/{{serviceProviderId}}",
    "budget_summary": f"{_BASE}/budget/v1/summary?serviceProviderId={{serviceProviderId}}",
    BUDGET_DETAILS: f"{_BASE}/budget/v1/{{budgetId}}",
    "budget_roll_over": f"{_BASE}/budget/v1/{{budgetId}}/rollover",
    "invoice_create": f"{_BASE}/invoice/v1",
    "invoices": f"{_BASE}/invoice/v1",
    "invoice_details": f"{_BASE}/invoice/v1/{{invoiceId}}",
    "invoice_submit": f"{_BASE}/invoice/v1/{{invoiceId}}/submit",
    "invoice_delete": f"{_BASE}/invoice/v1/{{invoiceId}}/delete",
    "invoice_item_add": f"{_BASE}/invoice/v1/{{invoiceId}}/item",
    "invoice_item_attach": f"{_BASE}/invoice/v1/{{invoiceId}}/item/{{itemId}}/attachments",
    "claim_create": f"{_BASE}/claim/v1",
    "claims": f"{_BASE}/claim/v1",
    "claim_details": f"{_BASE}/claim/v1/{{claimId}}",
    "payment_statement": f"{_BASE}/payment-statement/v1/{{claimId}}",
    "payment_items": f"{_BASE}/payment-item/v1",
    "account_summary": f"{_BASE}/account-summary/v1",
}
SETTING = "CAREFUND_SERVICES_AUSTRALIA_PATHS"
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")


def path_for(
    operation: str,
    overridden: Mapping[str, str],
    ids: Mapping[str, str],
    query: Mapping[str, object] | None = None,
    interfaces: Interfaces = Interfaces(),
) -> str:
    """Return the quoted path of one call, with its query as the interfaces call it. Raise MalformedId."""
    for value in ids.values():
        if not _ID.fullmatch(value):
            raise MalformedId(operation=operation)
    path = overridden.get(operation, PATHS[operation]).format_map(ids)
    if query and interfaces.parameters:
        called = interfaces.parameters_of(operation)
        query = {called.get(name, name): value for name, value in query.items()}
    if query:
        path += ("&" if "?" in path else "?") + _query_string(tuple(query.items()))
    return path


@lru_cache(maxsize=256)  # nearly every call of a run asks for the first page
def _query_string(pairs: tuple[tuple[str, object], ...]) -> str:
    return "&".join(f"{quote(name)}={quote(str(value))}" for name, value in pairs)
