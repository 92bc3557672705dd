"""What holds for every request before any page or call of the API: where it comes from, and what it may hold."""

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from carefund.access.request_addresses import UNNAMED_PROXY, find_client_address, is_trusted
from carefund.funders.correlation import correlated
from carefund.funders.tracing import SERVER, span

log = logging.getLogger(__name__)
Answer = Callable[[HttpRequest], HttpResponse]
_FORWARDED = ("HTTP_X_FORWARDED_FOR", "HTTP_X_FORWARDED_PROTO", "HTTP_X_FORWARDED_HOST", "HTTP_X_FORWARDED_PORT")
_API = "/api/"
_NUL = "\0"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Correlate:
    """Outermost: give each request an id, which its log entries and the runs that it asks for carry too."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        method = request.method if request.method in _METHODS else "_OTHER"  # a stranger may send any word
        with correlated() as correlation_id, span(method, SERVER, **{"http.request.method": method}) as known:
            answer = self._get_response(request)
            route = request.resolver_match.route if request.resolver_match else ""
            known.name = f"{method} {route}".rstrip()
            known.attributes |= {"http.route": route, "http.response.status_code": answer.status_code}
        answer.headers["X-Correlation-Id"] = correlation_id
        return answer


class TrustProxies:
    """Next: let the client's own address take the proxy's place, if the proxy is one that is trusted."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response
        self._has_warned = False

    def __call__(self, request: HttpRequest) -> HttpResponse:
        peer = request.META.get("REMOTE_ADDR", "")
        forwarded = request.META.get("HTTP_X_FORWARDED_FOR", "")
        request.META[UNNAMED_PROXY] = any(name in request.META for name in _FORWARDED)
        if is_trusted(peer, settings.TRUSTED_PROXIES):
            request.META[UNNAMED_PROXY] = False
            request.META["REMOTE_ADDR"] = find_client_address(peer, forwarded, settings.TRUSTED_PROXIES)
        elif settings.TRUSTED_PROXIES:
            for name in _FORWARDED:
                request.META.pop(name, None)
        elif forwarded and not self._has_warned:
            self._has_warned = True
            log.warning(
                "requests come through a proxy that CAREFUND_TRUSTED_PROXIES does not name: all failed "
                "sign-ins count as coming from one address"
            )
        answer = self._get_response(request)
        answer.headers.setdefault("Cache-Control", "no-store")  # files that are the same for everybody say otherwise
        return answer


class RefuseLargeOfStrangers:
    """After authentication, before anybody reads the body: more than a form holds is read of people who signed in."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        is_large = not length.isdecimal() or int(length) > settings.LARGEST_FORM_OF_STRANGERS
        if is_large and not request.path_info.startswith(_API) and not request.user.is_authenticated:
            return render(request, "413.html", status=413)
        return self._get_response(request)


class RefuseNul:
    """Last: no address, form or file name holds the character that no database keeps."""

    def __init__(self, get_response: Answer) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise Http404 for the path, BadRequest for anything else."""
        if _NUL in request.path_info:
            raise Http404
        given = [request.GET]
        if request.method == "POST" and not request.path_info.startswith(_API):
            given.append(request.POST)
            if any(_NUL in (file.name or "") for _, files in request.FILES.lists() for file in files):
                raise BadRequest
        if any(
            _NUL in name or any(_NUL in value for value in values) for query in given for name, values in query.lists()
        ):
            raise BadRequest
