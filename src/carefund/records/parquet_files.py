"""Tables as Parquet: columns with types, written by row groups, so that memory is bounded.

pyarrow is an extra, and takes time and memory to load: it is loaded when the first file is written, and not before.
Texts stay as they are, since no program takes a value in a Parquet file for a formula.
"""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib import import_module
from importlib.util import find_spec
from itertools import islice
from pathlib import Path
from typing import Any

from carefund.records.cell_types import CellType

MISSING = "Parquet files need the package pyarrow, which is not installed here."
MISSING_ADVICE = "Ask your administrator to run `make install EXTRA=parquet`, or choose another format."
_LINES_OF_GROUP = 10_000
_DIGITS, _PLACES = 18, 2
_CENT, _TOO_LARGE = Decimal("0.01"), Decimal(10) ** (_DIGITS - _PLACES)


def is_parquet_installed() -> bool:
    """Whether Parquet files can be written here."""
    return find_spec("pyarrow") is not None


def write_parquet(path: Path, lines: Iterable[Iterable[object]], types: Sequence[CellType]) -> int:
    """Write these lines, the first of them the headings, with a type for each column. Return how many came after it."""
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    rest, written = iter(lines), 0
    names = [str(name) for name in next(rest)]
    schema = arrow.schema(list(zip(names, (_type_for(arrow, cell_type) for cell_type in types), strict=True)))
    with parquet.ParquetWriter(str(path), schema) as writer:
        while some := list(islice(rest, _LINES_OF_GROUP)):
            columns = [
                arrow.array([_cell(value, cell_type) for value in values], field.type)
                for values, cell_type, field in zip(zip(*some, strict=True), types, schema, strict=True)
            ]
            writer.write_batch(arrow.record_batch(columns, schema=schema))
            written += len(some)
    return written


def _type_for(arrow: Any, cell_type: CellType) -> Any:
    return {
        CellType.TEXT: arrow.string(),
        CellType.WHOLE: arrow.int64(),
        CellType.AMOUNT: arrow.decimal128(_DIGITS, _PLACES),
        CellType.DAY: arrow.date32(),
        CellType.INSTANT: arrow.timestamp("us", tz="UTC"),
        CellType.FLAG: arrow.bool_(),
    }[cell_type]


def _cell(value: Any, cell_type: CellType) -> Any:
    """A value as its column takes it; nothing for an amount that is no number, or has more digits than any amount."""
    if value is None or cell_type is not CellType.AMOUNT:
        return value
    return value.quantize(_CENT) if value.is_finite() and abs(value) < _TOO_LARGE else None
