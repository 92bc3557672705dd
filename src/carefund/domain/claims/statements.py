"""Whether what was paid for a claim adds up: the statement in itself, and the statement against its lines.

Amounts in dollars; reductions may come with either sign. Nothing is corrected here, only told.
Source: rule CLAIM-09.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from carefund.domain.wording import write_money

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
        found.append("The statement has no claim total or no payment, so it cannot be checked.")
    elif expected != statement.total_paid:
        stated = write_money(statement.total_paid)
        found.append(f"The parts of the statement add up to {write_money(expected)}, but it says {stated} was paid.")
    if lines is None or statement.claim_total is None:
        return found
    paid = list(lines)
    accepted = sum((line.accepted for line in paid), ZERO)
    if accepted != statement.claim_total:
        total = write_money(statement.claim_total)
        found.append(f"The lines add up to {write_money(accepted)}, but the claim total is {total}.")
    for name, amount, summed in (
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
        if amount is not None and abs(amount) != summed:
            said = write_money(abs(amount))
            found.append(f"The lines' {name} add up to {write_money(summed)}, but the statement says {said}.")
    return found
