"""Whether a provider's account with the funder ties to our claims: opening + movements = closing, month by month.

Pure. Nothing is corrected here. What does not tie is named to the cent: `causes` always come to the whole difference.
Source: rule CLAIM-13.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import NamedTuple

from carefund.domain.claims.statements import Statement
from carefund.domain.wording import write_money

ZERO = Decimal("0.00")


class Issue(StrEnum):
    """What is wrong with an account, or with one movement of it."""

    UNKNOWN = "unknown-claim"
    MISSING = "missing-claim"
    AMOUNT = "amount-differs"
    ARITHMETIC = "does-not-add-up"
    PAID = "payment-differs"
    PAYMENTS = "payments-do-not-add-up"
    OPENING = "opening-differs"
    NOT_STATED = "not-stated"


class Movement(NamedTuple):
    """One movement as the account has it: what a claim came to, and what was then paid out. "" stands for no claim."""

    claim_id: str
    description: str
    amount: Decimal | None
    paid: Decimal | None


class PaidClaim(NamedTuple):
    """A claim of ours that was paid: `due` is what its statement comes to before anything was held over."""

    claim_id: str
    due: Decimal
    paid: Decimal | None


class Finding(NamedTuple):
    """One thing that does not tie: in words, and by how much the account has more than our records."""

    issue: Issue
    sentence: str
    amount: Decimal
    claim_id: str = ""


@dataclass(frozen=True, slots=True)
class StatedAccount:
    """A month as the funder states it. None stands for an amount that was not sent."""

    opening: Decimal | None
    paid: Decimal | None
    closing: Decimal | None
    movements: Sequence[Movement] = ()


@dataclass(frozen=True, slots=True)
class Tie:
    """An account beside our claims. `expected` is what our claims say that the closing amount is.

    `causes` add up to `difference`, cent by cent; `remarks` are what else is wrong and moves no closing amount.
    """

    account: StatedAccount
    due: Decimal
    expected: Decimal
    causes: Sequence[Finding]
    remarks: Sequence[Finding]

    @property
    def difference(self) -> Decimal:
        """By how much the account closes above what our claims say."""
        return (self.account.closing or ZERO) - self.expected

    @property
    def findings(self) -> list[Finding]:
        """All that does not tie."""
        return [*self.causes, *self.remarks]

    @property
    def ties(self) -> bool:
        return not self.causes and not self.remarks


def find_due(statement: Statement) -> Decimal | None:
    """Return what a claim comes to before anything is held over: its total less contributions and compensation."""
    if statement.claim_total is None:
        return None
    contribution = abs(statement.care_recipient_individual_contribution or ZERO)
    return statement.claim_total - contribution - abs(statement.compensation_reduction or ZERO)


def tie(account: StatedAccount, claims: Iterable[PaidClaim], others: Collection[str], before: Decimal | None) -> Tie:
    """Compare an account with our claims that were paid in its month.

    `claims` are those of the month and those that its movements name. `others` are claims that another month's account
    has; they are not missed in this one. `before` is how the account of the month before closed, None if not known.
    """
    known = {claim.claim_id: claim for claim in claims}
    amounts: dict[str, Decimal] = defaultdict(lambda: ZERO)
    paid: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for movement in account.movements:
        amounts[movement.claim_id] += movement.amount or ZERO
        paid[movement.claim_id] += movement.paid or ZERO
    ours = [claim for claim in known.values() if claim.claim_id in amounts or claim.claim_id not in others]
    due = sum((claim.due for claim in ours), ZERO)
    expected = (account.opening or ZERO) + due - (account.paid or ZERO)
    causes = [
        *_list_unknown(account.movements, known),
        *_list_amounts(ours, amounts),
        *_list_arithmetic(account),
    ]
    remarks = [*_list_unstated(account), *_list_payments(account, ours, paid), *_list_opening(account, before)]
    return Tie(account, due, expected, causes, remarks)


def _list_unknown(movements: Iterable[Movement], known: Collection[str]) -> Iterator[Finding]:
    for movement in movements:
        if movement.claim_id in known:
            continue
        amount = write_money(movement.amount or ZERO)
        if movement.claim_id:
            sentence = f"{amount} for claim {movement.claim_id}, of which Carefund has no payment."
        else:
            sentence = f"{amount} without a claim: {movement.description or 'no description'}."
        if movement.amount:
            yield Finding(Issue.UNKNOWN, sentence, movement.amount, movement.claim_id)


def _list_amounts(ours: Iterable[PaidClaim], amounts: dict[str, Decimal]) -> Iterator[Finding]:
    for claim in ours:
        if claim.claim_id not in amounts:
            if claim.due:
                sentence = f"Claim {claim.claim_id} of {write_money(claim.due)} is not in the account."
                yield Finding(Issue.MISSING, sentence, -claim.due, claim.claim_id)
        elif amounts[claim.claim_id] != claim.due:
            stated = write_money(amounts[claim.claim_id])
            sentence = f"Claim {claim.claim_id} comes to {write_money(claim.due)} by its statement and {stated} here."
            yield Finding(Issue.AMOUNT, sentence, amounts[claim.claim_id] - claim.due, claim.claim_id)


def _list_arithmetic(account: StatedAccount) -> Iterator[Finding]:
    moved = sum((movement.amount or ZERO for movement in account.movements), ZERO)
    worked_out = (account.opening or ZERO) + moved - (account.paid or ZERO)
    rest = (account.closing or ZERO) - worked_out
    if rest:
        sentence = (
            f"Opening amount and movements less payments come to {write_money(worked_out)}, "
            f"but the account closes with {write_money(account.closing or ZERO)}."
        )
        yield Finding(Issue.ARITHMETIC, sentence, rest)


def _list_unstated(account: StatedAccount) -> Iterator[Finding]:
    names = (("opening amount", account.opening), ("payment", account.paid), ("closing amount", account.closing))
    missing = [name for name, amount in names if amount is None]
    if missing:
        yield Finding(Issue.NOT_STATED, f"Not stated, counted as $0.00: {', '.join(missing)}.", ZERO)


def _list_payments(account: StatedAccount, ours: Iterable[PaidClaim], paid: dict[str, Decimal]) -> Iterator[Finding]:
    for claim in ours:
        if claim.claim_id in paid and claim.paid is not None and claim.paid != paid[claim.claim_id]:
            stated = write_money(paid[claim.claim_id])
            sentence = f"Claim {claim.claim_id} paid {write_money(claim.paid)} by its statement and {stated} here."
            yield Finding(Issue.PAID, sentence, paid[claim.claim_id] - claim.paid, claim.claim_id)
    summed = sum(paid.values(), ZERO)
    if account.movements and account.paid is not None and account.paid != summed:
        sentence = f"The movements paid {write_money(summed)}, but the account says {write_money(account.paid)}."
        yield Finding(Issue.PAYMENTS, sentence, account.paid - summed)


def _list_opening(account: StatedAccount, before: Decimal | None) -> Iterator[Finding]:
    if before is not None and account.opening is not None and account.opening != before:
        sentence = (
            f"The month before closed with {write_money(before)}, "
            f"but this one opens with {write_money(account.opening)}."
        )
        yield Finding(Issue.OPENING, sentence, account.opening - before)
