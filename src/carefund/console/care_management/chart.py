"""The geometry of the care management history: a bar per quarter or financial year, made of five figures' parts.

No colours; the words are those under and in the bars. Server-rendered SVG.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from carefund.domain.care_management.pools import Sums, add_up
from carefund.domain.care_recipient.budgets import effects_of
from carefund.domain.quarters import Quarter, next_quarter
from carefund.records.care_management.store import Saved
from carefund.records.models import CareManagementBudget
from carefund.records.models.columns import label_of

_ZERO = Decimal("0.00")
HEIGHT = 180
STEP = 104
BAR = 56
_COLOURS = {"used": "used", "available": "available", "rollover_deduction": "rollover", "write_off": "write-off"}
_PARTS = [(colour, label_of(CareManagementBudget, name), name) for name, colour in _COLOURS.items()]


@dataclass(frozen=True, slots=True)
class Piece:
    """One part of a bar."""

    name: str
    label: str
    amount: Decimal
    y: str
    height: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One quarter or year: where it stands, its figures, and its parts from the ground up. No parts: nothing saved."""

    label: str
    x: int
    middle: int
    sums: Sums | None
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """All bars with the height of the tallest in dollars."""

    bars: tuple[Bar, ...]
    width: int
    highest: Decimal


def newest_by_quarter(saves: Sequence[Saved]) -> dict[Quarter, Saved]:
    """The newest save of each quarter, in order."""
    newest = {saved.pool.quarter: saved for saved in sorted(saves, key=lambda saved: saved.pool.asked_at)}
    return {quarter: newest[quarter] for quarter in sorted(newest)}


def sums_by_quarter(saves: Sequence[Saved]) -> list[tuple[str, Sums | None]]:
    """The figures of every quarter from the first saved to the last, None where nothing was saved."""
    newest = newest_by_quarter(saves)
    found: list[tuple[str, Sums | None]] = []
    quarter = next(iter(newest), None)
    while quarter is not None and quarter <= max(newest):
        saved = newest.get(quarter)
        found.append((quarter.name, add_up(saved.pool.budgets) if saved else None))
        quarter = next_quarter(quarter)
    return found


def sums_by_year(saves: Sequence[Saved]) -> list[tuple[str, Sums | None]]:
    """The figures of each financial year with a save.

    Used and write off are added up over its quarters. Money that goes on from quarter to quarter must not count twice,
    so available and rollover deduction are those of the last quarter, and the total is what these four come to.
    """
    years: dict[int, list[Sums]] = {}
    for quarter, saved in newest_by_quarter(saves).items():
        years.setdefault(quarter.financial_year, []).append(add_up(saved.pool.budgets))
    found: list[tuple[str, Sums | None]] = []
    for year, sums in years.items():
        effects = [effects_of(quarter_sums) for quarter_sums in sums]
        used = sum((effect.used for effect in effects), _ZERO)
        write_off = sum((effect.write_off for effect in effects), _ZERO)
        available, rollover = sums[-1].available or _ZERO, effects[-1].rollover_deduction
        total = available - used - write_off - rollover
        found.append((f"{year}-{(year + 1) % 100:02}", Sums(total, used, available, rollover, write_off)))
    return found


def draw_history(figures: Sequence[tuple[str, Sums | None]]) -> Chart | None:
    """The bars of a history; None without any figure."""
    return draw_bars([(label, sums, _parts(sums) if sums else []) for label, sums in figures])


def draw_bars(figures: Sequence[tuple[str, Sums | None, list[tuple[str, str, Decimal]]]]) -> Chart | None:
    """Bars of parts, each with its colour, its name and an amount above zero; None without any."""
    highest = max((sum((amount for *_, amount in parts), _ZERO) for *_, parts in figures), default=_ZERO)
    if not highest:
        return None
    bars = []
    for place, (label, sums, parts) in enumerate(figures):
        pieces, ground = [], Decimal(HEIGHT)
        for name, title, amount in parts:
            height = HEIGHT * amount / highest
            ground -= height
            pieces.append(Piece(name, title, amount, f"{ground:.2f}", f"{height:.2f}"))
        x = place * STEP + (STEP - BAR) // 2
        bars.append(Bar(label, x, place * STEP + STEP // 2, sums, tuple(pieces)))
    return Chart(tuple(bars), max(len(bars), 3) * STEP, highest)


def _parts(sums: Sums) -> list[tuple[str, str, Decimal]]:
    """The parts of a bar: what is above zero. More given back than used, or overspent, has no height."""
    effects = effects_of(sums)
    sizes = {name: -amount for name, amount in effects._asdict().items()} | {"available": sums.available or _ZERO}
    return [(name, label, sizes[attribute]) for name, label, attribute in _PARTS if sizes[attribute] > 0]
