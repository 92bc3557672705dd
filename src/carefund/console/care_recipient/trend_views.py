"""A client's quarters as the page Spending shows them: in words, as a table and as a drawing."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from carefund.console.care_management.chart import Chart, draw_bars
from carefund.domain.care_recipient.trend import Foreseen, QuarterTrend, Trend
from carefund.domain.quarters import quarter_of
from carefund.domain.wording import write_day, write_money

_QUARTERS = 6


@dataclass(frozen=True, slots=True)
class TrendView:
    """The last quarters and those to come; `lead` says what will happen, `basis` what the estimate rests on."""

    quarters: tuple[tuple[str, QuarterTrend], ...]
    chart: Chart | None
    lead: str
    basis: str


def show_trend(trend: Trend, today: date) -> TrendView | None:
    """A trend for the page; None without a quarter."""
    if not trend.quarters:
        return None
    shown = tuple((_name(quarter), quarter) for quarter in trend.quarters[-_QUARTERS:])
    current = next((quarter for _, quarter in shown if quarter.period.covers(today)), None)
    return TrendView(
        shown,
        draw_bars([(name, None, _parts(quarter)) for name, quarter in shown]),
        _write_lead(trend, current),
        _write_basis(trend),
    )


def _name(quarter: QuarterTrend) -> str:
    start = quarter.period.start_date or quarter.period.end_date
    return quarter_of(start).name if start else ""


def _parts(quarter: QuarterTrend) -> list[tuple[str, str, Decimal]]:
    parts = (
        ("used", "Used and committed", quarter.used),
        ("planned", "To come", quarter.to_come),
        ("available", "Rollover", quarter.rollover),
        ("write-off", "Loss", quarter.lost),
    )
    return [(colour, name, amount) for colour, name, amount in parts if amount > 0]


def _write_lead(trend: Trend, current: QuarterTrend | None) -> str:
    if current is None or current.period.end_date is None:
        return "No budget covers today, so there is no estimate."
    if trend.runs_out_date:
        days = (current.period.end_date - trend.runs_out_date).days
        before = f", {days} day{'' if days == 1 else 's'} before the quarter ends" if days > 0 else ""
        return f"Money runs out on {write_day(trend.runs_out_date)}{before}."
    if trend.basis is Foreseen.NOTHING:
        return f"{write_money(current.remaining)} remains. No planned services or recent visits are known."
    told = f"{write_money(current.remaining)} is likely to remain at the end of the quarter"
    if current.lost > 0:
        return f"{told}: {write_money(current.rollover)} rolls over and {write_money(current.lost)} is lost."
    return f"{told} and rolls over."


def _write_basis(trend: Trend) -> str:
    if trend.basis is Foreseen.PLANNED:
        return "To come is estimated from planned services."
    if trend.basis is Foreseen.DELIVERED:
        return (
            f"No services are planned, so To come is estimated from the last 8 weeks: "
            f"{write_money(trend.weekly)} a week."
        )
    return "No services are planned, and nothing was delivered in the last 8 weeks."
