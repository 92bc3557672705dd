"""Every way in which a line, the funder's decision on it and its draws can match or not, and who has to act.

Pure: what is compared comes from records/claims. Source: rules CLAIM-12, SAH-10 and SAH-13.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import NamedTuple

from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.claims.matching import LineState, LineTruth
from carefund.domain.periods import Period

ZERO, CENT = Decimal("0.00"), Decimal("0.01")
_AT_HM = ("AT", "HM")


class MatchKind(StrEnum):
    """How a line and what the funder did about it lie side by side."""

    MATCHED = "matched"
    UNDECIDED = "undecided"
    REFUSED = "refused"
    REFUSED_DRAWN = "refused-drawn"
    MISSING_AT_FUNDER = "missing-at-funder"
    MISSING_HERE = "missing-here"
    DUPLICATE = "duplicate"
    AMOUNT = "amount"
    CONTRIBUTION = "contribution"
    OTHER_BUDGET = "other-budget"
    OTHER_PROVIDER = "other-provider"
    HELD_OVER = "held-over"
    COMPENSATION = "compensation"

    @property
    def label(self) -> str:
        """The kind as people read it."""
        return _LABELS[self]


_LABELS = {
    MatchKind.MATCHED: "Matched",
    MatchKind.UNDECIDED: "Not decided yet",
    MatchKind.REFUSED: "Refused",
    MatchKind.REFUSED_DRAWN: "Refused but drawn",
    MatchKind.MISSING_AT_FUNDER: "Paid but not drawn",
    MatchKind.MISSING_HERE: "Drawn by us, no matching line",
    MatchKind.DUPLICATE: "Drawn twice",
    MatchKind.AMOUNT: "Drawn amount differs",
    MatchKind.CONTRIBUTION: "Contribution differs",
    MatchKind.OTHER_BUDGET: "Drawn from another budget",
    MatchKind.OTHER_PROVIDER: "Another provider",
    MatchKind.HELD_OVER: "Payment held over",
    MatchKind.COMPENSATION: "Reduced by compensation",
}
# Somebody has to find out why. What else there is explains itself: the funder may choose the budget, hold a small
# payment over, take compensation off, and pay other providers.
NEEDS_SOMEBODY = (
    MatchKind.REFUSED, MatchKind.REFUSED_DRAWN, MatchKind.MISSING_AT_FUNDER, MatchKind.DUPLICATE, MatchKind.AMOUNT,
    MatchKind.CONTRIBUTION,
)  # fmt: skip


class ContributionShare(NamedTuple):
    """The percentages in force for a time; None is unknown, never 0%. `service_provider_id` "" holds for all."""

    service_provider_id: str
    span: Period
    clinical: Decimal | None
    independence: Decimal | None
    everyday_living: Decimal | None


class ApprovedCategory(NamedTuple):
    """The category that a service is approved in, while the span lasts."""

    service_id: str
    category: str
    span: Period


class PricedLine(NamedTuple):
    """What a contribution is a share of."""

    service_id: str
    service_provider_id: str
    funding_source: str
    delivery_date: date
    quantity: Decimal
    amount: Decimal


def expected_contribution(
    line: PricedLine, shares: Iterable[ContributionShare], categories: Iterable[ApprovedCategory]
) -> Decimal | None:
    """What the person pays of a line by the percentage in force on its day; None where that is not known for certain.

    Source: rule SAH-13.
    """
    column = _column_of(line, categories)
    in_force = {
        getattr(share, column)
        for share in shares
        if column and share.span.covers(line.delivery_date)
        and share.service_provider_id in ("", line.service_provider_id)
    }  # fmt: skip
    percentage: Decimal | None = in_force.pop() if len(in_force) == 1 else None
    if percentage is None:
        return None
    return (line.amount * percentage / 100).quantize(CENT, ROUND_HALF_UP)


def _column_of(line: PricedLine, categories: Iterable[ApprovedCategory]) -> str:
    """The percentage that applies, "" where the approved services do not say, or say two things."""
    if line.funding_source in _AT_HM:
        return "independence"
    service_id = line.service_id.partition("|")[0]
    alike = [row for row in categories if row.service_id.partition("|")[0] == service_id]
    words = {row.category.strip().lower() for row in alike if row.span.covers(line.delivery_date)}
    if len(words) != 1:
        return ""
    [word] = words
    columns = {"clinical": "clinical", "independence": "independence", "everyday": "everyday_living"}
    return next((column for start, column in columns.items() if word.startswith(start)), "")


def contribution_differs(taken: Decimal | None, expected: Decimal | None, quantity: Decimal) -> bool:
    """Whether more or less was taken than the percentage says. Nobody says whether a unit or a line is rounded, so a
    cent for each unit is no difference; what is not known is none either."""
    if taken is None or expected is None:
        return False
    return abs(abs(taken) - expected) > CENT * max(Decimal(1), quantity)


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """One claimed line with all that was decided about it."""

    truth: LineTruth
    funding_source: str
    quantity: Decimal
    contribution: Decimal | None = None
    expected_contribution: Decimal | None = None
    compensation: Decimal | None = None
    is_held_over: bool = False


def list_match_kinds(facts: MatchFacts, today: date) -> Sequence[MatchKind]:
    """Every way in which a line does or does not match, the one to look at first in front."""
    truth, state = facts.truth, facts.truth.state(today)
    if state in _UNDECIDED:
        return (MatchKind.UNDECIDED,)
    found = [_KIND_OF_STATE[state]] if state in _KIND_OF_STATE else []
    if state is LineState.DIFFERENT:
        found.append(MatchKind.DUPLICATE if _is_multiple(truth) else MatchKind.AMOUNT)
    if not truth.is_refused and contribution_differs(facts.contribution, facts.expected_contribution, facts.quantity):
        found.append(MatchKind.CONTRIBUTION)
    if facts.funding_source and any(draw.type_code not in ("", facts.funding_source) for draw in truth.draws):
        found.append(MatchKind.OTHER_BUDGET)
    if facts.is_held_over and not truth.is_refused:
        found.append(MatchKind.HELD_OVER)
    if facts.compensation:
        found.append(MatchKind.COMPENSATION)
    if not any(kind in NEEDS_SOMEBODY for kind in found):
        found.insert(0, MatchKind.MATCHED if state is LineState.DRAWN else MatchKind.UNDECIDED)
    return tuple(found)


_UNDECIDED = (LineState.NOT_CLAIMED, LineState.WAITING)
_KIND_OF_STATE = {
    LineState.REFUSED: MatchKind.REFUSED,
    LineState.REVERSED: MatchKind.REFUSED_DRAWN,
    LineState.NO_USAGE: MatchKind.MISSING_AT_FUNDER,
}


def _is_multiple(truth: LineTruth) -> bool:
    """Whether the line was drawn in full twice or more."""
    return truth.claimed > 0 and truth.drawn > truth.claimed and truth.drawn % truth.claimed == 0


def kind_of_draw(drawn_by: DrawnBy, *, is_repeated: bool) -> MatchKind:
    """What a draw is. `is_repeated`: for the same service, day and amount a line of ours was drawn already."""
    if drawn_by is DrawnBy.ANOTHER_PROVIDER:
        return MatchKind.OTHER_PROVIDER
    if drawn_by is DrawnBy.US:
        return MatchKind.MATCHED
    return MatchKind.DUPLICATE if is_repeated else MatchKind.MISSING_HERE
