"""Reading anew as background work: asked for once after an upgrade, in groups, resumable, and by hand."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from carefund.records.compression import compress
from carefund.records.models import Answer, Change, Client, Payload, PlanBudget
from carefund.runs.care_recipient.reprocessing import request_after_upgrade
from carefund.runs.housekeeping import tidy
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import retry_failures
from carefund.sync.care_recipient.reprocessing import list_outdated
from tests.conftest import Sandbox
from tests.runs.installation import Installation, kill, wait_until
from tests.sync.spellings import spelled

LISTS, SUMMARY = "budgets_by_care_recipient", "care_recipient_summary"
NOW = datetime(2026, 11, 21, tzinfo=UTC)
CarryOut = Callable[..., Run]


def renamed(sandbox: Sandbox | Installation) -> None:
    """The funder calls what was used otherwise than this version knows."""
    sandbox.ask("POST", "/faults", {"kind": "renamed-field", "operation": LISTS, "field": "used", "value": "spent"})


@pytest.fixture
def synchronised(world: Sandbox, clients: list[Client], bulk: Callable[..., Run], carry_out: CarryOut) -> list[Client]:
    """Five people synchronised before the upgrade, and no call since."""
    renamed(world)
    carry_out(bulk(clients[:5]))
    assert PlanBudget.objects.filter(used=None).count() == PlanBudget.objects.count() > 0
    world.ask("DELETE", "/journal")
    return clients[:5]


def test_after_an_upgrade_everybody_is_reprocessed_once_and_nobody_is_asked(
    world: Sandbox, synchronised: list[Client], carry_out: CarryOut
) -> None:
    with spelled(Budget__used=("spent",)):
        tidy()
        run = Run.objects.get(kind="read-anew")
        tidy()
        assert Run.objects.filter(kind="read-anew").count() == 1
        run = carry_out(run)
        assert (run.status, run.total, list_outdated()) == (Run.Status.FINISHED, 5, [])
        assert set(run.items.values_list("outcome", flat=True)) == {RunItem.Outcome.CHANGED}
    assert not PlanBudget.objects.filter(used=None).exists()
    assert world.ask("GET", "/journal")["requests"] == []


def test_each_way_of_reading_is_asked_for_once_a_day_at_most(synchronised: list[Client]) -> None:
    def ask(minutes: int) -> bool:
        return request_after_upgrade(NOW + timedelta(minutes=minutes)) is not None

    assert not ask(0), "all is read as it was"
    with spelled(Budget__used=("spent",)):
        assert ask(1)
        assert not ask(2)
    assert not ask(3), "the old version, still running beside the new one"
    with spelled(Budget__used=("spent",)):
        assert not ask(4)
        assert not ask(60 * 24 + 4), "the newest"
    assert not ask(60 * 24 + 5), "nobody was read otherwise than that"


def test_a_run_that_broke_off_goes_on_where_it_was(synchronised: list[Client], carry_out: CarryOut) -> None:
    with spelled(Budget__used=("spent",)):
        tidy()
        run = Run.objects.get(kind="read-anew")
        ids = list(run.items.order_by("id").values_list("pk", flat=True))
        RunItem.objects.filter(pk__in=ids[2:]).update(status=RunItem.Status.CANCELLED)
        carry_out(run)
        assert len(list_outdated()) == 3
        RunItem.objects.filter(pk__in=ids[2:]).update(status=RunItem.Status.QUEUED)
        Run.objects.filter(pk=run.pk).update(status=Run.Status.QUEUED)
        carry_out(run)
        assert list_outdated() == []
    told = Change.objects.filter(cause=Change.READING).values_list("client_id", "key", "field")
    assert len(told) == len({(client_id, tuple(key), field) for client_id, key, field in told})


def test_who_cannot_be_read_has_failed_alone_and_can_be_retried(
    synchronised: list[Client], carry_out: CarryOut
) -> None:
    answer = Answer.objects.select_related("payload").get(client=synchronised[0], operation=SUMMARY)
    body = answer.payload.body
    Payload.objects.filter(digest=answer.payload_id).update(body=compress(b"[1, 2"))
    with spelled(Budget__used=("spent",)):
        tidy()
        run = carry_out(Run.objects.get(kind="read-anew"))
        failed = run.items.get(outcome=RunItem.Outcome.FAILED)
        assert (failed.client_id, failed.failed_step) == (synchronised[0].pk, "care recipient summary")
        assert run.items.filter(outcome=RunItem.Outcome.CHANGED).count() == 4
        Payload.objects.filter(digest=answer.payload_id).update(body=body)
        assert carry_out(retry_failures(run)).items.get().outcome == RunItem.Outcome.CHANGED
        assert list_outdated() == []


@pytest.mark.slow
@pytest.mark.one_database
def test_killed_half_way_the_command_goes_on_and_changes_each_field_once(installation: Installation) -> None:
    renamed(installation)
    installation.start("worker")
    installation.carefund("runs", "start", "--no-watch")
    installation.wait_for_status("finished")
    installation.stop()
    installation.ask("DELETE", "/journal")
    installation.settings["CAREFUND_SERVICES_AUSTRALIA_SPELLINGS"] = "Budget.used=spent"
    people = json.loads(installation.carefund("reprocess", "--all", "--dry-run", "--json"))["changed"]
    assert people > 50, "more than a group"

    command = installation.start("reprocess", "--all")
    wait_until(lambda: installation.rows("SELECT count(*) FROM records_change WHERE cause = 'reading'") > [(0,)])
    kill(command)
    installation.write("UPDATE runs_runitem SET held_until = '2026-01-01 00:00:00' WHERE status = 'running'")
    installation.carefund("reprocess", "--all")

    assert json.loads(installation.carefund("reprocess", "--all", "--json"))["people"] == 0
    told = "SELECT client_id, key, field FROM records_change WHERE cause = 'reading'"
    rows = installation.rows(told)
    assert len(rows) == len(set(rows))
    assert len({row[0] for row in rows}) == people
    assert installation.rows("SELECT count(*) FROM records_planbudget WHERE used IS NULL") == [(0,)]
    assert installation.ask("GET", "/journal")["requests"] == []
