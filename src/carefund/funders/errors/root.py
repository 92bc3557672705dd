"""The root of the tree of errors, and what the funder said word for word."""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple


class Detail(NamedTuple):
    """One complaint in the funder's own words; may name a person, so it stays out of logs."""

    code: str = ""
    code_type: str = ""
    message: str = ""
    field: str = ""


class FunderError(Exception):
    """A call to a funder failed."""

    code: ClassVar[str] = "funder-error"
    advice: ClassVar[str] = "Check the run's result for the step that failed, then try again."
    retried: ClassVar[bool] = False

    def __init__(
        self,
        message: str = "",
        *,
        operation: str = "",
        status: int | None = None,
        details: Sequence[Detail] = (),
    ) -> None:
        self.message = message or str(type(self).__doc__ or self.code)
        self.operation = operation
        self.status = status
        self.details = tuple(details)
        super().__init__(self.message)

    def __str__(self) -> str:
        """One line for a log: what happened, in which operation, with which status."""
        where = self.operation.replace("_", " ")
        said = f"{where}: {self.message}" if where else self.message
        return f"{said} (HTTP {self.status})" if self.status is not None else said
