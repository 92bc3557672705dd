"""An error of a kind of work that nobody expected: told in the ledger by a reference, in the log by kind and place."""

import logging
from collections.abc import Callable, Iterator

import pytest

from carefund.runs import kinds
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run
from carefund.runs.requests import NewRunItem, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemResult, WorkKind
from carefund.unexpected_errors import LineFormatter

pytestmark = pytest.mark.django_db(transaction=True)
PERSON = "400000003"


async def _fail(session: Session, item: ClaimedItem) -> ItemResult:
    raise LookupError(f"nothing of {PERSON}")


@pytest.fixture
def failing() -> Iterator[str]:
    """The name of a kind of work whose items fail in a way that no kind foresees."""
    kinds.register(WorkKind(name="fails", label="Fails", items="things", work=_fail))
    yield "fails"
    kinds.unregister("fails")


def test_ledger_and_log_share_a_reference_and_repeat_no_value(
    failing: str, carry_out: Callable[..., Run], caplog: pytest.LogCaptureFixture
):
    run = carry_out(request_work(failing, [NewRunItem("thing:1")], trigger=Run.Trigger.BULK, scope="a thing"))
    item = run.items.get()
    assert (item.outcome, item.error_code) == ("failed", "internal-error")
    assert f"reference item-{item.pk}" in item.advice
    assert f"work of kind fails failed: LookupError, reference item-{item.pk}" in caplog.text
    assert "test_unexpected.py" in caplog.text
    assert PERSON not in caplog.text + item.advice + item.message


def test_what_a_library_logs_is_reduced_to_kind_and_lines():
    try:
        raise KeyError(PERSON)
    except KeyError as error:
        record = logging.LogRecord(
            "asyncio", logging.ERROR, __file__, 1, f"Task failed\nfuture: {PERSON}", (), (KeyError, error, None)
        )
    told = LineFormatter("%(name)s: %(message)s").format(record)
    assert told.startswith("asyncio: Task failed: KeyError\n    ")
    assert "test_unexpected.py:" in told
    assert PERSON not in told
    assert PERSON in record.getMessage(), "other handlers get the record as it was"
