"""Files of clients: what spreadsheets write is read, and what is wrong is named by line, column and sentence."""

from datetime import date
from pathlib import Path

import pytest

import carefund.console
from carefund.domain.care_recipient.client_file import COLUMNS, TITLES, FileRow, read_client_file
from carefund.domain.claims.invoice_file import read_invoice_file
from carefund.domain.csv_tables import UnreadableFile

TODAY = date(2026, 11, 22)
HEADING = "First name,Last name,Date of birth,Care Recipient ID,Service Provider ID,External reference"
WILMA = "Wilma,Example,03/05/1940,400000001,4049000002,HR-1"
TEMPLATE = Path(carefund.console.__file__).parent / "static" / "console" / "clients.csv"


def read(*lines: str, heading: str = HEADING, encoding: str = "utf-8"):
    return read_client_file("\r\n".join([heading, *lines]).encode(encoding), TODAY)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_usual_files_are_read(encoding: str, separator: str):
    found = read(
        WILMA.replace("Wilma", "Zoë").replace(",", separator),
        heading=HEADING.replace(",", separator),
        encoding=encoding,
    )
    assert found.problems == []
    assert found.rows == [FileRow(2, "Zoë", "Example", date(1940, 5, 3), "400000001", "4049000002", "HR-1")]


def test_columns_stand_in_any_order_and_what_is_not_given_is_empty():
    found = read("Example;Wilma;x", heading="Surname;Given name;Favourite colour")
    assert found.rows == [FileRow(2, "Wilma", "Example", None, "", "", "")]


def test_the_template_has_every_column_and_reads_as_empty():
    content = TEMPLATE.read_bytes()
    assert content.decode().strip().split(",") == list(TITLES.values())
    assert set(TITLES) == set(COLUMNS)
    assert read_client_file(content, TODAY).rows == []


@pytest.mark.parametrize(
    ("line", "column", "sentence"),
    [
        ("=1+1,Example,,,,", "first_name", "begins as a formula does"),
        ("Wilma,@SUM(A1),,,,", "last_name", "begins as a formula does"),
        ("Wilma,Example,,,,+61", "external_reference_id", "begins as a formula does"),
        ('"Wil\nma",Example,,,,', "first_name", "line break"),
        (f"{'W' * 81},Example,,,,", "first_name", "longer than 80"),
        ("Wilma,Example,31/02/1940,,,", "birth_date", "not a real date"),
        ("Wilma,Example,3/5/40,,,", "birth_date", "not a date"),
        ("Wilma,Example,2026-11-23,,,", "birth_date", "in the future"),
        ("Wilma,Example,,4E+08,,", "care_recipient_id", "shortened by the spreadsheet"),
        ("Wilma,Example,,4 000,,", "care_recipient_id", "letters, digits and hyphens"),
        ("Wilma,Example,,,40490000020000000000000,", "service_provider_id", "up to 20"),
        ("Wilma,Example,,,4049000002,HR-1,more", "row", "more values than the heading"),
        (",,1940-05-03,,4049000002,", "first_name", "is missing"),
    ],
)
def test_what_is_wrong_is_named(line: str, column: str, sentence: str):
    found = read(WILMA.replace("HR-1", "HR-0"), line)
    assert [problem.column for problem in found.problems] == [column]
    assert sentence in found.problems[0].message
    assert found.problems[0].line in (3, 4)  # a line break within quotation marks is one more
    assert len(found.rows) == 1


def test_a_line_twice_is_named_with_the_first():
    found = read(WILMA, WILMA, "Fred,Example,,,,HR-1")
    assert [(problem.line, problem.column, problem.message) for problem in found.problems] == [
        (3, "care_recipient_id", "is already in line 2"),
        (3, "external_reference_id", "is already in line 2"),
        (4, "external_reference_id", "is already in line 2"),
    ]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04rest", "Save it as CSV first"),
        (HEADING.replace(",", "|").encode(), "not separated by commas, semicolons or tabs"),
        (b"First name,Surname,Family name\r\n", "Two columns mean last_name"),
        (b"First name,Colour\r\n", "These columns are missing: last_name"),
        (f"{HEADING}\r\nWil\0ma,Example,,,,\r\n".encode(), "Line 2 has a NUL character"),
        (HEADING.encode("utf-16-le"), "encoding"),
        (HEADING.encode() + b"\r\n\x81\x8d,x,,,,", "encoding"),
        (f'{HEADING}\r\n"Wilma{",Example" * 20_000}'.encode(), "quotation mark"),
    ],
)
def test_a_file_without_a_table_is_told_in_a_sentence(content: bytes, sentence: str):
    with pytest.raises(UnreadableFile, match=sentence):
        read_client_file(content, TODAY)


def test_invoices_name_a_row_that_is_too_long_too():
    heading = "Invoice,Line,Care Recipient ID,Service,Date,Quantity,Price"
    found = read_invoice_file(f"{heading}\r\nI-1,L-1,400000001,SERV-1,9/7/2026,1,1,080.00\r\n".encode())
    assert [(problem.line, problem.column) for problem in found.problems] == [(2, "row")]
