"""What the funder would refuse of a line, known before anything is sent; a refusal blocks the line, a caution does not.

Source: rules CLAIM-03 to CLAIM-05, SA-12, SAH-11, SAH-12 and SYNC-20.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple

from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.claims.funding_sources import name_funding
from carefund.domain.periods import Period
from carefund.domain.quarters import quarter_of
from carefund.domain.wording import write_day

CLAIM_WINDOW_DAYS = 60
HOUR_STEP = Decimal("0.25")
MOST_ITEMS = 9_999
ONGOING = "ON"


class LineFinding(NamedTuple):
    """One reason against a line: a code for machines, a sentence for people, and whether the line stays behind."""

    code: str
    message: str
    blocks: bool = True


class ApprovedSpan(NamedTuple):
    """A service that the person may receive, by its code, while the span lasts."""

    service_id: str
    span: Period


class BudgetSpan(NamedTuple):
    """A budget that could be drawn: its kind, its days, and what is left of it in dollars if the funder said so."""

    type_code: str
    span: Period
    available: Decimal | None = None


def amount_of(quantity: Decimal, price_per_unit: Decimal) -> Decimal:
    """What a line comes to, in dollars and cents: each line is rounded, so that sums of lines agree everywhere."""
    return (quantity * price_per_unit).quantize(Decimal("0.01"))


@dataclass(frozen=True, slots=True)
class ClaimLine:
    """One delivered service as it would be claimed. `unit_type` "" means that nobody said what a unit is."""

    key: int
    care_recipient_id: str
    service_id: str
    delivery_date: date
    quantity: Decimal
    price_per_unit: Decimal
    funding_source: str = ONGOING
    unit_type: str = ""
    late_reason: str = ""

    @property
    def amount(self) -> Decimal:
        """Quantity times price, in dollars and cents."""
        return amount_of(self.quantity, self.price_per_unit)


def code_of(line: ClaimLine) -> str:
    """The code of a line's service, without what an own system wrote after it."""
    return line.service_id.partition("|")[0]


@dataclass(frozen=True, slots=True)
class StoredFunding:
    """What is stored of one person. `services` or `budgets` None: never synchronised, so nothing can be said.
    `identity`: how name and date of birth stand to the funder's; `is_another_person`: it answered with another id."""

    services: Sequence[ApprovedSpan] | None = None
    budgets: Sequence[BudgetSpan] | None = None
    identity: IdentityState = IdentityState.NOT_COMPARED
    is_another_person: bool = False


def check_line(line: ClaimLine, known: StoredFunding, today: date) -> list[LineFinding]:
    """Everything against claiming a line today, the blocking reasons first."""
    found = [*_check_figures(line, today), *_check_service(line, known), *_check_budget(line, known, today)]
    if known.is_another_person:
        found.append(_ANOTHER_PERSON)
    elif known.identity in _IDENTITY:
        found.append(_IDENTITY[known.identity])
    return sorted(found, key=lambda problem: not problem.blocks)


_ANOTHER_PERSON = LineFinding(
    "identity-another-person",
    "Services Australia answered with another Care Recipient ID when the client was last read.",
    False,
)
_IDENTITY = {
    IdentityState.DIFFERS: LineFinding(
        "identity-differs", "The client's name or date of birth is different at Services Australia.", False
    ),
    IdentityState.NOT_FOUND: LineFinding(
        "identity-not-found", "Services Australia has no one with the client's Care Recipient ID.", False
    ),
}


def _check_figures(line: ClaimLine, today: date) -> list[LineFinding]:
    found = []
    if not line.care_recipient_id:
        found.append(LineFinding("no-care-recipient-id", "The client has no Care Recipient ID yet."))
    if line.quantity <= 0:
        found.append(LineFinding("quantity", "The quantity must be more than zero."))
    elif line.unit_type in ("", "hours") and line.quantity % HOUR_STEP:
        found.append(LineFinding("quarter-hours", "Hours are claimed in steps of 0.25."))
    if line.price_per_unit < 0:
        found.append(LineFinding("price", "The price cannot be negative."))
    if line.delivery_date > today:
        found.append(LineFinding("not-delivered", "The delivery date is in the future."))
    return found


def _check_service(line: ClaimLine, known: StoredFunding) -> list[LineFinding]:
    if known.services is None:
        return [
            LineFinding(
                "services-unknown", "The client has not been synchronised, so approval cannot be checked.", False
            )
        ]
    wanted = code_of(line)
    approved = (service for service in known.services if service.service_id == wanted)
    if any(service.span.covers(line.delivery_date) for service in approved):
        return []
    return [LineFinding("not-approved", f"This service ({wanted}) is not approved for the client on that date.")]


def _check_budget(line: ClaimLine, known: StoredFunding, today: date) -> list[LineFinding]:
    found = []
    budgets = None
    if known.budgets is not None:
        of_type = [budget for budget in known.budgets if budget.type_code == line.funding_source]
        budgets = [budget for budget in of_type if budget.span.covers(line.delivery_date)]
        if not budgets:
            return [LineFinding("no-budget", f"No budget covers that date: {name_funding(line.funding_source)}.")]
    last = last_claim_date(line, budgets or ())
    if last is not None and today > last:
        if line.late_reason:
            found.append(
                LineFinding(
                    "late", "Late, with a reason. Services Australia will hold and assess the whole invoice.", False
                )
            )
        else:
            found.append(
                LineFinding(
                    "outside-window", f"The last day to claim was {write_day(last)}. Give a reason for lateness."
                )
            )
    left = [budget.available for budget in budgets or () if budget.available is not None]
    if left and line.amount > sum(left):
        # The full price is claimed even so; what is not paid may be paid when money arrives.
        found.append(
            LineFinding("over-budget", "This is more than the budget has left. It can still be claimed.", False)
        )
    return found


def last_claim_date(line: ClaimLine, budgets: Iterable[BudgetSpan]) -> date | None:
    """The last day on which a line can be claimed without a reason: 60 days after its budget's or quarter's end."""
    ends = [budget.span.end_date for budget in budgets]
    if ends:
        return None if None in ends else max(end for end in ends if end) + timedelta(days=CLAIM_WINDOW_DAYS)
    if line.funding_source != ONGOING:
        return None
    return quarter_of(line.delivery_date).end_date + timedelta(days=CLAIM_WINDOW_DAYS)


def find_duplicates(lines: Sequence[ClaimLine], claimed: Iterable[ClaimLine] = ()) -> set[int]:
    """Keys of lines that repeat an earlier or claimed one: same person, service, day, quantity and price."""
    seen = {_identity(line) for line in claimed}
    repeated = set()
    for line in lines:
        identity = _identity(line)
        if identity in seen:
            repeated.add(line.key)
        seen.add(identity)
    return repeated


def _identity(line: ClaimLine) -> tuple[object, ...]:
    return (line.care_recipient_id, line.service_id, line.delivery_date, line.quantity, line.price_per_unit)


DUPLICATE = LineFinding(
    "duplicate", "The same service, day, quantity and price has already been claimed for the client."
)


def next_claim_date(last_claim: date | None, today: date) -> date:
    """The first day on which a service provider may claim: one claim per provider and day.

    Source: rule CLAIM-05.
    """
    return today + timedelta(days=1) if last_claim is not None and last_claim >= today else today
