"""How values are written: money, dates, ages, shares, levels; and CSV that a spreadsheet cannot run."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carefund.console.csv_download import stream_csv
from carefund.console.templatetags import formatting
from carefund.records.models import Classification

pytestmark = pytest.mark.one_database


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        ("1234567.5", "$1,234,567.50"),
        ("0", "$0.00"),
        ("-1802.25", "−$1,802.25"),
    ],
)
def test_money_has_separators_cents_and_a_true_minus(amount: str, text: str) -> None:
    assert f">{text}<" in formatting.money(Decimal(amount))


def test_negative_money_is_marked_by_more_than_its_sign() -> None:
    assert "negative" in formatting.money(Decimal("-1"))
    assert "negative" not in formatting.money(Decimal("1"))


def test_what_lowers_a_budget_is_shown_as_negative_whatever_its_sign() -> None:
    assert "−$50.00" in formatting.lowered(Decimal("50"))
    assert "−$50.00" in formatting.lowered(Decimal("-50"))
    assert "0.00" in formatting.lowered(Decimal("0"))


def test_what_was_used_is_no_alarm_and_only_a_result_below_zero_is() -> None:
    """Every client uses money; red belongs to an overspent budget."""
    assert "negative" not in formatting.deducted(Decimal("50"))
    assert "negative" not in formatting.lowered(Decimal("50"))
    assert "negative" in formatting.money(Decimal("-50"))


def test_unknown_money_and_shares_are_not_zero() -> None:
    assert "0" not in formatting.money(None)
    assert "Not given" in formatting.share(None)
    assert "0%" in formatting.share(Decimal("0.00"))
    assert "17.5%" in formatting.share(Decimal("17.50"))


def test_a_date_reads_as_people_say_it() -> None:
    assert formatting.day(date(2026, 5, 3)) == "3 May 2026"
    assert formatting.day(None) == ""


def test_an_instant_is_told_in_the_providers_time_zone() -> None:
    assert formatting.write_instant(datetime(2026, 5, 3, 0, 42, tzinfo=UTC)) == "3 May 2026, 10:42 am AEST"


@pytest.mark.parametrize(
    ("ago", "text"),
    [
        (timedelta(seconds=10), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(hours=2, minutes=50), "2 hours ago"),
        (timedelta(days=3), "3 days ago"),
        (timedelta(days=-2, hours=-1), "in 2 days"),
    ],
)
def test_an_age_has_its_instant_on_hover(ago: timedelta, text: str) -> None:
    at = timezone.now() - ago
    written = formatting.age(at)
    assert f">{text}<" in written
    assert formatting.write_instant(at) in written


@pytest.mark.parametrize(
    ("kind", "code", "level", "text"),
    [
        ("Home support ongoing", "ON", "6", "Level 6"),
        ("Home support ongoing", "ON", "HCP3", "Home Care Package level 3"),
        ("Assistive technology", "AT", "HIGH", "Assistive technology high"),
        ("End-of-life pathway", "EL", "1", "End-of-life pathway"),
        ("", "", "4", "Level 4"),
        ("", "", "", "Unnamed classification"),
    ],
)
def test_a_classification_has_a_short_name(kind: str, code: str, level: str, text: str) -> None:
    assert formatting.name_level(Classification(type=kind, code=code, level=level)) == text


def test_the_ongoing_level_comes_first() -> None:
    held = [Classification(type="Home modifications", code="HM", level="LOW"), Classification(code="ON", level="2")]
    assert formatting.level(held) == "Level 2, Home modifications low"
    assert formatting.main_level(held) == "Level 2"


def test_a_cell_that_a_spreadsheet_would_run_becomes_text() -> None:
    assert written([["=1+1", "-12.00", Decimal("-12.00"), "O'Hara"]]) == "\ufeff'=1+1,'-12.00,-12.00,O'Hara\r\n"


def test_an_instant_in_a_csv_is_in_local_time_and_its_heading_says_so() -> None:
    winter, summer = (datetime(2026, month, 3, 0, 42, 5, 9, tzinfo=UTC) for month in (7, 1))
    assert written([["name", "found_at"], ["x", winter], ["y", summer], ["z", None]]) == (
        "\ufeffname,found_at (Australia/Sydney)\r\nx,2026-07-03T10:42:05+10:00\r\ny,2026-01-03T11:42:05+11:00\r\nz,\r\n"
    )


def written(lines: list[list[object]]) -> str:
    response = stream_csv(lines, "x.csv")
    return b"".join(response.streaming_content).decode()  # type: ignore[arg-type]
