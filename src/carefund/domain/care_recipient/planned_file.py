"""Reading a file of planned services from a rostering system: bytes in, rows and named problems out. No storing."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from carefund.domain.care_recipient.planned import Frequency
from carefund.domain.claims.funding_sources import FUNDING_SOURCES
from carefund.domain.csv_tables import RowProblems, open_table, read_amount, read_day

# Each column with the headings that mean it, compared without case, spaces and punctuation.
COLUMNS: dict[str, tuple[str, ...]] = {
    "reference": ("reference", "plannedreference", "bookingreference", "booking", "externalreferenceid"),
    "care_recipient_id": ("carerecipientid", "carerecipient", "clientid"),
    "service_id": ("serviceid", "service", "servicecode"),
    "price": ("price", "pricepervisit", "priceofavisit", "amount"),
    "frequency": ("frequency", "every", "howoften"),
    "from_date": ("fromdate", "from", "firstvisit", "startdate", "start"),
    "to_date": ("todate", "to", "until", "lastday", "enddate", "end"),
    "service_text": ("servicetext", "description"),
    "funding_source": ("fundingsource", "funding", "fundingtype"),
}
REQUIRED = tuple(COLUMNS)[:6]
PLANNED_FROM = tuple(code for code in FUNDING_SOURCES if code != "CM")  # care management is pooled
_LENGTHS = {"reference": 64, "care_recipient_id": 20, "service_id": 60, "service_text": 200}
_YEARS = range(2025, 2100)


@dataclass(frozen=True, slots=True)
class BookedRow:
    """One planned service as the file gives it."""

    line: int
    reference: str
    care_recipient_id: str
    service_id: str
    price: Decimal
    frequency: Frequency
    from_date: date
    to_date: date | None
    service_text: str
    funding_source: str


@dataclass(slots=True)
class PlannedFile(RowProblems):
    """A file as read, with what is wrong with its rows."""

    rows: list[BookedRow] = field(default_factory=list)


def read_planned_file(content: bytes) -> PlannedFile:
    """The rows of a CSV file and everything wrong with them. Raises UnreadableFile when there is no table in it."""
    found = PlannedFile()
    seen: dict[str, int] = {}
    for line, texts in open_table(content, COLUMNS, REQUIRED).rows():
        row = _read_row(found, line, texts)
        if row is None:
            continue
        if row.reference in seen:
            found.complain(line, "reference", f"is already in line {seen[row.reference]}")
            continue
        seen[row.reference] = line
        found.rows.append(row)
    return found


def _read_row(found: PlannedFile, line: int, texts: dict[str, str]) -> BookedRow | None:
    before = found.problem_count
    found.check_texts(line, texts, REQUIRED, _LENGTHS)
    price = _read_price(found, line, texts["price"])
    frequency = texts["frequency"].lower()
    if frequency and frequency not in set(Frequency):
        found.complain(line, "frequency", "must be once, weekly, fortnightly or monthly")
    source = texts.get("funding_source", "").upper() or PLANNED_FROM[0]
    if source not in PLANNED_FROM:
        found.complain(line, "funding_source", f"must be one of {', '.join(PLANNED_FROM)}")
    first = _read_day(found, line, "from_date", texts)
    last = _read_day(found, line, "to_date", texts)
    if first and last and last < first:
        found.complain(line, "to_date", "is before the first visit")
    if found.problem_count != before or price is None or first is None:
        return None
    return BookedRow(
        line, texts["reference"], texts["care_recipient_id"], texts["service_id"], price, Frequency(frequency), first,
        last, texts.get("service_text", ""), source,
    )  # fmt: skip


def _read_price(found: PlannedFile, line: int, text: str) -> Decimal | None:
    if not text:
        return None
    try:
        price = read_amount(text)
    except ValueError as wrong:
        found.complain(line, "price", str(wrong))
        return None
    if not 0 < price < 10**6:
        found.complain(line, "price", "must be more than zero and less than a million")
    elif price != price.quantize(Decimal("0.01")):
        found.complain(line, "price", "has fractions of a cent")
    return price


def _read_day(found: PlannedFile, line: int, name: str, texts: dict[str, str]) -> date | None:
    text = texts.get(name, "")
    if not text:
        return None
    try:
        day = read_day(text)
    except ValueError as wrong:
        found.complain(line, name, str(wrong))
        return None
    if day.year not in _YEARS:
        found.complain(line, name, "must be a day from 2025 to 2099")
    return day
