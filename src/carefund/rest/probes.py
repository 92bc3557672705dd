"""What machines that watch over machines ask: does the process answer, can it work, and how is it doing.

These three addresses are answered before the host's name, encryption and sessions are looked at, since a probe calls a
process by its address. The first two tell nobody anything; the figures are for tokens and addresses that are allowed.
"""

from collections.abc import Callable, Iterable
from importlib.metadata import version

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, JsonResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from carefund.access.request_addresses import is_among
from carefund.access.roles import may_enter, may_monitor
from carefund.access.tokens import find_use
from carefund.records.database_trouble import describe_tables
from carefund.rest.problems import ApiProblem, answer_status
from carefund.rest.tokens import BearerToken
from carefund.runs.metrics import METRICS

_METHODS = ("GET", "HEAD")
_VERSION = "carefund_build"


class AnswerProbes:
    """Answer `/healthz`, `/readyz` and `/metrics`; hand on everything else."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._probes = {"/healthz": _answer_alive, "/readyz": _answer_ready, "/metrics": _answer_metrics}

    def __call__(self, request: HttpRequest) -> HttpResponse:
        probe = self._probes.get(request.path_info)
        if probe is None:
            return self._get_response(request)
        return probe(request) if request.method in _METHODS else HttpResponseNotAllowed(_METHODS)


def _answer_alive(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok\n", content_type="text/plain")


def _answer_ready(request: HttpRequest) -> HttpResponse:
    """Return 200 if the database answers and fits this version, else 503 with what is wrong."""
    problem = describe_tables()
    answer = JsonResponse({"ready": not problem, "problem": problem}, status=503 if problem else 200)
    if problem:
        answer.__dict__["_has_been_logged"] = True  # whoever asks every second need not fill the log
    return answer


def _answer_metrics(request: HttpRequest) -> HttpResponse:
    refusal = _refuse(request)
    if refusal is not None:
        return refusal
    registry = CollectorRegistry()
    registry.register(_Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _refuse(request: HttpRequest) -> HttpResponse | None:
    """Return why somebody is not shown the figures; None for an address or a token that may see them."""
    if is_among(request.META, settings.METRICS_ADDRESSES, settings.TRUSTED_PROXIES):
        return None
    if settings.SECURE_SSL_REDIRECT and not request.is_secure():
        return ApiProblem("not-encrypted").as_response()
    try:
        account = BearerToken(may_enter)(request)
    except ApiProblem as problem:
        return problem.as_response()
    if account is None:
        answer = answer_status(401)
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    if not may_monitor(account):
        return answer_status(403)
    use = find_use(account)
    if use is not None:  # asked several times a minute, about nobody
        use.is_logged = True
    return None


class _Figures(Collector):
    """The figures as the library wants them, read when they are asked for."""

    def collect(self) -> Iterable[Metric]:
        """Return every figure."""
        now = timezone.now()
        build = GaugeMetricFamily(_VERSION, "The version of Carefund.", labels=["version"])
        build.add_metric([version("carefund")], 1)
        yield build
        for metric in METRICS:
            family = (CounterMetricFamily if metric.grows else GaugeMetricFamily)(
                metric.name, metric.help, labels=metric.labels
            )
            for labels, value in metric.read(now):
                family.add_metric(labels, value)
            yield family
