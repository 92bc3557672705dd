"""The three calls that all of PACE stands on, as one shape that the NDIA or a partner's gateway can fill.

Source: rule NDIS-03.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from carefund.funders.answers import FunderAnswer
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow


@dataclass(frozen=True, slots=True)
class Identity:
    """What the NDIA knows a participant by; all three must match. Shows nothing of itself in a log."""

    ndis_number: str = field(repr=False)
    surname: str = field(repr=False)
    birth_date: date = field(repr=False)


class PaceSource(Protocol):
    """Where a participant's plan and budgets come from. Every call raises a FunderError."""

    async def fetch_determination(self, identity: Identity) -> FunderAnswer[Determination]:
        """Whether the participant is on PACE. Raises IdentityNotMatched."""

    async def fetch_plans(self, identity: Identity) -> FunderAnswer[tuple[PlanRow, ...]]:
        """At most two plans: the current one and the one before. Raises AuthorityMissing, IdentityNotMatched."""

    async def fetch_budget(self, identity: Identity) -> FunderAnswer[BudgetTree]:
        """The money of the current PACE plan. Raises AuthorityMissing, IdentityNotMatched."""
