"""The geometry of the drawings: shares of a bar, steps of a burn-down, spans of a time line. No colours, no text.

Server-rendered SVG: it prints, follows the theme, and needs no script.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from carefund.records.care_recipient.funding import ZERO, BudgetFigures
from carefund.records.models import PlanBudget
from carefund.records.models.columns import label_of

Place = Callable[[date], Decimal]

WIDTH = 400
HEIGHT = 120
_LAST_BUT_ONE = date.max - timedelta(days=1)
OUT_OF_STEP = 15  # points between the shares of money and of days gone, either way, that call for a look


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bar: where it begins and how wide it is, in per cent of the whole."""

    name: str
    label: str
    amount: Decimal
    start: str
    width: str


def draw_bar(figures: BudgetFigures) -> list[Part]:
    """A budget's total as parts side by side: used, committed, planned, left, rollover deduction, write off; none is
    left out of the sum. Where more was drawn than there is, the parts share the width in proportion."""
    left = max(figures.safe_to_spend, ZERO)
    committed = figures.committed or ZERO
    planned = figures.commitment.planned if figures.commitment else ZERO
    if figures.available > 0:
        committed = min(committed, figures.available)
        planned = min(planned, figures.available - committed)
    amounts = (
        ("used", "Used", figures.used),
        ("committed", "Committed", committed),
        ("planned", "Planned", planned),
        ("available", "Available" if figures.committed is None else "Safe to spend", left),
        ("rollover", label_of(PlanBudget, "rollover_deduction"), figures.rollover_deduction),
        ("write-off", label_of(PlanBudget, "write_off"), figures.write_off),
    )
    whole = sum((amount for _, _, amount in amounts), ZERO)
    parts = []
    start = ZERO
    for name, label, amount in amounts:
        if amount > 0 and whole.is_finite():
            parts.append(Part(name, label, amount, _percent(start / whole), _percent(amount / whole)))
            start += amount
    return parts


def _percent(share: Decimal) -> str:
    return f"{share * 100:.3f}%"


@dataclass(frozen=True, slots=True)
class BurnDown:
    """Money left against days: `line` and `ground` are SVG points, `even` is the line of spending evenly.

    `line` and `ground` are empty where usage lines do not explain what was used: nobody knows then when it went.
    """

    line: str
    ground: str
    even: str
    today: str
    days_gone: int
    days: int
    money_gone_percent: int
    days_gone_percent: int

    @property
    def tolerance(self) -> int:
        """How many points money and days may be apart and still be in step."""
        return OUT_OF_STEP

    @property
    def description(self) -> str:
        return f"{self.money_gone_percent}% of the budget spent, {self.days_gone_percent}% of the days elapsed"

    @property
    def state(self) -> tuple[str, str, str]:
        """How spending keeps up with the days: a tone, an icon and words."""
        ahead = self.money_gone_percent - self.days_gone_percent
        if ahead > OUT_OF_STEP:
            return "warn", "trending-down", "Spending quickly"
        if ahead < -OUT_OF_STEP:
            return "info", "trending-up", "Underspending"
        return "good", "check", "On track"


def draw_burn_down(figures: BudgetFigures, today: date) -> BurnDown | None:
    """The burn-down of one budget, None without both dates or known money. Days of delivery count, not of payment."""
    gone = figures.days_gone(today)
    start = figures.budget.start_date
    spendable = figures.total - figures.rollover_deduction - figures.write_off
    spent = figures.used + (figures.committed or ZERO)
    if gone is None or start is None or not (spendable > 0 and spent.is_finite()):
        return None
    days_gone, days = gone
    points = _steps(figures, start, days, days_gone, spendable) if _is_explained(figures) else []
    text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    today_x = WIDTH * days_gone / days
    return BurnDown(
        line=text,
        ground=f"0,{HEIGHT} {text} {today_x:.1f},{HEIGHT}" if text else "",
        even=f"0,0 {WIDTH},{HEIGHT}",
        today=f"{today_x:.1f}",
        days_gone=days_gone,
        days=days,
        money_gone_percent=max(round(spent * 100 / spendable), 0),
        days_gone_percent=round(days_gone * 100 / days),
    )


def _is_explained(figures: BudgetFigures) -> bool:
    """Whether dated lines of usage add up to what the funder says was used."""
    dated = (line.amount for line in figures.current_usage if line.amount is not None and line.delivery_date)
    return -sum(dated, ZERO) == figures.used


def _steps(
    figures: BudgetFigures, start: date, days: int, days_gone: int, spendable: Decimal
) -> list[tuple[float, float]]:
    """What was left on each day that something was drawn, up to today."""
    drawn: dict[int, Decimal] = {}
    for line in figures.current_usage:
        if line.amount is not None and line.delivery_date is not None:
            day = min(max((line.delivery_date - start).days, 0), days_gone)
            drawn[day] = drawn.get(day, ZERO) - line.amount
    left = spendable
    points = [(0.0, _height(left, spendable))]
    for day in sorted(drawn):
        x = WIDTH * day / days
        points.append((x, _height(left, spendable)))
        left -= drawn[day]
        points.append((x, _height(left, spendable)))
    points.append((WIDTH * days_gone / days, _height(left, spendable)))
    return points


def _height(left: Decimal, whole: Decimal) -> float:
    return float(HEIGHT - HEIGHT * min(max(left / whole, ZERO), Decimal(1)))


@dataclass(frozen=True, slots=True)
class TimeLineBar:
    """One record on a time line: where it begins and how wide it is, in per cent."""

    record: object
    start: str
    width: str
    is_open: bool
    is_past: bool


@dataclass(frozen=True, slots=True)
class TimeLine:
    """Dated records over one common stretch of time, with the marks of its years and of today."""

    spans: tuple[TimeLineBar, ...]
    years: tuple[tuple[int, str], ...]
    today: str
    start_date: date
    end_date: date


def draw_time_line(records: Sequence[object], today: date) -> TimeLine | None:
    """A time line of records with start and end dates, from the first start to some months after today."""
    starts = [start for start in (getattr(record, "start_date", None) for record in records) if start]
    if not starts:
        return None
    ends = [end for end in (getattr(record, "end_date", None) for record in records) if end]
    first = min(starts)
    last = max([*(end for end in ends if end < today + timedelta(days=550)), today + timedelta(days=120)])
    whole = Decimal((last - first).days or 1)

    def place(day: date) -> Decimal:
        return min(max(Decimal((day - first).days) / whole, ZERO), Decimal(1))

    return TimeLine(
        tuple(_span(record, place(_start_of(record, first)), place, today) for record in records),
        tuple(_years(first, last, place)),
        _percent(place(today)),
        first,
        last,
    )


def _start_of(record: object, otherwise: date) -> date:
    start: date | None = getattr(record, "start_date", None)
    return start or otherwise


def _span(record: object, start: Decimal, place: Place, today: date) -> TimeLineBar:
    end: date | None = getattr(record, "end_date", None)
    until = place(min(end, _LAST_BUT_ONE) + timedelta(days=1)) if end else Decimal(1)
    return TimeLineBar(
        record, _percent(start), _percent(max(until - start, Decimal("0.006"))), end is None, bool(end and end < today)
    )


def _years(first: date, last: date, place: Place) -> Iterable[tuple[int, str]]:
    for year in range(first.year + 1, last.year + 1):
        yield year, _percent(place(date(year, 1, 1)))
