"""Which operation belongs to which product, what its rows are called, and which query parameters and headers it reads.

What cannot be seen from the answers. Names of products as the department has them; their versions are the sandbox's.
"""

from __future__ import annotations

from dataclasses import dataclass

PAGING = ("page", "limit", "sort", "sortFields")
_DATES = ("effectiveDateFrom", "effectiveDateTo", "updatedAtDateTimeFrom", "updatedAtDateTimeTo")
_UPDATED = ("updatedAtDateTimeFrom", "updatedAtDateTimeTo")
_PARTICIPANT = ("!participant", "!participant_surname", "!date_of_birth")
_DAYS = ("effectiveDateFrom", "effectiveDateTo", "periodStartDate", "periodEndDate", "paymentDateFrom", "paymentDateTo")
# Query parameters that are no texts, as the handlers read them.
PARAMETER_TYPES: dict[str, dict[str, object]] = {
    "page": {"type": "integer", "minimum": 1, "default": 1},
    "limit": {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10},
    "sort": {"type": "string", "enum": ["asc", "desc"], "default": "desc"},
    "submit": {"type": "string", "enum": ["true", "false"], "default": "false"},
    **{name: {"type": "string", "format": "date"} for name in (*_DAYS, "date_of_birth")},
}


@dataclass(frozen=True, slots=True)
class Product:
    """One product: its title, and the part of the address that all its paths begin with."""

    title: str
    base: str = "/services-australia/claiming/ext-vnd/acws"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: its product, what it does, and the query parameters that it reads; "!" marks mandatory ones.

    `row` names what it answers with, one or a list; `body` what it is sent. `matched`: if-match is asked for.
    """

    product: str
    summary: str
    row: str
    query: tuple[str, ...] = ()
    body: str = ""
    matched: bool = False


PRODUCTS = {
    "support-at-home-budgets": Product("Aged Care API - Support at Home Budgets"),
    "care-recipient-summary": Product("Aged Care API - Care Recipient Summary"),
    "individual-contribution": Product("Aged Care API - Care recipient Individual contribution"),
    "support-at-home-invoices": Product("Aged Care API - Support at Home Invoices"),
    "support-at-home-claim": Product("Aged Care API - Support at Home claim"),
    "support-at-home-payment-statement": Product("Aged Care API - Support at Home payment statement"),
    "payment-items": Product("Aged Care API - Payment item reporting"),
    "service-provider-account-summary": Product("Aged Care API - Service provider account summary"),
    "ndia-pace": Product("NDIA - participants, plans, PACE budgets and payments", "/ndia"),
    "ndia-partner-gateway": Product("A digital partner's gateway in front of the NDIA", "/partner"),
    "proda": Product("PRODA - B2B devices and tokens", "/"),
}
_BUDGETS, _SUMMARY = "support-at-home-budgets", "care-recipient-summary"
_INVOICES, _CLAIM, _PACE = "support-at-home-invoices", "support-at-home-claim", "ndia-pace"
OPERATIONS = {
    "budgets_by_care_recipient": Operation(_BUDGETS, "Budgets of a care recipient", "Budget", (*PAGING, *_DATES)),
    "budgets_by_service_provider": Operation(
        _BUDGETS, "Pooled budgets of a service provider", "Budget", (*PAGING, *_DATES)
    ),
    "budget_summary": Operation(
        _BUDGETS, "Budgets of everybody of a service provider", "Budget", ("!serviceProviderId", *PAGING, *_DATES)
    ),
    "budget_details": Operation(_BUDGETS, "A budget with entitlements and usage", "BudgetDetails"),
    "budget_roll_over": Operation(_BUDGETS, "Roll over what a quarter left", "Budget"),
    "care_recipient_summary": Operation(_SUMMARY, "A care recipient", "CareRecipientSummary"),
    "care_recipient_summaries": Operation(
        _SUMMARY, "Everybody of a service provider", "CareRecipientSummary", ("!serviceProviderId", *PAGING)
    ),
    "individual_contribution": Operation(
        "individual-contribution",
        "Individual contributions of a care recipient, or of everybody of a service provider",
        "IndividualContribution",
        ("careRecipientId", "serviceProviderId", *PAGING, *_DATES),
    ),
    "invoice_create": Operation(_INVOICES, "Create an invoice", "InvoiceWritten", ("submit",), "NewInvoice"),
    "invoices": Operation(
        _INVOICES,
        "Query invoices",
        "InvoicePayload",
        ("serviceNapsId", "serviceProviderId", "externalReferenceId", "status", *PAGING, *_UPDATED),
    ),
    "invoice_details": Operation(_INVOICES, "An invoice with its items", "InvoicePayload"),
    "invoice_submit": Operation(_INVOICES, "Submit an invoice", "InvoiceWritten", matched=True),
    "invoice_open": Operation(_INVOICES, "Re-open an invoice", "InvoiceWritten", matched=True),
    "invoice_delete": Operation(_INVOICES, "Delete an invoice", "InvoiceWritten", matched=True),
    "invoice_item_add": Operation(_INVOICES, "Add an item", "WrittenItem", body="NewInvoiceItem"),
    "invoice_item": Operation(_INVOICES, "An item", "InvoiceItem"),
    "invoice_item_update": Operation(_INVOICES, "Update an item", "", body="NewInvoiceItem", matched=True),
    "invoice_item_delete": Operation(_INVOICES, "Delete an item", "", matched=True),
    "invoice_item_attach": Operation(_INVOICES, "Attach a PDF to an item", "", body="NewAttachment"),
    "invoice_attachment": Operation(_INVOICES, "An attachment", ""),
    "claim_create": Operation(_CLAIM, "Claim submitted invoices", "ClaimWritten", body="NewClaim"),
    "claims": Operation(
        _CLAIM,
        "Query claims",
        "ClaimPayload",
        (
            "serviceProviderId", "serviceNapsId", "claimStatus", "paymentDateFrom", "paymentDateTo",
            "createdAtDateTimeFrom", "createdAtDateTimeTo", *PAGING, *_UPDATED,
        ),
    ),
    "claim_details": Operation(_CLAIM, "A claim", "ClaimPayload"),
    "payment_statement": Operation(
        "support-at-home-payment-statement", "What was paid for a claim", "PaymentStatement", ("serviceProviderId",)
    ),
    "payment_items": Operation(
        "payment-items", "What was decided on each item", "PaymentItem", ("claimId", "invoiceId", *PAGING, *_UPDATED)
    ),
    "account_summary": Operation(
        "service-provider-account-summary",
        "What was paid and held over in a period",
        "AccountSummary",
        ("!serviceProviderId", "periodStartDate", "periodEndDate"),
    ),
    "ndia_determine_plan": Operation(_PACE, "Whether a plan is on PACE", "Determination", _PARTICIPANT),
    "ndia_plans": Operation(_PACE, "The plan, and the one before", "PlanRow", _PARTICIPANT),
    "ndia_pace_budget": Operation(_PACE, "The budget of a PACE plan", "BudgetTree", _PARTICIPANT),
    "ndia_pace_budget_4": Operation(_PACE, "The budget of a PACE plan, version 4", "BudgetTree", _PARTICIPANT),
    "ndia_historical_budgets": Operation(_PACE, "The money of earlier plan periods", "HistoricalBudgets", _PARTICIPANT),
    "ndia_payment": Operation(_PACE, "A payment request", "Payment", body="NewPayment"),
    "ndia_products": Operation(_PACE, "Support items by number or text", "SupportItem"),
    "ndia_reference_data": Operation(_PACE, "Keys and values of an attribute", "Reference"),
    "ndia_subscribe": Operation(_PACE, "Subscribe to an event", "Subscription", body="NewSubscription"),
    "ndia_report": Operation(_PACE, "Acknowledge the request for a report", "Report", body="NewReport"),
    "ndia_partner_budget": Operation("ndia-partner-gateway", "All budgets of a participant", "PartnerBudget"),
    "proda_activate": Operation("proda", "Activate a device with its first key", "DeviceState", body="Activation"),
    "proda_refresh": Operation("proda", "Give a device a new key", "DeviceState", body="PublicKey"),
    "proda_token": Operation("proda", "An access token for a signed assertion", "AccessToken"),
}  # fmt: skip
# What the rows within rows are called; what is not named here is called by its member.
INNER_ROWS = {
    "entitlements": "Entitlement",
    "usage": "BudgetUsage",
    "classifications": "Classification",
    "approvedServices": "ApprovedService",
    "supplements": "Supplement",
    "items": "InvoiceItem",
    "NewInvoice.items": "NewInvoiceItem",
    "attachments": "Attachment",
    "invoices": "InvoiceReference",
    "transactions": "AccountTransaction",
    "PartnerBudgets.data": "PartnerBudget",
    "bgt_typ_lvl_dtls": "BudgetTypeLevel",
    "plan_management": "ManagementLevel",
    "supp_typ_lvl_dtls": "SupportTypeLevel",
    "supp_cat_lvl_dtls": "SupportCategory",
    "funded_supports": "SupportCategory",
    "supp_itm_lvl_dtls": "StatedItem",
    "funding_periods": "FundingPeriodRow",
    "funding_components": "FundingComponentRow",
    "errors": "ErrorDetail",
}
# Codes of which the sandbox sends these and no others; what a person's scenario adds (unknown codes) is left open.
CODES = {
    "Budget.status": ("OPEN", "CLOSED"),
    "BudgetDetails.status": ("OPEN", "CLOSED"),
    "Classification.status": ("ACTIVE", "ENDED", "FUTURE"),
    "ApprovedService.status": ("ACTIVE", "ENDED", "FUTURE"),
    "Supplement.status": ("ACTIVE", "ENDED", "FUTURE"),
    "IndividualContribution.status": ("ACTIVE", "ENDED", "FUTURE"),
    "InvoicePayload.status": ("OPEN", "SUBMITTED", "HELD", "CLAIMED", "COMPLETED", "DELETED"),
    "InvoiceWritten.status": ("OPEN", "SUBMITTED", "HELD", "DELETED"),
}
# Amounts that only ever add to what is there.
NEVER_BELOW_ZERO = {
    "PaymentStatement.claimTotal", "PaymentStatement.careRecipientIndividualContribution", "PaymentItem.paymentAmount",
    "PaymentItem.individualContributionAmount", "AccountSummary.paymentAmount", "PaymentStatement.totalPaid",
}  # fmt: skip
# Amounts that only ever lower what is there.
NEVER_ABOVE_ZERO = {
    f"{row}.{member}" for row in ("Budget", "BudgetDetails") for member in ("used", "writeOff", "rolloverDeduction")
}
