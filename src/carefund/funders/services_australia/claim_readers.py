"""How each answer about invoices, claims and payments is read, in a funder's dialect. No network."""

from dataclasses import dataclass
from functools import lru_cache

from carefund.funders.decoding import RowReader
from carefund.funders.dialect import Dialect
from carefund.funders.services_australia.claim_payloads import (
    AccountSummary,
    ClaimPayload,
    InvoicePayload,
    PaymentItem,
    PaymentStatement,
    WrittenItem,
)


@dataclass(frozen=True, slots=True, eq=False)
class ClaimReaders:
    """The readers of one installation."""

    invoices: RowReader[InvoicePayload]
    items: RowReader[WrittenItem]
    claims: RowReader[ClaimPayload]
    statements: RowReader[PaymentStatement]
    payments: RowReader[PaymentItem]
    accounts: RowReader[AccountSummary]


@lru_cache(maxsize=8)
def claim_readers_for(dialect: Dialect) -> ClaimReaders:
    """The readers for a dialect; made once for each."""
    return ClaimReaders(
        invoices=RowReader(InvoicePayload, dialect=dialect),
        items=RowReader(WrittenItem, dialect=dialect),
        claims=RowReader(ClaimPayload, dialect=dialect),
        statements=RowReader(PaymentStatement, dialect=dialect),
        payments=RowReader(PaymentItem, dialect=dialect),
        accounts=RowReader(AccountSummary, dialect=dialect),
    )
