"""`carefund runs`: ask, watch, pause, resume, cancel, retry, by commands alone."""

import csv
from io import StringIO

import pytest
import typer

from carefund.cli import runs, sync
from carefund.runs.care_recipient.surveying import find_reads
from carefund.runs.foreground import finish_now
from carefund.runs.kinds import describe_work
from carefund.runs.models import Run
from carefund.runs.retention import request_retention
from tests.cli.conftest import Terminal

pytestmark = pytest.mark.django_db(transaction=True)
RUNS = Terminal(runs.app)
SYNC = Terminal(one := typer.Typer())
one.command()(sync.sync)


@pytest.fixture
def failures(clients, bulk, carry_out, world):
    """A finished run in which one of three people failed."""
    world.fault(kind="not-json", subject=clients[0].care_recipient_id)
    run = carry_out(bulk(clients[:3]))
    world.ask("DELETE", "/faults")
    return run


def test_a_run_is_asked_for_and_listed(clients):
    assert "Run 1 requested" in RUNS.type("start", "--no-watch").replace(str(Run.objects.get().pk), "1", 1)
    [listed] = RUNS.ask("list")
    assert (listed["status"], listed["trigger"], listed["total"]) == ("queued", "bulk", len(clients))
    assert listed["kind"] == "sync"
    assert "active clients" in RUNS.type("list")


def test_a_file_of_ids_names_the_unknown_ones(clients, carry_out, tmp_path):
    file = tmp_path / "ids.csv"
    file.write_text(f"{clients[0].care_recipient_id}\n{clients[0].care_recipient_id}\n499999999\n")
    RUNS.type("start", "--file", str(file), "--no-watch")
    shown = RUNS.ask("show", str(carry_out(Run.objects.get()).pk))
    assert (shown["total"], shown["done"], shown["changed"], shown["failed"]) == (2, 2, 1, 1)
    assert shown["failures"][0]["care_recipient_id"] == "499999999"
    assert shown["failures"][0]["advice"]


def test_nobody_and_nothing_are_wrong_input(world, tmp_path):
    empty = tmp_path / "empty.csv"
    empty.write_text("")
    RUNS.type("start", "--file", str(empty), "--no-watch", status=2)
    RUNS.type("start", "--service-provider-id", "9999999999", "--no-watch", status=2)
    for command in ("show", "pause", "resume", "cancel", "retry"):
        RUNS.type(command, "99999", status=2)
    assert "No runs yet" in RUNS.type("list")


def test_a_run_is_shown_as_a_line_per_person(failures):
    lines = list(csv.DictReader(StringIO(RUNS.type("show", str(failures.pk), "--csv"))))
    assert sorted(line["outcome"] for line in lines) == ["changed", "changed", "failed"]
    assert all(line["message"] for line in lines if line["outcome"] == "failed")
    assert "1 failed" in RUNS.type("show", str(failures.pk))


def test_a_run_is_paused_resumed_and_cancelled(clients, bulk, carry_out):
    run = bulk(clients)
    RUNS.type("pause", str(run.pk))
    assert carry_out(run).status == Run.Status.PAUSED
    assert "paused: by hand" in RUNS.type("show", str(run.pk))
    RUNS.type("resume", str(run.pk))
    assert RUNS.ask("show", str(run.pk))["status"] == "queued"
    RUNS.type("cancel", str(run.pk))
    assert carry_out(run).items.filter(status="cancelled").count() == len(clients)
    RUNS.type("resume", str(run.pk), status=2)
    RUNS.type("cancel", str(run.pk), status=2)


def test_only_the_failures_are_retried(failures, carry_out):
    RUNS.type("retry", str(failures.pk))
    again = Run.objects.get(retry_of=failures)
    assert carry_out(again).items.get().outcome == "changed"
    assert "No items failed" in RUNS.type("retry", str(again.pk))


def test_watching_ends_with_the_run(clients, bulk, carry_out):
    run = carry_out(bulk(clients[:2]))
    runs.watch_run(run)
    assert RUNS.ask("show", str(run.pk))["done"] == 2


def test_work_of_other_kinds_is_listed_by_kind_and_called_by_its_own_words(clients, bulk):
    people = bulk(clients[:2])
    removal = finish_now(request_retention(Run.Trigger.BULK))
    assert [run["run_id"] for run in RUNS.ask("list")] == [removal.pk, people.pk]
    assert [run["run_id"] for run in RUNS.ask("list", "--kind", "retention")] == [removal.pk]
    listed = " ".join(RUNS.type("list").split())
    assert (describe_work(removal), describe_work(people)) == ("Removal of old runs", "Synchronise clients")
    assert all(words in listed for words in ("Removal of old", "Synchronise", "Failed"))  # on 80 columns
    assert "retention" not in listed
    assert "No runs of this kind" in RUNS.type("list", "--kind", "claim-batch")
    shown = RUNS.type("show", str(removal.pk))
    assert "Removal of old runs" in shown
    assert "1 of 1 steps done" in shown
    assert "consent" not in shown
    [line] = csv.DictReader(StringIO(RUNS.type("show", str(removal.pk), "--csv")))
    assert (line["thing"], line["care_recipient_id"], line["status"]) == ("retention", "", "done")
    assert "2 people done" in RUNS.type("show", str(people.pk))


def test_a_kind_that_is_not_in_the_table_is_wrong_input():
    assert "claim-batch (Send claim batches)" in RUNS.type("list", "--kind", "laundry", status=2)


def test_everybody_is_synchronised_by_a_survey_or_in_full(clients, carry_out):
    SYNC.type("--survey", "--no-watch")
    survey = Run.objects.get()
    assert (survey.kind, find_reads(survey)) == ("survey", None)
    reading = find_reads(carry_out(survey))
    assert (reading.total, find_reads(reading)) == (len(clients), None)
    SYNC.type("--everybody", "--no-watch")
    newest = Run.objects.latest("pk")
    assert (newest.kind, newest.parts, newest.scope) == ("sync", "everything", "active clients")
    for unclear in ((), ("--survey", "--everybody"), (clients[0].care_recipient_id, "--survey")):
        SYNC.type(*unclear, status=2)
    assert "for one client only" in SYNC.type("--survey", "--dry-run", status=2)


def test_a_survey_is_asked_for_by_command(clients):
    RUNS.type("start", "--parts", "survey", "--no-watch")
    assert Run.objects.get().kind == "survey"
    assert "A survey covers" in RUNS.type("start", "--parts", "survey", "--failed", "--no-watch", status=2)
