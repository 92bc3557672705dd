"""What the cells of a table's column hold, for files whose columns have types."""

from enum import Enum


class CellType(Enum):
    """The type of a column. An amount has two decimals; an instant is aware."""

    TEXT = "text"
    WHOLE = "whole number"
    AMOUNT = "amount"
    DAY = "date"
    INSTANT = "instant"
    FLAG = "true or false"
