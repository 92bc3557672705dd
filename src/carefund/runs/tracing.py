"""OpenTelemetry, if it is configured: spans of requests, work and calls go to a collector, in batches beside them.

A trace has the correlation id as its number, so that a request, the run that it asked for and the run's calls are one
trace, whichever processes they were in. The packages are an extra, and are loaded only if an address is set.
"""

import atexit
from contextlib import AbstractContextManager
from importlib import import_module
from importlib.metadata import version
from typing import Any
from uuid import UUID

from django.conf import settings

from carefund.funders.correlation import current_correlation_id
from carefund.funders.tracing import trace_with

_SECONDS_TO_SEND = 5
_provider: Any = None


class _Tracer:
    """What begins spans at OpenTelemetry's tracer."""

    def __init__(self, tracer: Any, kinds: Any) -> None:
        self._tracer, self._kinds = tracer, kinds

    def begin(self, name: str, kind: str) -> AbstractContextManager[Any]:
        """Begin a span; no exception is written into it, since its words may name somebody."""
        began: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            name, kind=self._kinds[kind], record_exception=False, set_status_on_exception=False
        )
        return began


def start_tracing() -> None:
    """Send spans of this process to the collector that is configured; none is, usually."""
    global _provider
    if not settings.OTLP_ENDPOINT or _provider is not None:
        return
    sdk, export = import_module("opentelemetry.sdk.trace"), import_module("opentelemetry.sdk.trace.export")
    otlp = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    resource = import_module("opentelemetry.sdk.resources").Resource.create(
        {"service.name": "carefund", "service.version": version("carefund")}
    )
    ids = import_module("opentelemetry.sdk.trace.id_generator").RandomIdGenerator
    _provider = sdk.TracerProvider(
        shutdown_on_exit=False, resource=resource, id_generator=type("Ids", (ids,), {"generate_trace_id": _number})()
    )
    address = f"{settings.OTLP_ENDPOINT.rstrip('/')}/v1/traces"
    exporter = otlp.OTLPSpanExporter(endpoint=address, timeout=_SECONDS_TO_SEND)
    _provider.add_span_processor(export.BatchSpanProcessor(exporter))
    kinds = import_module("opentelemetry.trace").SpanKind
    trace_with(_Tracer(_provider.get_tracer("carefund"), kinds))
    atexit.register(stop_tracing)


def stop_tracing() -> None:
    """Send what is left, and no more after that."""
    global _provider
    if _provider is not None:
        trace_with(None)
        _provider.shutdown()
        _provider = None


def _number(ids: Any) -> int:
    """The number of a trace: that of the correlation id, or a new one outside of any."""
    text = current_correlation_id()
    return UUID(text).int if text else int(super(type(ids), ids).generate_trace_id())
