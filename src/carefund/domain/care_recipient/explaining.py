"""What makes up each figure of a budget, term by term: from the funder, computed, or unknown, and the likely cause.

The terms of a figure always add up to it: what no term explains is itself the last term, unknown, to the cent. A likely
cause is named where some known amount is exactly what is left; it is never subtracted from the funder's figure.
Source: rules SAH-02 to SAH-07 and SAH-16.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import combinations
from typing import NamedTuple

from carefund.domain.care_recipient.budgets import Figures, effects_of
from carefund.domain.care_recipient.entitlement_amounts import (
    Basis,
    GrantedAmount,
    HeldRate,
    Terms,
    Working,
    expect,
    work_out,
)
from carefund.domain.care_recipient.rates import INTERIM_SHARE, RateKind, key_of, list_keys, multiply, spread, to_cents
from carefund.domain.wording import many, write_day, write_money

ZERO = Decimal("0.00")
_CENT = Decimal("0.01")
_MOST_SUSPECTS = 60  # pairs of more would take long, and a pair among so many proves nothing


class Origin(StrEnum):
    """Where the amount of a term comes from; the value is the code that the API gives."""

    FUNDER = "funder"
    COMPUTED = "computed"
    UNKNOWN = "unknown"

    @property
    def label(self) -> str:
        """The origin as people read it."""
        return "from Services Australia" if self is Origin.FUNDER else self.value


class Term(NamedTuple):
    """One part of a figure. `working` says how it comes about, as far as that is known; `basis` what that rests on;
    `when` is its first and last day in words."""

    label: str
    amount: Decimal
    origin: Origin
    working: str = ""
    basis: Basis | None = None
    when: str = ""


@dataclass(frozen=True, slots=True)
class FigureExplanation:
    """One figure with its terms. `stated` None: the funder gives none. `rest` is what the terms leave, `cause` why."""

    name: str
    stated: Decimal | None
    terms: Sequence[Term]
    cause: str = ""

    @property
    def rest(self) -> Decimal:
        """What no term explains; 0 where all is explained."""
        return sum((term.amount for term in self.terms if term.origin is Origin.UNKNOWN), ZERO)

    @property
    def is_explained(self) -> bool:
        """Whether every cent has a term that is known."""
        return not any(term.origin is Origin.UNKNOWN for term in self.terms)


@dataclass(frozen=True, slots=True)
class BudgetExplanation:
    """The figures of one budget: what it consists of, what was drawn, and what that leaves."""

    total: FigureExplanation
    used: FigureExplanation
    available: FigureExplanation

    @property
    def figures(self) -> tuple[FigureExplanation, ...]:
        return self.total, self.used, self.available

    @property
    def is_explained(self) -> bool:
        """Whether every figure is explained to the cent."""
        return all(figure.is_explained for figure in self.figures)

    @property
    def is_worked_out(self) -> bool:
        """Whether each entitlement is also what the rate table gives."""
        bases = [term.basis for term in self.total.terms if term.basis is not None]
        return self.is_explained and all(basis is Basis.RATE for basis in bases)


class Drawn(NamedTuple):
    """A draw as the funder lists it, in its sign: negative. `drawer` in words, `is_returned` whether still listed."""

    label: str
    amount: Decimal
    drawer: str
    is_returned: bool = True


class Undrawn(NamedTuple):
    """A delivered line of ours that nothing is listed for: `amount` is its price."""

    label: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Facts:
    """All that is known about a budget. `entitlements`, `draws` None: not read, so nothing can be said.

    `gone` are entitlements no longer returned. `rolled_over` is what the budget before says it rolled over to this one,
    with its name; None where it is not here. `held` are the levels and supplements of the person.
    """

    figures: Figures
    terms: Terms
    entitlements: Sequence[GrantedAmount] | None = ()
    gone: Sequence[GrantedAmount] = ()
    draws: Sequence[Drawn] | None = ()
    rolled_over: tuple[str, Decimal] | None = None
    undrawn: Sequence[Undrawn] = ()


class _Suspect(NamedTuple):
    """A known amount that could be what is left, and the sentence that then says why."""

    amount: Decimal
    sentence: str


def explain(facts: Facts) -> BudgetExplanation:
    """Every figure of a budget with its terms."""
    return BudgetExplanation(_explain_total(facts), _explain_used(facts), _explain_available(facts))


def _explain_total(facts: Facts) -> FigureExplanation:
    held = [(held, working) for held in facts.terms.held if (working := expect(held, facts.terms)) is not None]
    terms, missing = [], list(held)
    if facts.entitlements is None:
        terms = [
            Term(held.name, found.amount, Origin.COMPUTED, found.text, found.basis, _write_held_days(held, facts.terms))
            for held, found in missing
        ]
        missing = []
    for row in facts.entitlements or ():
        working = work_out(row, facts.terms)
        when = _write_days(row.start_date, row.end_date)
        terms.append(Term(_name(row), row.amount or ZERO, Origin.FUNDER, working.text, working.basis, when))
        missing = [(held, found) for held, found in missing if not _is_for(held, row, working, facts.terms)]
    if facts.rolled_over is not None and facts.rolled_over[1]:
        name, amount = facts.rolled_over
        working_text = f"The rollover deduction of {name}."
        terms.append(Term("Rollover from the quarter before", amount, Origin.FUNDER, working_text))
    suspects = [
        *(
            _Suspect(found.amount, f"The entitlements do not include {held.name} ({found.text}).")
            for held, found in missing
        ),
        *(_Suspect(row.amount, f"{_name(row)} is no longer returned.") for row in facts.gone if row.amount),
        *(_Suspect(-term.amount, f"Not in the total yet: {term.label}.") for term in terms if term.amount),
        *_list_interim_suspects(facts),
        *_list_day_suspects(facts),
    ]
    usual = "Entitlements have not been read for this budget." if facts.entitlements is None else ""
    if not usual and facts.rolled_over is None and facts.terms.type_code == "ON":
        usual = "This is usually rollover from the quarter before. Carefund does not have that budget to confirm it."
    return _conclude("total", facts.figures.total, terms, suspects, usual)


def _is_for(held: HeldRate, row: GrantedAmount, working: Working, terms: Terms) -> bool:
    """Whether an entitlement pays for a level or supplement that a person holds, on days that both have."""
    if held.key not in (*working.keys, key_of(row.item_code)):
        return False
    days, shared = terms.days_of(row.start_date, row.end_date), terms.share_days(held.span)
    return days is not None and shared is not None and days[0] <= shared[1] and shared[0] <= days[1]


def _list_interim_suspects(facts: Facts) -> Iterator[_Suspect]:
    """A level that is paid at 60% while the person waits for all of it: only an entitlement says so."""
    levels = set(list_keys(facts.terms.rates, RateKind.LEVEL))
    for held in facts.terms.held:
        days = facts.terms.share_days(held.span)
        spans = spread(facts.terms.rates, held.key, *days) if days and held.key in levels else []
        if spans:
            less = to_cents(multiply(spans, INTERIM_SHARE)) - to_cents(multiply(spans))
            yield _Suspect(less, f"{held.name} is paid at 60%: interim funding.")


def _list_day_suspects(facts: Facts) -> Iterator[_Suspect]:
    """One to ten days of what the person holds, more or less: an entry or a change on another day than thought."""
    for held in facts.terms.held:
        days = facts.terms.share_days(held.span)
        spans = spread(facts.terms.rates, held.key, *days) if days else []
        for number in range(1, 11) if spans else ():
            amount = to_cents(multiply([spans[-1]._replace(days=number)]))
            words = many(number, "day")
            yield _Suspect(amount, f"The difference equals {words} of {held.name} too few in the entitlements.")
            yield _Suspect(-amount, f"The difference equals {words} of {held.name} too many in the entitlements.")


def _explain_used(facts: Facts) -> FigureExplanation:
    used = effects_of(facts.figures).used if facts.figures.used is not None else None
    if facts.draws is None:
        usual = "Usage has not been read for this budget, so it is not known who was paid."
        return _conclude("used", used, [], [], usual)
    listed = [draw for draw in facts.draws if draw.is_returned]
    terms = []
    for drawer in dict.fromkeys(draw.drawer for draw in listed):
        amounts = [draw.amount for draw in listed if draw.drawer == drawer]
        terms.append(Term(f"Drawn by {drawer}", sum(amounts, ZERO), Origin.FUNDER, many(len(amounts), "draw")))
    suspects = [
        *(
            _Suspect(draw.amount, f"{draw.label} is no longer returned.")
            for draw in facts.draws
            if not draw.is_returned
        ),
        *(_Suspect(-line.amount, f"{line.label}: delivered, but no draw is listed.") for line in facts.undrawn),
        *(_Suspect(-draw.amount, f"Not in Used yet: {draw.label}.") for draw in listed),
        *(_Suspect(draw.amount, f"{draw.label} is counted twice in Used.") for draw in listed),
    ]
    rest = (used or ZERO) - sum((term.amount for term in terms), ZERO)
    more, less = ("amount used is", "draws listed") if rest < 0 else ("draws listed come to", "amount used")
    return _conclude("used", used, terms, suspects, f"The {more} more than the {less}.")


def _explain_available(facts: Facts) -> FigureExplanation:
    figures, effects = facts.figures, effects_of(facts.figures)
    parts = (
        ("Total", figures.total, figures.total or ZERO, "Shown above."),
        ("Used", figures.used, effects.used, "Shown above."),
        ("Write off", figures.write_off, effects.write_off, "Unspent or unrecoverable funds."),
        ("Rollover deduction", figures.rollover_deduction, effects.rollover_deduction, "Offsets funds rolled over."),
    )
    terms = [Term(name, amount, Origin.FUNDER, text) for name, stated, amount, text in parts if stated is not None]
    unstated = [name for name, stated, _, _ in parts if stated is None]
    suspects = [
        *(_Suspect(-term.amount, f"Not in Available yet: {term.label}.") for term in terms[1:]),
        *(_Suspect(term.amount, f"{term.label} is counted twice in Available.") for term in terms[1:]),
        *(_Suspect(draw.amount, f"Not in Used yet: {draw.label}.") for draw in facts.draws or ()),
        *(_Suspect(-line.amount, f"Not in Used yet: {line.label}.") for line in facts.undrawn),
    ]
    usual = f"Services Australia does not state: {', '.join(unstated).lower()}." if unstated else ""
    if unstated:
        suspects = []  # what is not stated is the first thing to ask about
    return _conclude("available", figures.available, terms, suspects, usual)


def _conclude(
    name: str, stated: Decimal | None, terms: Sequence[Term], suspects: Sequence[_Suspect], usual: str
) -> FigureExplanation:
    """The figure with what its terms leave as a last one, and why that may be."""
    if stated is None:
        return FigureExplanation(name, None, terms, "Services Australia states no amount.")
    rest = stated - sum((term.amount for term in terms), ZERO)
    if not rest:
        return FigureExplanation(name, stated, terms)
    cause = _find_cause(rest, len(terms), [suspect for suspect in suspects if suspect.amount]) or usual
    return FigureExplanation(name, stated, [*terms, Term("Not explained", rest, Origin.UNKNOWN)], cause)


def _find_cause(rest: Decimal, number_of_terms: int, suspects: Sequence[_Suspect]) -> str:
    """The sentence about a known amount, or two, that are exactly what is left; "" where none is."""
    alone = [suspect.sentence for suspect in suspects if suspect.amount == rest]
    if alone:
        return alone[0]
    if abs(rest) <= _CENT * number_of_terms:
        return "This is a rounding difference."
    likely = list(suspects)[:_MOST_SUSPECTS]
    pairs = (pair for pair in combinations(likely, 2) if pair[0].amount + pair[1].amount == rest)
    return next((f"{first.sentence} {second.sentence}" for first, second in pairs), "")


def _write_held_days(held: HeldRate, terms: Terms) -> str:
    return _write_days(*(terms.share_days(held.span) or (None, None)))


def _name(row: GrantedAmount) -> str:
    return row.description or row.item_code or "Entitlement without a description"


def _write_days(start: date | None, end: date | None) -> str:
    return f"{write_day(start)} to {write_day(end)}" if start and end else ""


def label_draw(service: str, day: date | None, amount: Decimal) -> str:
    """A draw or a line in words: what, when, how much."""
    when = f" of {write_day(day)}" if day else ""
    return f"{service or 'A draw'}{when}, {write_money(abs(amount))}"
