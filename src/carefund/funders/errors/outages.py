"""What is nobody's fault and may pass: the only errors after which a call is tried again."""

from carefund.funders.errors.root import FunderError


class Unavailable(FunderError):
    """The funder's system could not be reached."""

    code = "unavailable"
    advice = "Nothing was changed. Try again later."
    retried = True
    retry_after: float | None = None


class TimedOut(Unavailable):
    """The funder's system did not answer in time."""

    code = "timed-out"
    advice = "Nothing was changed. Try again in a few minutes. If it keeps happening, raise CAREFUND_TIMEOUT_SECONDS."


class ConnectionFailed(Unavailable):
    """The connection to the funder's system failed."""

    code = "connection-failed"
    advice = "Check this machine's network, proxy and firewall, and the configured address. Then try again."


class Throttled(Unavailable):
    """The funder's system asked for fewer calls."""

    code = "throttled"
    advice = "Wait a few minutes. If it keeps happening, lower CAREFUND_CALLS_PER_SECOND."


class OutOfService(Unavailable):
    """The funder's system reported a failure of its own."""

    code = "out-of-service"
    advice = "The funder has an outage. Nothing was changed. Try again later."


class Incomplete(Unavailable):
    """The funder's response was incomplete."""

    code = "incomplete"
    advice = "Nothing was changed. Try again in a few minutes."
