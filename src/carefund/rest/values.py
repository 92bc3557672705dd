"""What a value looks like on the wire: texts, references, amounts and dates, described exactly as they are accepted."""

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

from ninja import Schema
from pydantic import BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema

from carefund.plain_numbers import is_whole, read_day

_QUANTITY = r"^([1-9][0-9]{0,7}(\.[0-9]{1,2})?|0\.(0[1-9]|[1-9][0-9]?))$"
_PRICE = r"^(0|[1-9][0-9]{0,9})(\.[0-9]{1,2})?$"


class Given(Schema):
    """What callers send. A name that is not known is refused: a misspelt one would silently do nothing."""

    model_config = ConfigDict(extra="forbid")


def _read_amount(pattern: str, sentence: str) -> BeforeValidator:
    wanted = re.compile(pattern)

    def read(value: Any) -> str:
        text = str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value
        if not isinstance(text, str) or not wanted.fullmatch(text):
            raise ValueError(sentence)
        return text

    return BeforeValidator(read)


def _read_date(value: Any) -> date:
    try:
        return read_day(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError("enter a date as 2026-07-09, of the years 1900 to 2200") from None


def _read_whole(value: Any) -> Any:
    if isinstance(value, bool | float) or (isinstance(value, str) and not is_whole(value)):
        raise ValueError("enter a number in digits, such as 12")
    return value


def _amount_schema(pattern: str, number: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema(
        {"anyOf": [{"type": "string", "pattern": pattern}, {"type": "number", "multipleOf": 0.01} | number]}
    )


# No control characters, which neither the database nor Services Australia takes; tab and line ends are such.
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x1f\x7f]*$")]
# A code whose letters we change between large and small: ASCII, since others grow by that (ß becomes SS, one too many).
Code = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7e]*$")]
Reference = Annotated[Text, Field(min_length=1, max_length=24)]
Day = Annotated[date, BeforeValidator(_read_date)]
Quantity = Annotated[
    Decimal,
    _read_amount(_QUANTITY, 'write a quantity above zero with at most two decimals, best as text: "1.50"'),
    _amount_schema(_QUANTITY, {"minimum": 0.01, "maximum": 99_999_999.99}),
]
Price = Annotated[
    Decimal,
    _read_amount(_PRICE, 'write dollars with at most two decimals, best as text: "80.00"'),
    _amount_schema(_PRICE, {"minimum": 0, "maximum": 9_999_999_999.99}),
]


_LARGEST_NUMBER = 10**18 - 1  # so that no number is too large for a database's key
_PLAIN = BeforeValidator(_read_whole)
Number = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER), _PLAIN]
# In a body. Elsewhere an address holds numbers and flags as text, which the types around these read as well.
WholeNumber = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER, strict=True)]
Flag = Annotated[bool, Field(strict=True)]
After = Annotated[int, Field(ge=0, le=_LARGEST_NUMBER), _PLAIN]
PageSize = Annotated[int, Field(ge=1, le=500), _PLAIN]
Searched = Annotated[Text, Field(max_length=80)]
BranchId = Annotated[Text, Field(max_length=20)]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Page(Given):
    """Which page of a list: what comes after a number, and how much of it."""

    after: After = 0
    limit: PageSize = 100


class OfClientPage(Page):
    """Which page of a list; with `client_id` of one client only."""

    client_id: After = 0


class ListPart(Given):
    """Which part of a list: how many rows to leave out, and how many to give."""

    start: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    limit: PageSize = 100

    def cut(self, rows: Any) -> tuple[list[Any], int | None]:
        """Return these rows of a list, and where the next begin; None: there are no more."""
        found = list(rows[self.start : self.start + self.limit + 1])
        return found[: self.limit], self.start + self.limit if len(found) > self.limit else None
