"""How each answer about people is read: one record or a list, of which payload type, under which spellings. No network.

The one place where bytes of these operations become records: for answers just received, for archived ones, and for
those frozen with a preview.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Generic, TypeVar

import msgspec

from carefund.funders.answers import FunderAnswer
from carefund.funders.decoding import RowReader
from carefund.funders.dialect import PLAIN, Dialect
from carefund.funders.normalising import Spellings
from carefund.funders.paths import find_nearest
from carefund.funders.services_australia import operations, payloads
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    BudgetPeriod,
    CareRecipientSummary,
    IndividualContribution,
)

SETTING = "CAREFUND_SERVICES_AUSTRALIA_SPELLINGS"
Row = TypeVar("Row", bound=msgspec.Struct)


class RecordReader(Generic[Row]):
    """Reads the answers of an operation that gives one record."""

    def __init__(self, operation: str, rows: RowReader[Row]) -> None:
        self.operation = operation
        self.rows = rows

    def read(self, pages: Sequence[bytes]) -> Row:
        """The record of the one page. Raises what RowReader.read_one raises."""
        return self.rows.read_one(pages[0], self.operation)


class ListReader(Generic[Row]):
    """Reads the answers of an operation that gives a list, page by page."""

    def __init__(self, operation: str, rows: RowReader[Row]) -> None:
        self.operation = operation
        self.rows = rows

    def read(self, pages: Sequence[bytes]) -> tuple[Row, ...]:
        """The rows of all pages; none without a page. Raises what RowReader.read_rows raises."""
        return self.join([self.rows.read_rows(page, self.operation) for page in pages])

    def join(self, pages: Sequence[list[Row]]) -> tuple[Row, ...]:
        """The rows of pages; those that slid from one page to the next while they were read, once."""
        if len(pages) == 1:
            return tuple(pages[0])
        return tuple(dict.fromkeys(row for page in pages for row in page))


@dataclass(frozen=True, slots=True, eq=False)
class Readers:
    """The readers of one installation."""

    summary: RecordReader[CareRecipientSummary]
    contributions: ListReader[IndividualContribution]
    budgets: ListReader[Budget]
    details: RecordReader[BudgetDetails]
    provider_summaries: ListReader[CareRecipientSummary]
    provider_budgets: ListReader[Budget]
    provider_budget_heads: ListReader[Budget]
    provider_contributions: ListReader[IndividualContribution]
    periods: RowReader[BudgetPeriod]

    def read_periods(self, answer: FunderAnswer[Sequence[Budget]]) -> Sequence[BudgetPeriod]:
        """The budgets of a list; of one that was recognised, without decoding the rest of them."""
        if answer.recognised and answer.pages:
            return self.periods.read_rows(answer.pages[0], answer.operation)
        return answer.value


def readers_for(spellings: Spellings, dialect: Dialect = PLAIN) -> Readers:
    """The readers for an installation's own spellings and its funder's dialect; made once for each."""
    return _readers_for(tuple(sorted(spellings.items())), dialect)


@lru_cache(maxsize=8)
def _readers_for(spellings: tuple[tuple[str, tuple[str, ...]], ...], dialect: Dialect) -> Readers:
    own = dict(spellings)
    summaries, budgets = RowReader(CareRecipientSummary, own, dialect), RowReader(Budget, own, dialect)
    contributions = RowReader(IndividualContribution, own, dialect)
    return Readers(
        summary=RecordReader(operations.CARE_RECIPIENT_SUMMARY, summaries),
        contributions=ListReader(operations.INDIVIDUAL_CONTRIBUTION, contributions),
        budgets=ListReader(operations.BUDGETS_BY_CARE_RECIPIENT, budgets),
        details=RecordReader(operations.BUDGET_DETAILS, RowReader(BudgetDetails, own, dialect)),
        provider_summaries=ListReader("care_recipient_summaries", summaries),
        provider_budgets=ListReader("budgets_by_service_provider", budgets),
        provider_budget_heads=ListReader("budget_summary", budgets),
        provider_contributions=ListReader("individual_contributions", contributions),
        periods=RowReader(BudgetPeriod, own, dialect),
    )


def wrong_spellings(spellings: Mapping[str, object]) -> list[str]:
    """Return one sentence for each member that no payload has, naming the nearest right one."""
    members = list(_members())
    wrong = []
    for member in set(spellings) - set(members):
        nearest = find_nearest(member, members)
        hint = f' Did you mean "{nearest}"?' if nearest else ""
        wrong.append(f'{SETTING}: "{member}" is not a member of an answer.{hint}')
    return sorted(wrong)


def _members() -> Iterator[str]:
    for kind in vars(payloads).values():
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind is not msgspec.Struct:
            inherited = {name for base in kind.__bases__ for name in getattr(base, "__struct_fields__", ())}
            yield from (f"{kind.__name__}.{name}" for name in kind.__struct_fields__ if name not in inherited)
