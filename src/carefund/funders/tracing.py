"""Spans: what takes how long, for a deployment that asks for it. Without a tracer a span does nothing.

A span names operations, routes, kinds and statuses; never a person, an id, an address with one in it, or a payload.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from carefund.funders.correlation import current_correlation_id

SERVER, CLIENT, INTERNAL = "SERVER", "CLIENT", "INTERNAL"
_tracer: Any = None


@dataclass(slots=True)
class Span:
    """What is known of something under way: its name may become clear on the way, and more may be noted."""

    name: str
    attributes: dict[str, str | int] = field(default_factory=dict)


def trace_with(tracer: Any) -> None:
    """Hand every span of this process to an OpenTelemetry tracer; None: to nobody."""
    global _tracer
    _tracer = tracer


@contextmanager
def span(name: str, kind: str = INTERNAL, **attributes: str | int) -> Iterator[Span]:
    """Measure what is done inside. What breaks off is marked with the class of its exception, without its words."""
    known = Span(name, dict(attributes))
    if _tracer is None:
        yield known
        return
    with _tracer.begin(name, kind) as told:
        try:
            yield known
        except BaseException as error:
            known.attributes["error.type"] = type(error).__name__
            raise
        finally:
            told.update_name(known.name)
            told.set_attributes(known.attributes | {"carefund.correlation_id": current_correlation_id()})
