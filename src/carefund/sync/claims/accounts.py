"""Read a branch's account summary for a month, and keep it. Nothing is compared here: that is done when it is shown.

Source: rule CLAIM-13.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from carefund.funders.services_australia.claim_payloads import AccountSummary, AccountTransaction
from carefund.funders.services_australia.claiming import Claiming, ClaimingAnswer
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.plain_numbers import FIRST_YEAR, LAST_YEAR
from carefund.records.claims.accounts import end_of_month, record_account_answer, store_account
from carefund.sync.claims.uploading import Database


class NotOurAccount(Exception):
    """The answer is about another service provider."""


@dataclass(slots=True)
class AccountReader:
    """What reading an account needs."""

    source: ServicesAustralia
    database: Database

    async def read(self, service_provider_id: str, month: date, today: date) -> bool:
        """Read a month, up to today; return whether it holds news. Raise FunderError, NotOurAccount."""

        async def keep(answer: ClaimingAnswer) -> None:
            await self.database.do(record_account_answer, service_provider_id, month, answer.body)

        claiming = Claiming.over(self.source, keep)
        last = min(end_of_month(month), today)
        summary = await claiming.fetch_account_summary(service_provider_id, month, last)
        if summary.service_provider_id != service_provider_id:
            raise NotOurAccount
        movements = [describe_movement(row) for row in summary.transactions]
        return await self.database.do(
            store_account, service_provider_id, month, describe_summary(summary, month, last), movements
        )


def describe_summary(summary: AccountSummary, first: date, last: date) -> dict[str, Any]:
    """Return the columns of a month: the amounts held over are sizes, whatever sign the funder uses."""
    opening, closing = summary.heldover_previous_period, summary.heldover_amount
    return {
        "period_start_date": summary.period_start_date or first,
        "period_end_date": summary.period_end_date or last,
        "opening": None if opening is None else abs(opening),
        "paid": summary.payment_amount,
        "closing": None if closing is None else abs(closing),
    }


def describe_movement(row: AccountTransaction) -> dict[str, Any]:
    """Return the columns of one movement."""
    balance = row.heldover_balance
    return {
        "movement_date": read_day(row.date),
        "description": row.description[:200],
        "transaction_type": row.transaction_type[:40],
        "claim_id": row.payment_identifier.strip()[:40],
        "payment_reference": row.payment_reference[:60],
        "amount": row.amount,
        "payment_amount": row.payment_amount,
        "heldover_balance": None if balance is None else abs(balance),
    }


def read_day(text: str) -> date | None:
    """Return the day of a date or of a stamp; None where there is none that can be read."""
    try:
        found = datetime.fromisoformat(text).date()
    except ValueError:
        return None
    return found if FIRST_YEAR <= found.year <= LAST_YEAR else None
