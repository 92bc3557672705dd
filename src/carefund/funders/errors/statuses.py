"""Which error a status stands for, whatever the body says; `refusals` splits 401 and 404 further by their bodies."""

from http import HTTPStatus

from carefund.funders.errors.access import NotAuthenticated, NotPermitted
from carefund.funders.errors.answers import UnexpectedStatus
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.outages import OutOfService, Throttled, TimedOut
from carefund.funders.errors.people import NotFound
from carefund.funders.errors.requests import Conflict, RequestRejected
from carefund.funders.errors.root import FunderError

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
