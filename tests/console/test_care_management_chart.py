"""The bars of the care management history: what they are made of, whatever the signs."""

from datetime import UTC, date, datetime
from decimal import Decimal

from carefund.console.care_management.chart import draw_history, sums_by_quarter, sums_by_year
from carefund.domain.care_management.pools import Pool, PooledBudget
from carefund.domain.quarters import Quarter
from carefund.records.care_management.store import Saved

AT = datetime(2026, 11, 20, 3, 0, tzinfo=UTC)


def saved(start: date, total: str, used: str, available: str) -> Saved:
    quarter = Quarter(start)
    amounts = {"total": Decimal(total), "used": Decimal(used), "available": Decimal(available)}
    pooled = PooledBudget(f"B{start:%m}", start_date=start, end_date=quarter.end_date, **amounts)
    return Saved(1, Pool("A", quarter, AT, (pooled,)), AT, "ada", False)


SAVES = [saved(date(2026, 7, 1), "1000.00", "-300.00", "700.00"), saved(date(2026, 10, 1), "700.00", "20.00", "720.00")]


def test_a_year_in_which_money_was_given_back_adds_up() -> None:
    [(label, sums)] = sums_by_year(SAVES)
    assert sums is not None
    assert (label, sums.used, sums.available) == ("2026-27", Decimal("-280.00"), Decimal("720.00"))
    assert sums.total == Decimal("1000.00")


def test_what_was_given_back_or_overspent_has_no_height_in_a_bar() -> None:
    chart = draw_history(sums_by_quarter([*SAVES, saved(date(2027, 1, 1), "100.00", "-150.00", "-50.00")]))
    assert chart is not None
    assert [[(piece.label, piece.amount) for piece in bar.pieces] for bar in chart.bars] == [
        [("Used", Decimal("300.00")), ("Available", Decimal("700.00"))],
        [("Available", Decimal("720.00"))],
        [("Used", Decimal("150.00"))],
    ]
