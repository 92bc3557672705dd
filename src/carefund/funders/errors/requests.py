"""What the funder refuses by rules of its own."""

from carefund.funders.errors.root import FunderError


class RequestRejected(FunderError):
    """The funder refused the request."""

    code = "request-rejected"
    advice = "Read the funder's message in the result, then correct the record it names."


class Conflict(RequestRejected):
    """The funder's record has changed since it was read."""

    code = "conflict"
    advice = "Read the record again, check what changed, and repeat the step."
