"""The backend that Django loads: SQLite keeps any number and any text in a decimal's column, and gives them back."""

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.backends.sqlite3 import base, operations

from carefund.records.amounts import UNREADABLE, readable


class DatabaseOperations(operations.DatabaseOperations):
    """Reading a decimal never fails."""

    def get_decimalfield_converter(self, expression: Any) -> Callable[..., Decimal | None]:
        """What a decimal from the database goes through."""
        convert = super().get_decimalfield_converter(expression)

        def read(value: Any, expression: Any, connection: Any) -> Decimal | None:
            try:
                return readable(convert(value, expression, connection))
            except (InvalidOperation, TypeError, ValueError):
                return UNREADABLE

        return read


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection."""

    ops_class = DatabaseOperations
