"""OpenTelemetry: a request, its run and the run's calls are one trace, which names nobody."""

import gzip
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured
from django.test import Client as Visitor
from django.urls import reverse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from carefund.environment import EnvironmentVariables
from carefund.records.models import Client
from carefund.runs.models import Run
from carefund.runs.tracing import start_tracing, stop_tracing
from tests.conftest import Sandbox


@pytest.fixture
def collector(settings: Any) -> Iterator[list[tuple[str, bytes]]]:
    """Where spans go; each message with its path."""
    got: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append((self.path, gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = Thread(target=server.serve_forever)
    thread.start()
    settings.OTLP_ENDPOINT = f"http://127.0.0.1:{server.server_port}"
    start_tracing()
    try:
        yield got
    finally:
        stop_tracing()
        server.shutdown()
        thread.join()
        server.server_close()


def test_a_request_its_run_and_its_calls_are_one_trace(
    world: Sandbox,
    add_client: Callable[..., Client],
    client: Visitor,
    carry_out: Callable[..., Run],
    collector: list[tuple[str, bytes]],
):
    someone = add_client("400000003", last_name="Zebedee")
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.post(reverse("console:synchronise", args=[someone.pk]))
    carry_out(Run.objects.latest("id"))
    stop_tracing()
    spans = []
    for path, body in collector:
        assert path == "/v1/traces"
        assert b"400000003" not in body
        assert b"Zebedee" not in body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    one_trace = bytes.fromhex(answer.headers["X-Correlation-Id"].replace("-", ""))
    ours = [span for span in spans if span.trace_id == one_trace]
    assert [span.name for span in ours if span.name.startswith("POST")] == [
        "POST clients/<number:client_id>/synchronise"
    ]
    assert "work sync" in [span.name for span in ours]
    calls = [span for span in ours if span.name.startswith("call ")]
    assert len(calls) >= 3
    told = [{item.key: item.value.string_value or item.value.int_value for item in span.attributes} for span in calls]
    assert ("services-australia", 200) in {
        (known["carefund.funder"], known["http.response.status_code"]) for known in told
    }


def test_an_address_needs_its_scheme_and_the_packages(monkeypatch: pytest.MonkeyPatch):
    variables = EnvironmentVariables()
    monkeypatch.setenv("CAREFUND_OTLP_ENDPOINT", "collector:4318")
    with pytest.raises(ImproperlyConfigured, match="must begin with http"):
        variables.collector("CAREFUND_OTLP_ENDPOINT")
    monkeypatch.setenv("CAREFUND_OTLP_ENDPOINT", "http://collector:4318")
    assert variables.collector("CAREFUND_OTLP_ENDPOINT") == "http://collector:4318"
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk", None)  # as if it were not installed
    with pytest.raises(ImproperlyConfigured, match="make install EXTRA=opentelemetry"):
        variables.collector("CAREFUND_OTLP_ENDPOINT")
