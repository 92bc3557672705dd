"""How each PACE answer is read, in a funder's dialect. No network."""

from dataclasses import dataclass
from functools import lru_cache

from carefund.funders.decoding import RowReader
from carefund.funders.dialect import Dialect
from carefund.funders.ndia.partner_payloads import PartnerBudget
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow


@dataclass(frozen=True, slots=True, eq=False)
class PaceReaders:
    """The readers of one installation."""

    determination: RowReader[Determination]
    plans: RowReader[PlanRow]
    budget: RowReader[BudgetTree]
    partner: RowReader[PartnerBudget]


@lru_cache(maxsize=8)
def pace_readers_for(dialect: Dialect) -> PaceReaders:
    """The readers for a dialect; made once for each."""
    return PaceReaders(
        determination=RowReader(Determination, dialect=dialect),
        plans=RowReader(PlanRow, dialect=dialect),
        budget=RowReader(BudgetTree, dialect=dialect),
        partner=RowReader(PartnerBudget, dialect=dialect),
    )
