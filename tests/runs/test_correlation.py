"""One id through request, run, log and call of a funder."""

import io
import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.test import Client as Visitor
from django.urls import reverse

from carefund.funders.correlation import correlated, current_correlation_id
from carefund.records.models import Client
from carefund.runs.models import Run
from carefund.unexpected_errors import JsonFormatter, LineFormatter
from tests.conftest import Sandbox


@pytest.fixture
def lines() -> Any:
    """What is logged, as JSON."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logging.getLogger("carefund").addHandler(handler)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.getLogger("carefund").removeHandler(handler)


def test_a_request_its_run_the_log_and_the_funder_share_one_id(
    world: Sandbox, add_client: Callable[..., Client], client: Visitor, carry_out: Callable[..., Run], lines: Any
):
    someone = add_client("400000003")
    client.force_login(User.objects.create_superuser("boss"))
    answer = client.post(reverse("console:synchronise", args=[someone.pk]))
    correlation_id = answer.headers["X-Correlation-Id"]
    assert str(UUID(correlation_id)) == correlation_id
    run = Run.objects.latest("id")
    assert run.correlation_id == correlation_id
    world.begin_anew()
    carry_out(run)
    calls = world.ask("GET", "/journal?path=are")["requests"]
    assert len(calls) >= 3
    assert {call["headers"]["dhs-correlationid"] for call in calls} == {f"urn:uuid:{correlation_id}"}
    assert current_correlation_id() == ""
    assert {line["correlation_id"] for line in lines()} <= {correlation_id}
    another = client.get(reverse("console:home")).headers["X-Correlation-Id"]
    assert another != correlation_id


def test_an_entry_of_the_log_names_what_it_belongs_to():
    record = logging.LogRecord("carefund.runs", logging.WARNING, __file__, 1, "%d of %d done", (3, 4), None)
    with correlated() as correlation_id:
        text = LineFormatter("%(levelname)s %(name)s%(correlation)s: %(message)s").format(record)
        entry = json.loads(JsonFormatter().format(record))
    assert text == f"WARNING carefund.runs [{correlation_id}]: 3 of 4 done"
    assert entry["message"] == "3 of 4 done"
    assert entry["correlation_id"] == correlation_id
    assert entry["level"] == "WARNING"
    assert entry["logger"] == "carefund.runs"
    assert entry["time"].endswith("+00:00")
    text = LineFormatter("%(levelname)s %(name)s%(correlation)s: %(message)s").format(record)
    assert text == "WARNING carefund.runs: 3 of 4 done"


def test_json_holds_no_more_than_a_line(caplog: pytest.LogCaptureFixture):
    try:
        raise KeyError("400000003")
    except KeyError as error:
        record = logging.LogRecord(
            "asyncio", logging.ERROR, __file__, 1, "Task failed\nfuture: 400000003", (), (KeyError, error, None)
        )
    line = JsonFormatter().format(record)
    assert "400000003" not in line
    assert "\n" not in line
    assert "Task failed: KeyError" in json.loads(line)["message"]
