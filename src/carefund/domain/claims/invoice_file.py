"""Reading a file of invoice lines from a provider's own system: bytes in, rows and named problems out. No storing.

Spreadsheets write CSV in many ways, so encoding, separator, the order of columns, dates and money are read tolerantly;
a value that could mean two things is a problem, never a guess.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from carefund.domain.csv_tables import BadRow, RowProblems, open_table, read_amount, read_day

Value = TypeVar("Value")
LONGEST_REFERENCE = 24

# Each column with the headings that mean it, compared without case, spaces and punctuation.
COLUMNS: dict[str, tuple[str, ...]] = {
    "invoice_reference": ("invoicereference", "invoice", "invoicenumber", "invoiceno"),
    "line_reference": ("linereference", "line", "itemreference", "lineitem", "linenumber"),
    "care_recipient_id": ("carerecipientid", "carerecipient", "clientid"),
    "service_id": ("serviceid", "service", "servicecode"),
    "delivery_date": ("deliverydate", "date", "servicedate"),
    "quantity": ("quantity", "qty", "units", "hours"),
    "price_per_unit": ("priceperunit", "price", "unitprice", "rate"),
    "unit_type": ("unittype", "unit"),
    "service_text": ("servicetext", "description"),
    "funding_source": ("fundingsource", "funding", "fundingtype"),
    "service_provider_id": ("serviceproviderid", "provider", "providerid"),
    "service_naps_id": ("servicenapsid", "napsid", "naps", "branch"),
    "late_reason_code": ("latereasoncode", "latesubmissionreasoncode", "latereason"),
    "late_justification": ("latejustification", "latesubmissionjustification"),
}
REQUIRED = tuple(COLUMNS)[:7]
_LENGTHS = {
    "invoice_reference": LONGEST_REFERENCE, "line_reference": LONGEST_REFERENCE, "care_recipient_id": 20,
    "service_id": 60,
    "unit_type": 20, "service_text": 200, "funding_source": 4, "service_provider_id": 10, "service_naps_id": 5,
    "late_reason_code": 40, "late_justification": 500,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class InvoiceRow:
    """One line of an invoice as the file gives it; texts not given are ""."""

    line: int
    invoice_reference: str
    line_reference: str
    care_recipient_id: str
    service_id: str
    delivery_date: date
    quantity: Decimal
    price_per_unit: Decimal
    unit_type: str = ""
    service_text: str = ""
    funding_source: str = ""
    service_provider_id: str = ""
    service_naps_id: str = ""
    late_reason_code: str = ""
    late_justification: str = ""


@dataclass(slots=True)
class InvoiceFile(RowProblems):
    """A file as read, with what is wrong with its rows."""

    rows: list[InvoiceRow] = field(default_factory=list)
    encoding: str = ""
    separator: str = ""


def read_invoice_file(content: bytes) -> InvoiceFile:
    """The rows of a CSV file and everything wrong with them. Raises UnreadableFile when there is no table in it."""
    table = open_table(content, COLUMNS, REQUIRED)
    found = InvoiceFile(encoding=table.encoding, separator=table.separator)
    for line, texts in table.rows():
        _read_row(found, line, texts)
    for problem in check_references(found.rows):
        found.complain(*problem)
    return found


def _read_row(found: InvoiceFile, line: int, texts: dict[str, str]) -> None:
    texts["funding_source"] = texts.get("funding_source", "").upper()  # before lengths are checked: ß becomes SS
    texts["unit_type"] = texts.get("unit_type", "").lower()
    before = found.problem_count
    found.check_texts(line, texts, REQUIRED, _LENGTHS)
    day = _read(found, line, "delivery_date", texts, read_day)
    quantity = _read(found, line, "quantity", texts, _read_quantity)
    price = _read(found, line, "price_per_unit", texts, _read_price)
    if found.problem_count == before and day and quantity is not None and price is not None:
        plain = {name: text for name, text in texts.items() if name in _LENGTHS}
        found.rows.append(InvoiceRow(line, delivery_date=day, quantity=quantity, price_per_unit=price, **plain))


def _read(
    found: InvoiceFile, line: int, name: str, texts: dict[str, str], convert: Callable[[str], Value]
) -> Value | None:
    if not texts[name]:
        return None
    try:
        return convert(texts[name])
    except ValueError as wrong:
        found.complain(line, name, str(wrong))
        return None


def _read_quantity(text: str) -> Decimal:
    quantity = read_amount(text)
    if quantity <= 0:
        raise ValueError("must be more than zero")
    if quantity >= 10**8 or quantity != quantity.quantize(Decimal("0.01")):
        raise ValueError("has more than two decimals or is too large")
    return quantity


def _read_price(text: str) -> Decimal:
    price = read_amount(text)
    if price < 0:
        raise ValueError("cannot be negative")
    if price >= 10**10 or price != price.quantize(Decimal("0.01")):
        raise ValueError("has fractions of a cent or is too large")
    return price


def check_references(rows: Iterable[InvoiceRow]) -> Iterator[BadRow]:
    """Yield what is wrong between rows: a line reference stands once; an invoice's lines name one service provider."""
    seen: dict[str, int] = {}
    providers: dict[str, str] = {}
    for row in rows:
        if row.line_reference in seen:
            yield BadRow(row.line, "line_reference", f"is already in line {seen[row.line_reference]}")
        seen.setdefault(row.line_reference, row.line)
        if providers.setdefault(row.invoice_reference, row.service_provider_id) != row.service_provider_id:
            yield BadRow(row.line, "service_provider_id", "differs from the invoice's other lines")
