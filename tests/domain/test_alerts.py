"""When there is an alert: the limits of each rule, on both sides, and what an alert and a message say."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from carefund.domain.alert_message import write_body, write_subject
from carefund.domain.alerts import (
    DEFAULTS,
    AlertKind,
    AlertRule,
    FoundAlert,
    describe,
    find_coming_loss,
    find_loss,
    find_run_out,
    is_due,
    merge,
    read_rules,
    sum_up,
    write_rules,
)
from carefund.domain.care_recipient.quarter_close import project as project_close
from carefund.domain.care_recipient.trend import OngoingBudget, Trend, project
from carefund.domain.periods import Period

pytestmark = pytest.mark.one_database
TODAY = date(2026, 11, 22)
QUARTER = Period(date(2026, 10, 1), date(2026, 12, 31))
ZERO = Decimal("0.00")


def trend(total: str, daily: str) -> Trend:
    """A quarter of so much money, of which so much was spent each day of the last eight weeks."""
    delivered = [(TODAY - timedelta(days=back), Decimal(daily)) for back in range(56)]
    return project(
        [OngoingBudget(QUARTER, Decimal(total), ZERO, ZERO, ZERO, Decimal(total))], None, (), delivered, TODAY
    )


@pytest.mark.parametrize(
    ("day", "days", "expected"),
    [
        (TODAY, 0, True),
        (TODAY + timedelta(days=14), 14, True),
        (TODAY + timedelta(days=15), 14, False),
        (TODAY - timedelta(days=1), 14, False),
        (None, 14, False),
        (TODAY, None, False),
    ],
)
def test_a_day_is_due_from_today_up_to_the_limit(day: date | None, days: int | None, expected: bool):
    assert is_due(day, TODAY, days) is expected


def test_money_that_runs_out_within_the_limit_is_an_alert_with_the_day_of_the_trend():
    short = trend("1000.00", "100.00")
    assert short.runs_out_date == TODAY + timedelta(days=11)
    found = find_run_out(7, short, TODAY, AlertRule(days=11))
    assert found == FoundAlert(AlertKind.RUNS_OUT, "7:2026-12-31", 7, due_date=short.runs_out_date)
    assert find_run_out(7, short, TODAY, AlertRule(days=10)) is None
    assert find_run_out(7, short, TODAY, AlertRule(is_on=False, days=11)) is None
    assert find_run_out(7, trend("100000.00", "100.00"), TODAY, AlertRule(days=365)) is None


def test_one_alert_a_quarter_however_the_day_moves():
    keys = {find_run_out(7, trend(total, "100.00"), TODAY, AlertRule(days=30)).key for total in ("1000.00", "2000.00")}
    assert keys == {"7:2026-12-31"}


def test_a_coming_loss_is_that_of_the_trend_once_the_end_is_near():
    idle = trend("9000.00", "10.00")
    lost = idle.quarters[0].lost
    assert lost > 1000
    found = find_coming_loss(7, idle, TODAY, AlertRule(days=39, amount=lost))
    assert found is not None
    assert (found.amount, found.due_date) == (lost, date(2026, 12, 31))
    assert find_coming_loss(7, idle, TODAY, AlertRule(days=38, amount=lost)) is None
    assert find_coming_loss(7, idle, TODAY, AlertRule(days=39, amount=lost + Decimal("0.01"))) is None
    assert find_coming_loss(7, trend("900.00", "0.00"), TODAY, AlertRule(days=39, amount=ZERO)) is None


def test_the_loss_of_an_ended_quarter_is_that_of_quarter_close_until_the_window_closes():
    end, projection = date(2026, 9, 30), project_close(Decimal("2500.00"), Decimal("100.00"), Decimal("9000.00"))
    rule = AlertRule(days=0, amount=Decimal("1400.00"))
    found = find_loss(7, projection, end, TODAY, rule)
    assert found == FoundAlert(AlertKind.LOSS, "7:2026-09-30", 7, due_date=end, amount=Decimal("1400.00"))
    assert find_loss(7, projection, end, end + timedelta(days=61), rule) is None
    assert find_loss(7, projection, end, TODAY, AlertRule(days=0, amount=Decimal("1400.01"))) is None
    assert find_loss(7, None, end, TODAY, rule) is None


def test_alerts_about_the_same_thing_are_one():
    parts = [
        FoundAlert(AlertKind.WINDOW, "B:2026-11-29", None, "B", TODAY, Decimal("1.00"), 2),
        FoundAlert(AlertKind.WINDOW, "B:2026-11-29", None, "B", TODAY, Decimal("2.50"), 1),
        FoundAlert(AlertKind.WINDOW, "C:2026-11-29", None, "C", TODAY, Decimal("9.00"), 1),
    ]
    merged = merge(parts)
    assert [(alert.amount, alert.number) for alert in merged.values()] == [(Decimal("3.50"), 3), (Decimal("9.00"), 1)]


def test_stored_rules_are_read_as_they_were_and_what_cannot_be_right_is_the_default():
    rules = {**DEFAULTS, AlertKind.LOSS: AlertRule(is_on=False, days=3, amount=Decimal("1.50"))}
    assert read_rules(write_rules(rules)) == rules
    assert read_rules(None) == dict(DEFAULTS)
    spoiled = {"runs-out": {"days": -1}, "loss": "x", "window-closes": {"days": "14", "amount": "5.00"}, "other": {}}
    assert read_rules(spoiled) == dict(DEFAULTS)


def test_each_kind_says_what_it_is_about():
    said = {describe(kind, 2, TODAY, Decimal("12.50"), "key:1", TODAY) for kind in AlertKind}
    assert len(said) == len(AlertKind)
    assert "2 lines of $12.50 to claim by 22 November 2026" in said


def test_a_message_has_numbers_days_and_links_and_amounts_only_where_wanted():
    rows = [("loss", 1, TODAY, Decimal("300.00")), ("loss", 1, None, Decimal("5.00")), ("runs-out", 1, TODAY, None)]
    sums = list(sum_up(rows))
    assert write_subject(3) == "Carefund: 3 new alerts"
    body = write_body(sums, 1, "https://care.example/alerts", has_amounts=True)
    assert "Money will be lost: 2, $305.00\nhttps://care.example/alerts?kind=loss" in body
    assert "Money runs out: 1, first date 22 November 2026\n" in body
    assert "1 alert from earlier messages is still open." in body
    assert "$" not in write_body(sums, 0, "https://care.example/alerts", has_amounts=False)
