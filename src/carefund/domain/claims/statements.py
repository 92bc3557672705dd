"""Whether what was paid for a claim adds up: the statement in itself, and the statement against its lines.

Amounts in dollars; reductions may come with either sign. Nothing is corrected here, only told.
Source: rule CLAIM-09.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

ZERO = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Statement:
    """The totals of a payment statement; None stands for an amount that was not sent."""

    claim_total: Decimal | None = None
    total_paid: Decimal | None = None
    compensation_reduction: Decimal | None = None
    care_recipient_individual_contribution: Decimal | None = None
    heldover_previous_period: Decimal | None = None
    outstanding_heldover: Decimal | None = None

    @property
    def expected_payment(self) -> Decimal | None:
        """Claimed, less what people pay and compensation, plus what was held over before, less what is now."""
        if self.claim_total is None:
            return None
        return (
            self.claim_total
            - abs(self.care_recipient_individual_contribution or ZERO)
            - abs(self.compensation_reduction or ZERO)
            + abs(self.heldover_previous_period or ZERO)
            - abs(self.outstanding_heldover or ZERO)
        )


@dataclass(frozen=True, slots=True)
class PaidLine:
    """What the funder said of one line: the gross amount that it accepted and what it took off."""

    accepted: Decimal
    individual_contribution: Decimal = ZERO
    compensation_reduction: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        return self.accepted - abs(self.individual_contribution) - abs(self.compensation_reduction)


def find_discrepancies(statement: Statement, lines: Iterable[PaidLine] | None = None) -> list[str]:
    """Sentences about what does not add up, none when all does. `lines` None: the lines are not ours to know."""
    found = []
    expected = statement.expected_payment
    if expected is None or statement.total_paid is None:
        found.append("The statement leaves out the claim total or the payment, so it cannot be checked.")
    elif expected != statement.total_paid:
        found.append(f"The parts come to {expected:,.2f}, but {statement.total_paid:,.2f} is stated as paid.")
    if lines is None or statement.claim_total is None:
        return found
    paid = list(lines)
    accepted = sum((line.accepted for line in paid), ZERO)
    if accepted != statement.claim_total:
        found.append(f"The lines come to {accepted:,.2f}, but the claim total is {statement.claim_total:,.2f}.")
    for name, stated, summed in (
        (
            "individual contributions",
            statement.care_recipient_individual_contribution,
            sum((abs(line.individual_contribution) for line in paid), ZERO),
        ),
        (
            "compensation",
            statement.compensation_reduction,
            sum((abs(line.compensation_reduction) for line in paid), ZERO),
        ),
    ):
        if stated is not None and abs(stated) != summed:
            found.append(f"The lines' {name} come to {summed:,.2f}, but {abs(stated):,.2f} is stated.")
    return found
