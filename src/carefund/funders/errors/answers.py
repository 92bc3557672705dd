"""Answers that cannot be read or believed; nothing of them is kept."""

from collections.abc import Sequence

from carefund.funders.errors.root import Detail, FunderError


class BadAnswer(FunderError):
    """The funder's response cannot be read."""

    code = "bad-answer"
    advice = "Nothing was changed. Try again. If it keeps happening, report it."


class NotJson(BadAnswer):
    """The funder's response is not JSON."""

    code = "not-json"
    advice = "Nothing was changed. A proxy or an outage page may have responded. Try again later."


class WrongCharacters(BadAnswer):
    """The funder's response is neither in UTF-8 nor in the character set that it names."""

    code = "wrong-characters"
    advice = "Nothing was changed. Report it to the funder. A response must be UTF-8 or name its character set."


class BadField(BadAnswer):
    """A field in the funder's response cannot be used."""

    code = "bad-field"

    def __init__(
        self,
        message: str = "",
        *,
        field: str = "",
        operation: str = "",
        status: int | None = None,
        details: Sequence[Detail] = (),
    ) -> None:
        self.field = field
        super().__init__(message, operation=operation, status=status, details=details)


class WrongType(BadField):
    """A field in the funder's response has an unexpected type."""

    code = "wrong-type"
    advice = "Nothing was changed. The funder may have changed its API. Report the field named here."


class ImpossibleValue(BadField):
    """A field in the funder's response has an impossible value."""

    code = "impossible-value"
    advice = "Nothing was changed. Report the field named here to the funder."


class TooLarge(BadAnswer):
    """The funder's response is larger than the limits of this installation."""

    code = "too-large"
    advice = (
        "Nothing was changed. Report it to the funder. If so much data can be right, raise CAREFUND_LARGEST_ANSWER_MB, "
        "CAREFUND_MOST_ROWS or CAREFUND_MOST_PROVIDER_ROWS."
    )


class TooDeep(BadAnswer):
    """The funder's response is nested too deeply to be read."""

    code = "too-deep"
    advice = "Nothing was changed. Report it to the funder."


class WrongPerson(BadAnswer):
    """The funder's response is about a different person or record."""

    code = "wrong-person"
    advice = "Nothing was changed. Report it to the funder, and compare the configured paths with its API documents."


class RepeatedPage(BadAnswer):
    """The funder returned the same page twice, or too many pages."""

    code = "repeated-page"
    advice = "Nothing was changed. Change CAREFUND_PAGE_LIMIT or raise CAREFUND_MOST_PAGES, and report it."


class UnexpectedStatus(FunderError):
    """The funder responded with an unexpected status."""

    code = "unexpected-status"
    advice = "Nothing was changed. Report the operation and the status."
