"""Which spellings are a number or a day, wherever a text comes from: the ten digits of ASCII."""

from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.csv_tables import read_amount
from carefund.domain.csv_tables import read_day as read_cell_day
from carefund.plain_numbers import is_whole, read_day, read_decimal, read_scientific

pytestmark = pytest.mark.one_database

# What Python itself takes for 1000, or for a number, and nobody else does.
ODD = [
    "1_000",
    "_1000",
    "1000_",
    "١٠٠٠",
    "１０００",
    "1\u00a0000",
    "\u20051000",
    "Infinity",
    "-inf",
    "NaN",
    "sNaN",
    "²",
    "0x3e8",
    "①",
]
ODD_DAYS = [
    "٢٠٢٦-07-09",
    "２０２６-07-09",
    "20260709",
    "2026-W28-4",
    "2026-190",
    " 2026-07-09",
    "1899-12-31",
    "2201-01-01",
    "2026-02-30",
]


@pytest.mark.parametrize("text", [*ODD, "", " ", "1e3", "--1", "1.", ".5", "1.2.3", "1,000"])
def test_what_no_person_writes_is_no_number(text: str):
    with pytest.raises(ValueError, match="not a number"):
        read_decimal(text)


@pytest.mark.parametrize(
    ("text", "number"), [("1000", "1000"), ("+5", "5"), (" 5 ", "5"), ("-0.50", "-0.50"), ("007", "7"), ("5\r\n", "5")]
)
def test_sign_digits_and_point_are_a_number(text: str, number: str):
    assert read_decimal(text) == read_scientific(text) == Decimal(number)


@pytest.mark.parametrize("text", [*ODD, "", "e3", "1e", "1e3.5", "1e99999999999999999999", ".", "1 000"])
def test_what_no_machine_writes_is_no_number(text: str):
    with pytest.raises(ValueError, match="not a number"):
        read_scientific(text)


@pytest.mark.parametrize(("text", "number"), [("1e3", "1000"), ("1E+3", "1000"), ("-5.", "-5"), (".5", "0.5")])
def test_a_machine_writes_exponents(text: str, number: str):
    assert read_scientific(text) == Decimal(number)


@pytest.mark.parametrize("text", ["²", "١", "1_0", "+1", "-1", " 1", "1\n", "", "1.0"])
def test_only_digits_are_whole(text: str):
    assert not is_whole(text)
    assert is_whole("0123456789")


@pytest.mark.parametrize("text", ODD_DAYS)
def test_only_one_spelling_is_a_day(text: str):
    with pytest.raises(ValueError, match="day"):
        read_day(text)
    assert read_day("2026-07-09") == date(2026, 7, 9)


@pytest.mark.parametrize("text", [*ODD[:5], *ODD[7:], "1e3", "1,00", "1,0000"])
def test_no_cell_holds_what_is_no_amount(text: str):
    with pytest.raises(ValueError, match="not an amount"):
        read_amount(text)


@pytest.mark.parametrize(("text", "number"), [("$1,234.50", "1234.50"), ("1\u00a0234", "1234"), ("\u22125", "-5")])
def test_a_cell_may_look_as_spreadsheets_show_amounts(text: str, number: str):
    assert read_amount(text) == Decimal(number)


@pytest.mark.parametrize("text", [*ODD_DAYS[:5], "٩/٧/2026", "９/７/２０２６", "31/12/1899"])
def test_no_cell_holds_what_is_no_day(text: str):
    with pytest.raises(ValueError, match=r"date|1900"):
        read_cell_day(text)
