"""What a column of a synced table holds, and what people call it: the one place that knows money from dates and codes.

Whatever shows a field (change log, preview, table, command) asks here, by the model's own column. Migrations see
Django's own decimals, so that what is only words costs no migration.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from carefund.records.amounts import readable

_CODES = ("_id", "_code")
_STAMP = "_at_date_time"


class FieldType(Enum):
    """What type of value a column holds. An instant may be text as the funder sent it."""

    MONEY = "money"
    PERCENTAGE = "percentage"
    DATE = "date"
    INSTANT = "instant"
    CODE = "code"
    TEXT = "text"


class _AsDjangos(models.DecimalField):  # type: ignore[type-arg]  # the values are Django's business
    """A decimal that can always be read, and that a migration takes for a plain one."""

    def get_db_converters(self, connection: BaseDatabaseWrapper) -> list[Callable[..., Any]]:
        """What a value from the database goes through: PostgreSQL's columns hold NaN. For SQLite: sqlite/base.py."""
        converters: list[Callable[..., Any]] = super().get_db_converters(connection)
        return [*converters, _from_database] if connection.vendor == "postgresql" else converters

    def deconstruct(self) -> Any:
        name, _, args, options = super().deconstruct()
        return name, "django.db.models.DecimalField", args, options


def _from_database(value: Decimal | None, *_: object) -> Decimal | None:
    return readable(value)


class MoneyField(_AsDjangos):
    """Dollars and cents. `lowers`: what it holds lowers a budget, whichever sign the funder sends."""

    def __init__(self, *args: Any, lowers: bool = False, **options: Any) -> None:
        super().__init__(*args, **options)
        self.lowers = lowers


class PercentageField(_AsDjangos):
    """A share in percent; 12.50 is 12.5 %."""


def money(*, null: bool = True, lowers: bool = False) -> MoneyField:
    """A column for an amount; null: the funder gave none."""
    return MoneyField(max_digits=14, decimal_places=2, null=null, lowers=lowers)


def percentage() -> PercentageField:
    """A column for a share in percent; null: the funder gave none, which is not 0."""
    return PercentageField(max_digits=7, decimal_places=2, null=True)


def type_of(model: type[models.Model], name: str) -> FieldType:
    """What a model's column holds. A name that the model does not have is text."""
    column = _columns(model).get(name)
    if isinstance(column, PercentageField):
        return FieldType.PERCENTAGE
    if isinstance(column, models.DecimalField):
        return FieldType.MONEY
    if isinstance(column, models.DateTimeField) or name.endswith(_STAMP):
        return FieldType.INSTANT
    if isinstance(column, models.DateField):
        return FieldType.DATE
    return FieldType.CODE if name.endswith(_CODES) else FieldType.TEXT


def lowers_a_budget(model: type[models.Model], name: str) -> bool:
    """Whether an amount is money that went: used, written off, deducted."""
    return getattr(_columns(model).get(name), "lowers", False)


def names_of(model: type[models.Model], wanted: FieldType) -> tuple[str, ...]:
    """The model's columns of one type, in their order."""
    return tuple(name for name in _columns(model) if type_of(model, name) is wanted)


# What the requirements write with capitals.
IDENTIFIERS = {"care_recipient_id": "Care Recipient ID", "service_provider_id": "Service Provider ID"}


def name_in_sentence(model: type[models.Model], name: str) -> str:
    """What people call a field within a sentence: "rollover deduction". A percentage goes without that word."""
    column = _columns(model).get(name)
    if name in IDENTIFIERS:
        return IDENTIFIERS[name]
    words = str(column.verbose_name) if column is not None else name.replace("_", " ")
    words = re.sub(r"\bid\b", "ID", words)
    if isinstance(column, PercentageField):
        return words.removesuffix(" percentage")
    return words.removesuffix(" date time") if name.endswith(_STAMP) else words


def label_of(model: type[models.Model], name: str) -> str:
    """The same as it begins a line or heads a column: "Rollover deduction"."""
    words = name_in_sentence(model, name)
    return words[:1].upper() + words[1:]


@lru_cache(maxsize=64)
def _columns(model: type[models.Model]) -> "dict[str, models.Field[Any, Any]]":
    return {column.attname: column for column in model._meta.concrete_fields}
