"""Exports: each kind, now and as of a day, in each format; formulas neutralised, and memory bounded."""

import csv
import io
import tracemalloc
import zipfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from xml.etree import ElementTree

import pyarrow
import pytest
from pyarrow import parquet

from carefund.access.exports import open_export
from carefund.access.gate import OPERATOR
from carefund.records.cell_types import CellType
from carefund.records.models import Client
from carefund.records.table_files import write_file
from carefund.sync.exports import EXPORTS
from tests.export_world import make_a_row_of_each

pytestmark = pytest.mark.django_db
SPACE = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def read_xlsx(path: Path) -> list[list[tuple[str, str]]]:
    """Each cell of each sheet: its kind and its text."""
    with zipfile.ZipFile(path) as book:
        sheets = sorted(name for name in book.namelist() if name.startswith("xl/worksheets/sheet"))
        return [
            [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row]
            for name in sheets
            for row in ElementTree.fromstring(book.read(name)).iterfind(".//x:row", SPACE)
        ]


@pytest.fixture
def funded(add_client: Callable[..., Client]) -> Client:
    client = add_client("400000001", service_provider_id="4049000002", last_name="=cmd()")
    make_a_row_of_each(client)
    return client


def test_each_kind_has_a_line_for_each_record(funded: Client, tmp_path: Path):
    for kind, export in EXPORTS.items():
        lines = [list(line) for line in open_export(OPERATOR, export, None, "test")]
        stored = 1 if kind == "exceptions" else export.model._default_manager.count()
        assert len(lines) - 1 == stored > 0, kind
        assert all(len(line) == len(export.types) for line in lines), kind
        files = [tmp_path / f"{kind}.{ending}" for ending in ("csv", "xlsx", "parquet")]
        types = list(export.types.values())
        assert {write_file(path, lines, path.suffix[1:], types) for path in files} == {stored}, kind
        read = parquet.read_table(files[2])
        assert read.column_names == list(export.types), kind
        assert list(map(tuple, zip(*read.to_pydict().values(), strict=True))) == [
            tuple(str(value) if isinstance(value, str) else value for value in line) for line in lines[1:]
        ], kind
        if export.as_of is not None:  # nothing is archived here
            assert len(list(open_export(OPERATOR, export, date(2026, 5, 3), "test"))) == 1


def test_parquet_has_types_and_groups_of_rows(tmp_path: Path):
    types = list(CellType)
    line = ["=1+1", 7, Decimal("-12.5"), date(2026, 5, 3), datetime.fromisoformat("2026-05-03T14:00:00+10:00"), True]
    odd = [None, None, Decimal("NaN"), None, None, None]
    headings = ["text", "whole", "amount", "day", "instant", "flag"]
    lines = [headings, *[line] * 10_000, odd, [*odd[:2], Decimal(10) ** 20, *odd[3:]]]
    assert write_file(tmp_path / "x.parquet", lines, "parquet", types) == 10_002
    found = parquet.ParquetFile(tmp_path / "x.parquet")
    assert found.num_row_groups == 2
    assert found.schema_arrow.types == [
        pyarrow.string(), pyarrow.int64(), pyarrow.decimal128(18, 2), pyarrow.date32(),
        pyarrow.timestamp("us", tz="UTC"), pyarrow.bool_(),
    ]  # fmt: skip
    rows = found.read().to_pylist()
    assert list(rows[0].values()) == line
    assert list(rows[-1].values()) == list(rows[-2].values()) == [None] * 6


def test_no_cell_is_a_formula_and_figures_are_figures(tmp_path: Path):
    lines = [
        ["name", "amount", "day"],
        ["=1+1", Decimal("-12.50"), date(2026, 5, 3)],
        ["https://x.example", None, None],
    ]
    write_file(tmp_path / "x.xlsx", lines, "xlsx")
    _, first, second = read_xlsx(tmp_path / "x.xlsx")
    assert first[0] == ("inlineStr", "'=1+1")
    assert first[1] == ("n", "-12.50")
    assert first[2][0] == "n"
    assert second == [("inlineStr", "https://x.example")]
    write_file(tmp_path / "x.csv", lines, "csv")
    rows = list(csv.reader(io.StringIO((tmp_path / "x.csv").read_text(encoding="utf-8-sig"))))
    assert rows[1] == ["'=1+1", "-12.50", "2026-05-03"]


def test_memory_does_not_grow_with_the_number_of_lines(tmp_path: Path):
    def peak(number: int) -> int:
        tracemalloc.start()
        write_file(tmp_path / "x.xlsx", ([number, "text", Decimal("1.00")] for number in range(number)), "xlsx")
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(10)
    assert peak(4000) < peak(400) + 500_000
