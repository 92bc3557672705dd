"""What is asked of each Support at Home operation, and of which type its answer is: one line each. No network.

What an interface description is compared with, and what an interfaces file may name.
Source: rules SA-01, SA-06 and CLAIM-01.
"""

from carefund.funders.contract import Asked, Contract, list_types
from carefund.funders.services_australia import claim_payloads, payloads
from carefund.funders.services_australia.claim_payloads import (
    AccountSummary,
    ClaimPayload,
    InvoicePayload,
    NewAttachment,
    NewClaim,
    NewInvoice,
    NewInvoiceItem,
    PaymentItem,
    PaymentStatement,
    WrittenItem,
)
from carefund.funders.services_australia.operations import (
    BUDGET_DETAILS,
    BUDGETS_BY_CARE_RECIPIENT,
    CARE_RECIPIENT_SUMMARY,
    INDIVIDUAL_CONTRIBUTION,
    PATHS,
)
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)

_PAGE = ("page", "limit", "sort")
_ROLL = (*_PAGE, "sortFields")


OPERATIONS: dict[str, Asked] = {
    CARE_RECIPIENT_SUMMARY: Asked("GET", CareRecipientSummary),
    "care_recipient_summaries": Asked("GET", CareRecipientSummary, True, _ROLL),
    INDIVIDUAL_CONTRIBUTION: Asked("GET", IndividualContribution, True, _PAGE[:2]),
    "individual_contributions": Asked("GET", IndividualContribution, True, _ROLL),
    BUDGETS_BY_CARE_RECIPIENT: Asked("GET", Budget, True, _PAGE[:2]),
    "budgets_by_service_provider": Asked("GET", Budget, True, _ROLL),
    "budget_summary": Asked("GET", Budget, True, (*_ROLL, "effectiveDateFrom")),
    BUDGET_DETAILS: Asked("GET", BudgetDetails),
    "budget_roll_over": Asked("POST", None),
    "invoice_create": Asked("POST", InvoicePayload, body=NewInvoice),
    "invoices": Asked(
        "GET", InvoicePayload, True, (*_PAGE, "serviceProviderId", "externalReferenceId", "updatedAtDateTimeFrom")
    ),
    "invoice_details": Asked("GET", InvoicePayload),
    "invoice_submit": Asked("POST", InvoicePayload),
    "invoice_delete": Asked("POST", InvoicePayload),
    "invoice_item_add": Asked("POST", WrittenItem, body=NewInvoiceItem),
    "invoice_item_attach": Asked("POST", None, body=NewAttachment),
    "claim_create": Asked("POST", ClaimPayload, body=NewClaim),
    "claims": Asked("GET", ClaimPayload, True, (*_PAGE, "serviceProviderId", "createdAtDateTimeFrom")),
    "claim_details": Asked("GET", ClaimPayload),
    "payment_statement": Asked("GET", PaymentStatement),
    "payment_items": Asked("GET", PaymentItem, True, (*_PAGE, "claimId")),
    "account_summary": Asked("GET", AccountSummary, False, ("serviceProviderId", "periodStartDate", "periodEndDate")),
}
# What parameters are often called elsewhere.
PARAMETER_SPELLINGS = {
    "page": ("pageNumber", "pageNo", "pageIndex"),
    "limit": ("pageSize", "size", "perPage", "maxResults"),
    "sort": ("sortOrder", "order", "direction"),
    "sortFields": ("sortBy", "orderBy"),
}
# Codes that are known of some members, and the amounts that usually only lower what is there.
KNOWN_CODES = {
    "Budget.status": ("OPEN", "CLOSED"),
    "InvoicePayload.status": ("OPEN", "SUBMITTED", "HELD", "CLAIMED", "COMPLETED", "DELETED"),
    "ClaimPayload.status": ("BeingCalculated", "PendingApproval", "Approved", "Completed", "Cancelled"),
}
LOWERING = ("Budget.used", "Budget.write_off", "Budget.rollover_deduction", "BudgetUsage.amount")


RISING = (
    "PaymentStatement.claim_total", "PaymentStatement.total_paid",
    "PaymentStatement.care_recipient_individual_contribution", "PaymentItem.payment_amount",
    "PaymentItem.individual_contribution_amount", "AccountSummary.payment_amount",
)  # fmt: skip
SERVICES_AUSTRALIA = Contract(
    "services-australia",
    "Services Australia",
    OPERATIONS,
    PATHS,
    tuple(list_types(payloads, claim_payloads)),
    PARAMETER_SPELLINGS,
    KNOWN_CODES,
    LOWERING,
    RISING,
)
