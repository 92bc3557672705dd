"""Exports of what was delivered, claimed and paid, and of what does not fit."""

from carefund.records.models import (
    AccountMovement,
    Claim,
    ClaimBatch,
    Invoice,
    InvoiceLineItem,
    PaymentRequest,
    ProviderAccount,
)
from carefund.sync.claims.exception_lines import EXCEPTIONS
from carefund.sync.export_kinds import Export, Subject, list_columns

CLAIM_EXPORTS = (
    Export(
        kind="invoices",
        label="Invoices",
        about="Each of our invoices; `invoice_id` is Services Australia's number, empty until it was uploaded.",
        subject=Subject.CLAIMS,
        model=Invoice,
        columns=list_columns(
            "invoice_reference_id=external_reference_id", "invoice_id", "service_provider_id", "service_naps_id",
            "status", "is_uncertain", "problem", "batch_id", "created_at",
        ),
    ),
    Export(
        kind="invoice_lines",
        label="Invoice lines",
        about="Each delivered service on one of our invoices.",
        subject=Subject.CLAIMS,
        model=InvoiceLineItem,
        columns=list_columns(
            "line_id=pk", "line_reference_id=external_reference_id",
            "invoice_reference_id=invoice__external_reference_id", "invoice_id=invoice__invoice_id", "item_id",
            "service_provider_id=invoice__service_provider_id", "service_id", "service_text", "delivery_date",
            "quantity", "price_per_unit", "unit_type", "funding_source", "late_reason_code", "late_justification",
            client="client",
        ),
        of_client="client_id",
    ),
    Export(
        kind="claim_batches",
        label="Claim batches",
        about="Lines that were chosen to be claimed together.",
        subject=Subject.CLAIMS,
        model=ClaimBatch,
        columns=list_columns(
            "batch_id=pk", "service_provider_id", "funding_source", "from_date", "to_date", "state",
            "is_claim_uncertain", "claim_attempted_at", "problem_code", "problem", "advice",
            "created_by=created_by__username", "created_at",
        ),
        is_of_all=True,
    ),
    Export(
        kind="claim_lines",
        label="Claimed lines",
        about="Each line in each batch: what is asked for it, and what was decided.",
        subject=Subject.CLAIMS,
        model=PaymentRequest,
        columns=list_columns(
            "batch_id", "line_id=line_item_id", "line_reference_id=line_item__external_reference_id",
            "invoice_reference_id=line_item__invoice__external_reference_id", "service_id=line_item__service_id",
            "delivery_date=line_item__delivery_date", "funding_source=line_item__funding_source", "state", "amount",
            "paid_amount", "individual_contribution_amount", "compensation_reduction", "payment_determination",
            "aged_care_reference", "claim_approved_date", "payment_date", "is_matched", client="line_item__client",
        ),
        of_client="line_item__client_id",
    ),
    Export(
        kind="claims",
        label="Claims",
        about="Each claim at Services Australia; one without a batch was made in another system or the portal.",
        subject=Subject.CLAIMS,
        model=Claim,
        columns=list_columns(
            "claim_id", "batch_id", "service_provider_id", "service_naps_id", "status", "reported_status", "made_at",
            "checked_at", "problem", "approved_date", "payment_date", "claim_total", "total_paid",
            "compensation_reduction", "care_recipient_individual_contribution", "heldover_previous_period",
            "outstanding_heldover", "is_settled",
        ),
        is_of_all=True,
    ),
    Export(
        kind="exceptions",
        label="Exceptions",
        about="Each claimed line whose two sides do not fit today, with what people did about it.",
        subject=Subject.CLAIMS,
        model=PaymentRequest,
        of_client="line_item__client_id",
        is_of_all=True,
        worked_out=EXCEPTIONS,
    ),
    Export(
        kind="account_summaries",
        label="Account summaries",
        about="Each month of a branch's account with Services Australia.",
        subject=Subject.CLAIMS,
        model=ProviderAccount,
        columns=list_columns(
            "service_provider_id", "month", "period_start_date", "period_end_date", "opening", "paid", "closing",
            "read_at",
        ),
        of_branch="service_provider_id",
    ),
    Export(
        kind="account_movements",
        label="Account movements",
        about="Each movement of such a month, in the funder's order.",
        subject=Subject.CLAIMS,
        model=AccountMovement,
        columns=list_columns(
            "service_provider_id=account__service_provider_id", "month=account__month", "position", "movement_date",
            "description", "transaction_type", "claim_id", "payment_reference", "amount", "payment_amount",
            "heldover_balance",
        ),
        of_branch="account__service_provider_id",
    ),
)  # fmt: skip
