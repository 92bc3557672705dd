"""Every way in which a call to a funder can end badly, as one tree; no network, no policy beyond `retried`.

    FunderError
    ├── NotConfigured                 a value that this environment needs is not set
    ├── Unavailable                   nobody's fault, may pass: the only branch that is ever tried again
    │   ├── TimedOut
    │   ├── ConnectionFailed
    │   ├── Throttled                 429, or 503 with a waiting time
    │   ├── OutOfService              5xx
    │   └── Incomplete                an answer that broke off
    ├── NotAllowedIn                  the funder does not know, or does not trust, this installation
    │   ├── NotAuthenticated          401
    │   ├── ClientIdRejected          401 for the application id
    │   ├── NotPermitted              403
    │   ├── DeviceNotActivated
    │   ├── DeviceInactive
    │   ├── DeviceUnknown
    │   ├── DeviceKeyExpired
    │   ├── DeviceKeyRejected
    │   ├── DeviceKeyTooYoung
    │   ├── DeviceBusy
    │   ├── ActivationCodeRejected
    │   ├── AssertionRejected
    │   └── ClockSkewed
    ├── ConsentMissing                the person has not agreed to share this; an outcome, never an empty answer
    ├── AuthorityMissing              the NDIA lets nobody see a plan without consent and both endorsements
    ├── IdentityNotMatched            the NDIA knows nobody by this number, surname and date of birth together
    ├── NotFound                      the funder knows nobody, or nothing, by this id
    ├── MalformedId                   an id that no funder can have issued; nothing was sent
    ├── WrongAddress                  something that is not this API answered
    ├── BadAnswer                     an answer that cannot be read
    │   ├── NotJson
    │   ├── WrongCharacters           texts in a character set that cannot be made out
    │   ├── BadField                  one field is at fault, and is named
    │   │   ├── WrongType
    │   │   └── ImpossibleValue       no such field can hold this: see `bounds`
    │   ├── TooLarge                  more bytes, rows or values than this installation reads
    │   ├── TooDeep
    │   ├── WrongPerson               an answer about somebody else
    │   └── RepeatedPage
    ├── RequestRejected               400 and the funder's own rules
    │   └── Conflict                  409, 412
    └── UnexpectedStatus              a status that no rule here knows

A message never holds an id, a name, a payload or an address, so it may go to a log as it is. What the funder said word
for word is in `details`, for the page of a person who may see it.
Source: rules PRODA-04, SA-03, SA-04 and SA-05.
"""

from collections.abc import Sequence
from http import HTTPStatus
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


class NotConfigured(FunderError):
    """A required setting is missing."""

    code = "not-configured"
    advice = "Set the values named here in the environment. Then run `carefund check`."


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


class NotAllowedIn(FunderError):
    """The funder's system did not accept this installation."""

    code = "not-allowed-in"
    advice = "Run `carefund check` to see which part of the access is missing."


class NotAuthenticated(NotAllowedIn):
    """The funder's system did not accept the access token."""

    code = "not-authenticated"
    advice = "Run `carefund check`. If the device works, compare the token audience with the integration pack."


class ClientIdRejected(NotAllowedIn):
    """The funder's system did not accept the application's client ID."""

    code = "client-id-rejected"
    advice = "Compare CAREFUND_CLIENT_ID with the ID that the developer portal issued for this environment."


class NotPermitted(NotAllowedIn):
    """This organisation does not have permission to do that at the funder."""

    code = "not-permitted"
    advice = "Ask the funder whether this organisation is linked to the person and entitled to this service."


class DeviceNotActivated(NotAllowedIn):
    """This installation has no active PRODA device."""

    code = "device-not-activated"
    advice = "Register a B2B device in PRODA, set its name in CAREFUND_DEVICE_NAME, and run `carefund device activate`."


class DeviceInactive(NotAllowedIn):
    """PRODA says that the device or its organisation is not active."""

    code = "device-inactive"
    advice = "Open the organisation's B2B devices in PRODA and extend or reactivate this device."


class DeviceUnknown(NotAllowedIn):
    """PRODA does not know this device or organisation."""

    code = "device-unknown"
    advice = "Compare CAREFUND_ORGANISATION_ID and CAREFUND_DEVICE_NAME with the organisation's B2B devices in PRODA."


class DeviceKeyExpired(NotAllowedIn):
    """The PRODA device's key has expired."""

    code = "device-key-expired"
    advice = "Get a new activation code for the device in PRODA and run `carefund device activate`."


class DeviceKeyRejected(NotAllowedIn):
    """PRODA did not accept the device's new key."""

    code = "device-key-rejected"
    advice = "Run `carefund device refresh` again. It makes a new key each time."


class DeviceKeyTooYoung(NotAllowedIn):
    """The PRODA device's key is less than half-way through its life, too early to renew it."""

    code = "device-key-too-young"
    advice = "No action needed. The key is renewed automatically when it is due."


class DeviceBusy(NotAllowedIn):
    """Another process is using the PRODA device."""

    code = "device-busy"
    advice = "Try again in a minute. Only one process at a time can renew a device's key or token."


class ActivationCodeRejected(NotAllowedIn):
    """PRODA did not accept the activation code."""

    code = "activation-code-rejected"
    advice = "A code works once, for a short time, and is case-sensitive. Get a new code in PRODA and try again."


class AssertionRejected(NotAllowedIn):
    """PRODA did not accept the signed request for a token."""

    code = "assertion-rejected"
    advice = "Compare the organisation ID, device name, PRODA client ID and token audience with the integration pack."


class ClockSkewed(NotAllowedIn):
    """This machine's clock differs too much from PRODA's clock."""

    code = "clock-skewed"
    advice = "Set this machine's clock, preferably with NTP, and try again."


class ConsentMissing(FunderError):
    """The person has not agreed to share this with the provider."""

    code = "consent-missing"
    advice = "Ask the client to give consent in My Aged Care. The last known details are kept."


class AuthorityMissing(FunderError):
    """This organisation does not have permission to see the participant's plan."""

    code = "authority-missing"
    advice = (
        "Check three things with the participant and in the NDIS portal: consent to view plan and budget, an active "
        "endorsement as the participant's provider, and an active endorsement as plan manager."
    )


class IdentityNotMatched(FunderError):
    """The NDIA has no participant with this surname, NDIS number and date of birth."""

    code = "identity-not-matched"
    advice = (
        "Surname, NDIS number and date of birth must all match the NDIA's records. Compare all three with the "
        "participant's plan."
    )


class NotFound(FunderError):
    """The funder has no record with this ID."""

    code = "not-found"
    advice = "Compare the ID with the funder's letter or portal."


class MalformedId(FunderError):
    """The ID has characters or a length that the funder does not use."""

    code = "malformed-id"
    advice = "Correct the ID. It can have up to 40 letters, digits, hyphens and underscores."


class WrongAddress(FunderError):
    """The configured address is not the funder's API."""

    code = "wrong-address"
    advice = "Compare the configured address and paths with the funder's API documents."


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


class RequestRejected(FunderError):
    """The funder refused the request."""

    code = "request-rejected"
    advice = "Read the funder's message in the result, then correct the record it names."


class Conflict(RequestRejected):
    """The funder's record has changed since it was read."""

    code = "conflict"
    advice = "Read the record again, check what changed, and repeat the step."


class UnexpectedStatus(FunderError):
    """The funder responded with an unexpected status."""

    code = "unexpected-status"
    advice = "Nothing was changed. Report the operation and the status."


# Statuses with one meaning, whatever the body says. 404 and 401 are split further by their bodies in `refusals`.
ERROR_BY_STATUS: dict[int, type[FunderError]] = {
    HTTPStatus.BAD_REQUEST: RequestRejected,
    HTTPStatus.UNAUTHORIZED: NotAuthenticated,
    HTTPStatus.FORBIDDEN: NotPermitted,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.METHOD_NOT_ALLOWED: WrongAddress,
    HTTPStatus.NOT_ACCEPTABLE: RequestRejected,
    HTTPStatus.REQUEST_TIMEOUT: TimedOut,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: WrongAddress,
    HTTPStatus.PRECONDITION_FAILED: Conflict,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: RequestRejected,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: RequestRejected,
    HTTPStatus.UNPROCESSABLE_ENTITY: RequestRejected,
    HTTPStatus.PRECONDITION_REQUIRED: RequestRejected,
    HTTPStatus.TOO_MANY_REQUESTS: Throttled,
}


def error_for_status(status: int) -> type[FunderError]:
    """The class that a status alone stands for; a redirect means a wrong address, any 5xx an outage."""
    known = ERROR_BY_STATUS.get(status)
    if known is not None:
        return known
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        return WrongAddress
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return OutOfService
    return UnexpectedStatus


def all_leaves(root: type[FunderError] = FunderError) -> list[type[FunderError]]:
    """Every class that is raised, in the order of the drawing: what docs/errors.md must list."""
    children = root.__subclasses__()
    own = [root] if not children or root is RequestRejected else []
    return own + [leaf for child in children for leaf in all_leaves(child)]
