"""Sums over a contract's budgets: total funding, and Core Flexible as the one pot that it is.

Source: rules NDIS-12 and NDIS-13.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Protocol, TypeVar


class Row(Protocol):
    """What a sum needs of a budget, stored or just fetched."""

    @property
    def support_type(self) -> str: ...

    @property
    def budget_type(self) -> str: ...

    @property
    def approved_amount(self) -> Decimal | None: ...


AnyRow = TypeVar("AnyRow", bound=Row)


def total_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of what is known; None when nothing is."""
    known = [amount for amount in amounts if amount is not None]
    return sum(known, Decimal("0.00")) if known else None


def full_total_of(amounts: Iterable[Decimal | None]) -> Decimal | None:
    """The sum of all; None when one is not known, since the rest would pass for the whole."""
    listed = list(amounts)
    return None if None in listed else total_of(listed)


def total_funding(rows: Iterable[AnyRow], counts: Callable[[AnyRow], bool]) -> Decimal:
    """What the contract is worth: approved amounts of the categories that count."""
    return total_of(row.approved_amount for row in rows if counts(row)) or Decimal("0.00")


def is_core_flexible(row: Row) -> bool:
    """Whether a category shares the Core Flexible pot."""
    return row.support_type == "Core" and row.budget_type == "Flexible"
