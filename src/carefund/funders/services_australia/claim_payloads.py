"""What Services Australia sends and takes about invoices, claims and payments, as types. No network, no rules.

As in payloads.py: the wire's own words in snake_case, defaults for what may be left out, other spellings with the type.
Source: rules CLAIM-01, CLAIM-02, CLAIM-09 and SA-12.
"""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType

from carefund.funders.services_australia.payloads import Spellings


class NewItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """One item to be added to an invoice; what is UNSET is not sent."""

    external_reference_id: str
    care_recipient_id: str
    service_id: str
    delivery_date: date
    quantity: Decimal
    price_per_unit: Decimal
    funding_source: str
    unit_type: str | UnsetType = UNSET
    late_submission_reason_code: str | UnsetType = UNSET
    late_submission_justification: str | UnsetType = UNSET


class NewAttachment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A PDF to be attached to an item; `file_content` is base64. The wire writes `filename` here in small letters."""

    file_content: str
    filename: str
    type: str = "LATE_SUBMISSION_EVIDENCE"
    mime_type: str = "application/pdf"


class NewInvoice(Struct, frozen=True, kw_only=True, rename="camel"):
    """An invoice to be created, without items."""

    service_provider_id: str
    external_reference_id: str
    service_naps_id: str | UnsetType = UNSET


class InvoiceReference(Struct, frozen=True, kw_only=True, rename="camel"):
    """An invoice named by a claim."""

    invoice_id: str


class NewClaim(Struct, frozen=True, kw_only=True, rename="camel"):
    """A claim to be made over submitted invoices."""

    service_provider_id: str
    invoices: tuple[InvoiceReference, ...]


class ValidationMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """One complaint that the funder keeps with an invoice."""

    code: str = ""
    message: str = ""


class Attachment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file that the funder holds with an item."""

    attachment_id: str = ""
    type: str = ""
    file_name: str = ""


class InvoiceItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """One item of an invoice; `item_id` is unique within its invoice."""

    item_id: str
    external_reference_id: str = ""
    item_status: str = ""
    care_recipient_id: str = ""
    service_id: str = ""
    service_text: str = ""
    delivery_date: date | None = None
    quantity: Decimal | None = None
    price_per_unit: Decimal | None = None
    unit_type: str = ""
    funding_source: str = ""
    attachments: tuple[Attachment, ...] = ()

    other_spellings: ClassVar[Spellings] = {"item_status": ("status",)}


class Invoice(Struct, frozen=True, kw_only=True, rename="camel"):
    """One invoice; lists leave the items out."""

    invoice_id: str
    service_naps_id: str = ""
    service_provider_id: str = ""
    external_reference_id: str = ""
    status: str = ""
    created_at_date_time: str = ""
    updated_at_date_time: str = ""
    items: tuple[InvoiceItem, ...] = ()
    validation_messages: tuple[ValidationMessage, ...] = ()

    other_spellings: ClassVar[Spellings] = {"status": ("invoiceStatus",), "validation_messages": ("validations",)}


class WrittenItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """The funder's number for an item just added."""

    item_id: str


class Claim(Struct, frozen=True, kw_only=True, rename="camel"):
    """One claim. `payment_date` is filled once it is approved."""

    claim_id: str
    organisation_id: str = ""
    service_provider_id: str = ""
    service_naps_id: str = ""
    status: str = ""
    payment_date: date | None = None
    created_at_date_time: str = ""
    updated_at_date_time: str = ""
    invoices: tuple[InvoiceReference, ...] = ()

    other_spellings: ClassVar[Spellings] = {"status": ("claimStatus",)}


class PaymentStatement(Struct, frozen=True, kw_only=True, rename="camel"):
    """The totals of what was paid for a claim, in dollars."""

    claim_id: str = ""
    service_provider_id: str = ""
    payment_date: date | None = None
    claim_total: Decimal | None = None
    total_paid: Decimal | None = None
    compensation_reduction: Decimal | None = None
    care_recipient_individual_contribution: Decimal | None = None
    heldover_previous_period: Decimal | None = None
    outstanding_heldover: Decimal | None = None


class PaymentItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was decided on one item of a claim."""

    item_id: str
    invoice_id: str = ""
    claim_submission_date: date | None = None
    claim_approved_date: date | None = None
    payment_date: date | None = None
    payment_amount: Decimal | None = None
    compensation_reduction: Decimal | None = None
    individual_contribution_amount: Decimal | None = None
    payment_determination: str = ""
    aged_care_reference: str = ""


class AccountTransaction(Struct, frozen=True, kw_only=True, rename="camel"):
    """One movement of a provider's account; `payment_identifier` is the claim's id."""

    date: str = ""
    description: str = ""
    amount: Decimal | None = None
    transaction_type: str = ""
    payment_identifier: str = ""
    heldover_balance: Decimal | None = None
    payment_reference: str = ""
    payment_amount: Decimal | None = None


class AccountSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was paid and held over for a provider in a period."""

    service_provider_id: str
    period_start_date: date | None = None
    period_end_date: date | None = None
    heldover_previous_period: Decimal | None = None
    payment_amount: Decimal | None = None
    heldover_amount: Decimal | None = None
    transactions: tuple[AccountTransaction, ...] = ()
