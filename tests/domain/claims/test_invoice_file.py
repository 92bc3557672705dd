"""Files of invoice lines: what spreadsheets write is read, what is wrong is named by line and column."""

from datetime import date
from decimal import Decimal

import pytest

from carefund.domain.claims.invoice_file import read_invoice_file
from carefund.domain.csv_tables import UnreadableFile, read_amount, read_day

HEADING = ["Invoice reference", "Line reference", "Care Recipient ID", "Service", "Date", "Quantity", "Price"]
LINE = ["INV-1", "INV-1-1", "400000001", "SERV-0001", "09/07/2026", "1.5", "$1,080.00"]


def csv_of(*rows: list[str], separator: str = ";") -> str:
    return "".join(separator.join(row) + "\r\n" for row in rows)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_usual_encodings_and_separators_are_read(encoding: str, separator: str):
    text = csv_of([*HEADING, "Description"], [*LINE, "Café visit"], separator=separator)
    found = read_invoice_file(text.encode(encoding))
    [row] = found.rows
    assert found.problem_count == 0
    assert (row.delivery_date, row.quantity, row.price_per_unit) == (
        date(2026, 7, 9),
        Decimal("1.5"),
        Decimal("1080.00"),
    )
    assert row.service_text == "Café visit"


def test_commas_and_quotation_marks_are_read():
    text = ",".join(HEADING) + "\n" + ",".join([*LINE[:-1], '"$1,080.00"']) + "\n\n"
    assert read_invoice_file(text.encode()).rows[0].price_per_unit == Decimal("1080.00")


@pytest.mark.parametrize(
    ("place", "value", "column"),
    [
        (0, "", "invoice_reference"),
        (1, "x" * 25, "line_reference"),
        (4, "31/02/2026", "delivery_date"),
        (4, "07/09/26", "delivery_date"),
        (5, "1,5", "quantity"),
        (5, "0", "quantity"),
        (6, "12.345", "price_per_unit"),
        (6, "free", "price_per_unit"),
        (6, "-1", "price_per_unit"),
    ],
)
def test_a_bad_value_is_named_by_line_and_column(place: int, value: str, column: str):
    bad = [value if index == place else text for index, text in enumerate(LINE)]
    found = read_invoice_file(csv_of(HEADING, LINE, bad).encode())
    assert (3, column) in [(problem.line, problem.column) for problem in found.problems]


def test_a_code_that_grows_when_its_case_changes_is_refused():
    found = read_invoice_file(csv_of([*HEADING, "Funding source"], [*LINE, "ßHM1"]).encode())
    assert not found.rows
    assert [(problem.line, problem.column) for problem in found.problems] == [(2, "funding_source")]


def test_a_line_reference_stands_once():
    found = read_invoice_file(csv_of(HEADING, LINE, LINE).encode())
    assert [(problem.line, problem.column) for problem in found.problems] == [(3, "line_reference")]


@pytest.mark.parametrize(
    "content",
    [b"", b"  \n", b"PK\x03\x04rest", csv_of(HEADING[:4]).encode(), b"\x00\x01",
     csv_of([*HEADING, "Qty"], LINE).encode()],
)  # fmt: skip
def test_a_file_without_a_table_is_unreadable(content: bytes):
    with pytest.raises(UnreadableFile):
        read_invoice_file(content)


def test_a_hundred_thousand_rows_are_read_and_problems_stop_at_a_thousand():
    rows = [[*LINE[:1], f"L{number}", *LINE[2:4], "?", *LINE[5:]] for number in range(100_000)]
    found = read_invoice_file(csv_of(HEADING, *rows).encode())
    assert (found.problem_count, len(found.problems)) == (100_000, 1_000)


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-07-09", date(2026, 7, 9)), ("9.7.2026", date(2026, 7, 9)), ("2026-07-09 00:00:00", date(2026, 7, 9))],
)
def test_dates_are_day_first_or_iso(text: str, day: date):
    assert read_day(text) == day


@pytest.mark.parametrize(("text", "amount"), [("1 234.50", "1234.50"), ("−3", "-3"), ("$ 12", "12")])
def test_amounts_may_have_marks(text: str, amount: str):
    assert read_amount(text) == Decimal(amount)
