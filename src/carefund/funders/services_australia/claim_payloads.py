"""What Services Australia sends and takes about invoices, claims and payments, as types. No network, no rules.

As in payloads.py: the wire's own words in snake_case, defaults for what may be left out, other spellings with the type.
Source: rules CLAIM-01, CLAIM-02, CLAIM-09 and SA-12.
"""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from msgspec import UNSET, Struct, UnsetType

from carefund.funders.bounds import Code, Id, IssuedId, Money, Quantity, Sentence, ShortCode, ShortId, Stamp, Text
from carefund.funders.services_australia.payloads import Spellings


class NewInvoiceItem(Struct, frozen=True, kw_only=True, rename="camel"):
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

    invoice_id: IssuedId


class NewClaim(Struct, frozen=True, kw_only=True, rename="camel"):
    """A claim to be made over submitted invoices."""

    service_provider_id: str
    invoices: tuple[InvoiceReference, ...]


class ValidationMessage(Struct, frozen=True, kw_only=True, rename="camel"):
    """One complaint that the funder keeps with an invoice."""

    code: Code = ""
    message: Sentence = ""


class Attachment(Struct, frozen=True, kw_only=True, rename="camel"):
    """A file that the funder holds with an item."""

    attachment_id: Text = ""
    type: Text = ""
    file_name: Text = ""


class InvoiceItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """One item of an invoice; `item_id` is unique within its invoice."""

    item_id: Id
    external_reference_id: Id = ""
    item_status: Code = ""
    care_recipient_id: ShortId = ""
    service_id: Text = ""
    service_text: Text = ""
    delivery_date: date | None = None
    quantity: Quantity | None = None
    price_per_unit: Quantity | None = None
    unit_type: Code = ""
    funding_source: Code = ""
    attachments: tuple[Attachment, ...] = ()

    other_spellings: ClassVar[Spellings] = {"item_status": ("status",)}


class InvoicePayload(Struct, frozen=True, kw_only=True, rename="camel"):
    """One invoice; lists leave the items out."""

    invoice_id: IssuedId
    service_naps_id: ShortId = ""
    service_provider_id: ShortId = ""
    external_reference_id: Id = ""
    status: ShortCode = ""
    created_at_date_time: Stamp = ""
    updated_at_date_time: Stamp = ""
    items: tuple[InvoiceItem, ...] = ()
    validation_messages: tuple[ValidationMessage, ...] = ()

    other_spellings: ClassVar[Spellings] = {"status": ("invoiceStatus",), "validation_messages": ("validations",)}


class WrittenItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """The funder's number for an item just added."""

    item_id: Id


class ClaimPayload(Struct, frozen=True, kw_only=True, rename="camel"):
    """One claim. `payment_date` is filled once it is approved."""

    claim_id: IssuedId
    organisation_id: Id = ""
    service_provider_id: ShortId = ""
    service_naps_id: ShortId = ""
    status: Code = ""
    payment_date: date | None = None
    created_at_date_time: Stamp = ""
    updated_at_date_time: Stamp = ""
    invoices: tuple[InvoiceReference, ...] = ()

    other_spellings: ClassVar[Spellings] = {"status": ("claimStatus",)}


class PaymentStatement(Struct, frozen=True, kw_only=True, rename="camel"):
    """The totals of what was paid for a claim, in dollars."""

    claim_id: Id = ""
    service_provider_id: ShortId = ""
    payment_date: date | None = None
    claim_total: Money | None = None
    total_paid: Money | None = None
    compensation_reduction: Money | None = None
    care_recipient_individual_contribution: Money | None = None
    heldover_previous_period: Money | None = None
    outstanding_heldover: Money | None = None


class PaymentItem(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was decided on one item of a claim."""

    item_id: Id
    invoice_id: Id = ""
    claim_submission_date: date | None = None
    claim_approved_date: date | None = None
    payment_date: date | None = None
    payment_amount: Money | None = None
    compensation_reduction: Money | None = None
    individual_contribution_amount: Money | None = None
    payment_determination: Text = ""
    aged_care_reference: Text = ""


class AccountTransaction(Struct, frozen=True, kw_only=True, rename="camel"):
    """One movement of a provider's account; `payment_identifier` is the claim's id."""

    date: Text = ""
    description: Text = ""
    amount: Money | None = None
    transaction_type: Code = ""
    payment_identifier: Text = ""
    heldover_balance: Money | None = None
    payment_reference: Text = ""
    payment_amount: Money | None = None


class AccountSummary(Struct, frozen=True, kw_only=True, rename="camel"):
    """What was paid and held over for a provider in a period."""

    service_provider_id: ShortId
    period_start_date: date | None = None
    period_end_date: date | None = None
    heldover_previous_period: Money | None = None
    payment_amount: Money | None = None
    heldover_amount: Money | None = None
    transactions: tuple[AccountTransaction, ...] = ()
