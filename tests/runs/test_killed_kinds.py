"""kill -9 in the middle of each kind of work, with real processes: it goes on after the next start, and is done once.

Each is killed twice: while the funder is asked, and within the transaction that writes down what came of it. A kind
that is added to the table without a case here fails. Work that somebody waits for at a terminal is killed there too,
and the web server with everything that it started.
"""

import contextlib
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from carefund.runs.kinds import find_kind, list_kinds
from tests.runs.installation import Installation, kill, running_sandbox, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.one_database]

PEOPLE = 8
# What the kinds need: people in step, service provider ids, a batch to send, a claim to check, contracts with PACE.
PREPARE = """
import datetime, json, urllib.request
from django.conf import settings
from django.utils import timezone
from carefund.cli.demo_ndis import load_ndis_clients
from carefund.cli.demo_world import deliver_services
from carefund.records.models import Client, OrganisationSetting
from carefund.runs.foreground import finish_now, send_batch, sync_service_providers
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import request_run
from carefund.sync.claims.preparing import BatchChoice, prepare_batch

def ask(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(settings.SANDBOX_URL + path, data, {"Content-Type": "application/json"})
    return json.loads(urllib.request.urlopen(request).read() or "null")

now = timezone.now()
OrganisationSetting.objects.create(key="clock", value=[now.isoformat(), (now - datetime.timedelta(9)).isoformat(), 0])
long_ago = now - datetime.timedelta(days=5000)
for _ in range(3):
    run = Run.objects.create(kind="sync", trigger="bulk", status="finished", scope="old", finished_at=long_ago, total=9)
    RunItem.objects.bulk_create(
        RunItem(run=run, holds=f"x:{n}", status="done", outcome="unchanged", finished_at=long_ago) for n in range(9)
    )
    Run.objects.filter(pk=run.pk).update(created_at=long_ago)
finish_now(request_run(trigger="bulk", clients=Client.objects.all(), scope="all"))
sync_service_providers()
deliver_services()
ask("/sandbox/claim-rules", {"oneClaimPerDay": False})
today = timezone.localdate()
branches = sorted(set(Client.objects.values_list("service_provider_id", flat=True)))
batches = [prepare_batch(BatchChoice(each, today - datetime.timedelta(days=30), today), today) for each in branches[:2]]
send_batch(batches[0].pk)
load_ndis_clients(ask("/sandbox/ndia/participants"), branches[0], ask)
ask("/sandbox/care-recipients/400000001/add-usage", {"amount": "-9.00", "itemCode": "SERV-0001", "description": MARK})
"""
MARK = "Killed twice"
# Whoever asked has it held until its case lets it go on.
ASK = """
from carefund.runs.requests import pause_run
{}
pause_run(run)
asked[{!r}] = run.pk
"""


@dataclass(frozen=True)
class Case:
    """How a kind is asked for, in Python that leaves its run in `run`, and what shows that it was done once. What it
    begins with is changed by SQL before."""

    ask: str
    check: Callable[[Installation], None]
    before: tuple[str, ...] = ()


def count(installation: Installation, what: str) -> int:
    return int(installation.rows(f"SELECT count(*) FROM {what}")[0][0])


def check_sync(installation: Installation) -> None:
    assert count(installation, f"records_budgetusage WHERE description = '{MARK}'") == 1
    told = (
        "records_change WHERE kind = 'budget_usage' AND action = 'new' GROUP BY client_id, key ORDER BY count(*) DESC"
    )
    assert count(installation, told) == 1, "no draw is in the change log twice"


def check_reading(installation: Installation) -> None:
    assert count(installation, f"records_classification WHERE priority = '{MARK}'") == 0
    told = f"records_change WHERE field = 'priority' AND before = '{MARK}' AND cause = 'reading'"
    assert count(installation, told) == count(installation, "records_classification")


def check_providers(installation: Installation) -> None:
    found = installation.rows("SELECT count(*), count(DISTINCT service_provider_id) FROM records_serviceprovider")
    ours = "SELECT count(DISTINCT service_provider_id) FROM records_planbudget WHERE service_provider_id <> ''"
    assert found == [installation.rows(ours)[0] * 2]


def check_batch(installation: Installation) -> None:
    invoices = installation.ask("GET", "/invoices")
    references = [item["externalReferenceId"] for invoice in invoices for item in invoice["items"]]
    assert len(references) == len(set(references)) == count(installation, "records_paymentrequest")
    assert len(installation.ask("GET", "/claims")) == count(installation, "records_claim") == 2


def check_claim(installation: Installation) -> None:
    assert installation.rows("SELECT status FROM records_claim") == [("Completed",)]
    assert count(installation, "runs_run WHERE scope = 'claim approved'") == 1


def check_accounts(installation: Installation) -> None:
    assert count(installation, "records_provideraccount") == count(installation, "records_accountanswer") == 1


def check_trial(installation: Installation) -> None:
    asked = installation.rows("SELECT count(*), count(DISTINCT operation) FROM records_triedanswer")
    assert asked[0][0] == asked[0][1] > 8, "each answer is kept once"


def check_write(installation: Installation) -> None:
    references = [invoice["externalReferenceId"] for invoice in installation.ask("GET", "/invoices")]
    assert len([reference for reference in references if reference.startswith("TRIAL-")]) == 1


def check_rollover(installation: Installation) -> None:
    assert installation.rows("SELECT state, is_uncertain FROM records_rollover") == [("done", 0)]
    asked = installation.ask("GET", "/journal?operation=budget_roll_over&limit=100")["requests"]
    assert not asked


def check_saves(installation: Installation) -> None:
    saved = installation.rows("SELECT service_provider_id, quarter_start_date FROM records_caremanagementsave")
    assert len(saved) == len(set(saved))
    assert len({row[0] for row in saved}) == count(installation, "records_serviceprovider")


def check_comparisons(installation: Installation) -> None:
    compared = installation.rows("SELECT count(*), count(DISTINCT contract_id) FROM records_pacecomparison")
    assert compared == [(count(installation, "records_servicecontract"),) * 2]


def check_plan(installation: Installation) -> None:
    open_ones = "runs_preview p JOIN runs_runitem i ON i.id = p.item_id WHERE p.applied_at IS NULL"
    assert count(installation, open_ones) == 1


def check_old_runs(installation: Installation) -> None:
    assert count(installation, "runs_run WHERE scope = 'old'") == 0
    assert count(installation, "runs_runitem WHERE holds LIKE 'x:%'") == 0
    assert count(installation, "runs_run WHERE scope = 'all'") == 1


def check_survey(installation: Installation) -> None:
    by_survey = "json_extract(parameters, '$.survey') OR scope LIKE 'all clients in full%'"
    asked_for = f"runs_run WHERE kind = 'sync' AND ({by_survey})"
    assert count(installation, asked_for) == 1
    assert count(installation, "runs_run WHERE kind = 'survey' AND status = 'finished'") == 1


def check_alerts(installation: Installation) -> None:
    standing = installation.rows("SELECT count(*), count(DISTINCT kind || key) FROM records_alert")[0]
    assert standing[0] == standing[1] > 0, "each alert is there once"


CASES = {
    "sync": Case(
        "from carefund.records.models import Client\n"
        "from carefund.runs.requests import request_run\n"
        "everybody = Client.objects.filter(care_recipient_id__isnull=False)\n"
        "run = request_run(trigger='bulk', clients=everybody, scope='killed')",
        check_sync,
    ),
    "read-anew": Case(
        "from carefund.records.models import Client\n"
        "from carefund.runs.care_recipient.reprocessing import request_reprocessing\n"
        "ids = Client.objects.filter(care_recipient_id__isnull=False).values_list('pk', flat=True)\n"
        "run = request_reprocessing(ids, trigger='bulk', scope='killed')",
        check_reading,
        before=(
            f"UPDATE records_classification SET priority = '{MARK}'",
            "UPDATE records_syncstate SET reader = 'of an earlier version'",
        ),
    ),
    "survey": Case(
        "from carefund.runs.care_recipient.surveying import request_survey\nrun = request_survey(trigger='bulk')",
        check_survey,
    ),
    "service-providers": Case(
        "from carefund.runs.service_providers import request_provider_search\nrun = request_provider_search()",
        check_providers,
        before=("DELETE FROM records_serviceprovider",),
    ),
    "claim-batch": Case(
        "from carefund.records.models import ClaimBatch\n"
        "from carefund.runs.claims.claiming import request_sending\n"
        "run = request_sending(ClaimBatch.objects.order_by('-pk')[0].pk)",
        check_batch,
    ),
    "claim-check": Case(
        "from carefund.records.models import Claim\n"
        "from carefund.runs.claims.claiming import request_check\n"
        "run = request_check(Claim.objects.get())",
        check_claim,
    ),
    "account-summary": Case(
        "from carefund.records.models import Claim\n"
        "from carefund.runs.claims.accounts import list_months, request_accounts\n"
        "run = request_accounts(list_months(today, 1), branch=Claim.objects.get().service_provider_id)",
        check_accounts,
    ),
    # Its quarter was rolled over long ago: which is read, and never asked for (tests/runs/test_rollovers.py asks).
    "rollover": Case(
        "from carefund.records.models import PlanBudget, Rollover\n"
        "from carefund.runs.requests import NewRunItem, request_work\n"
        "ended = timezone.localdate() - datetime.timedelta(days=100)\n"
        "budget = PlanBudget.objects.filter(budget_type_code='ON', end_date__lt=ended).order_by('-end_date')[0]\n"
        "rollover = Rollover.objects.create(plan_budget=budget, base=0, amount=0, loss=0)\n"
        "item = NewRunItem(f'rollover:{rollover.pk}', budget.client_id)\n"
        "run = request_work('rollover', [item], trigger='bulk', scope='killed')",
        check_rollover,
    ),
    "pools": Case(
        "from carefund.runs.care_management.refreshing import request_saving\nrun = request_saving()", check_saves
    ),
    "contract-comparison": Case(
        "from carefund.records.models import Client\n"
        "from carefund.records.ndis.queries import list_comparable\n"
        "from carefund.runs.ndis.comparing import request_comparisons\n"
        "run = request_comparisons(list_comparable(Client.objects.all()))",
        check_comparisons,
        before=("DELETE FROM records_pacecomparison",),
    ),
    "connection-test": Case(
        "from carefund.runs.connections import request_connection_test\n"
        "run = request_connection_test('services-australia', None)",
        lambda installation: None,
    ),
    "interface-trial": Case(
        "from carefund.runs.trials import request_trial\nrun = request_trial(Client.objects.order_by('pk')[0])",
        check_trial,
    ),
    "write-trial": Case(
        "from carefund.runs.write_trials import request_write\n"
        "from carefund.sync.shown_writes import show_write\n"
        "client = Client.objects.order_by('pk')[0]\n"
        "shown = show_write(client, 'invoice_create', timezone.localdate())\n"
        "run = request_write(client, 'invoice_create', shown.digest)",
        check_write,
    ),
    "pace-interface-trial": Case(
        "from carefund.records.models import ServiceContract\n"
        "from carefund.runs.ndis.trials import request_pace_trial\n"
        "run = request_pace_trial(ServiceContract.objects.order_by('pk')[0].client)",
        lambda installation: None,
    ),
    "pace-plan": Case(
        "from carefund.records.models import ServiceContract\n"
        "from carefund.runs.ndis.plans import request_plan\n"
        "contract = ServiceContract.objects.order_by('pk')[0]\n"
        "run = request_plan(contract.client, contract).run",
        check_plan,
    ),
    "retention": Case(
        "from carefund.runs.retention import request_retention\nrun = request_retention('bulk')", check_old_runs
    ),
    # To an endpoint that is gone; tests/runs/test_webhooks.py has receivers.
    "webhooks": Case(
        "from carefund.runs.requests import NewRunItem, request_once\n"
        "run = request_once('webhooks', NewRunItem('webhook:999'), trigger='bulk', scope='killed')",
        lambda installation: None,
    ),
    "alerts": Case(
        "from carefund.runs.alerts.looking import request_look\nrun = request_look('bulk')",
        check_alerts,
    ),
    # To an account that is gone; tests/runs/test_alert_mail.py has a mail server.
    "alert-mail": Case(
        "from carefund.runs.requests import NewRunItem, request_once\n"
        "run = request_once('alert-mail', NewRunItem('account:999'), trigger='bulk', scope='killed')",
        lambda installation: None,
    ),
    # Of a client who is gone; tests/runs/test_erasing.py ends a real one in between.
    "erasure": Case(
        "from carefund.runs.requests import NewRunItem, request_once\n"
        "run = request_once('erasure', NewRunItem('client:99999'), trigger='bulk', scope='killed')",
        lambda installation: None,
    ),
    # Where the settings name no folder; with one, tests/runs/test_backups.py kills the making itself.
    "backup": Case(
        "from carefund.runs.requests import NewRunItem, request_once\n"
        "run = request_once('backup', NewRunItem('backup'), trigger='bulk', scope='killed')",
        lambda installation: None,
    ),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation that all kinds of work find something to do in, with a sandbox that nobody resets."""
    with running_sandbox(60) as sandbox_url:
        installation = Installation(tmp_path_factory.mktemp("world") / "data", sandbox_url)
        installation.prepare(PEOPLE)
        asking = "".join(ASK.format(case.ask, name) for name, case in CASES.items())
        file = str(installation.folder / "asked.json")
        noting = f"import json\njson.dump(asked, open({file!r}, 'w'))"
        installation.carefund("manage", "shell", "-c", f"MARK = {MARK!r}\nasked = {{}}\n{PREPARE}{asking}{noting}")
        yield installation


@pytest.fixture
def here(world: Installation, tmp_path: Path) -> Iterator[Installation]:
    copy = world.copy(tmp_path / "data")
    yield copy
    world.ask("POST", "/switches", {"latencyMs": 0})
    copy.stop()
    shutil.rmtree(copy.folder)


@contextlib.contextmanager
def writing_takes_for_ever(installation: Installation) -> Iterator[None]:
    """Whoever writes down that an item is done stays within that transaction."""
    for_ever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS number FROM n"
    installation.write(f"CREATE VIEW for_ever AS {for_ever}")
    installation.write(
        "CREATE TRIGGER for_ever_done AFTER UPDATE ON runs_runitem WHEN NEW.status = 'done'"
        " BEGIN SELECT number FROM for_ever; END"
    )
    yield
    installation.write("DROP TRIGGER for_ever_done")
    installation.write("DROP VIEW for_ever")


def is_locked(installation: Installation) -> bool:
    """Whether somebody holds the database for writing, for half a second at least."""
    for _ in range(5):
        file = installation.folder / "carefund.sqlite3"
        with contextlib.closing(sqlite3.connect(file, timeout=0, isolation_level=None)) as database:
            try:
                database.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                time.sleep(0.1)
                continue
            return False
    return True


@pytest.mark.parametrize("name", [kind.name for kind in list_kinds()])
def test_work_that_is_killed_goes_on_and_is_done_once(here: Installation, name: str) -> None:
    assert name in CASES, f"add how the kind {name} is asked for, and what shows that it was done once"
    case = CASES[name]
    if name == "claim-check":
        here.ask("POST", "/clock", {"advanceDays": 3})
    for statement in case.before:
        here.write(statement)
    run_id = json.loads((here.folder / "asked.json").read_text())[name]
    here.write(f"UPDATE runs_run SET status = 'queued', paused_at = NULL, paused_reason = '' WHERE id = {run_id}")
    kills = 0
    if find_kind(name).funder:
        here.ask("POST", "/switches", {"latencyMs": 3000})
        worker = here.start("worker")
        wait_until(lambda: here.count("running", run_id) > 0, lambda: here.log)
        time.sleep(0.3)
        kill(worker)
        here.ask("POST", "/switches", {"latencyMs": 0})
        assert here.count("running", run_id) > 0
        kills += 1
    with writing_takes_for_ever(here):
        worker = here.start("worker")
        wait_until(lambda: is_locked(here), lambda: here.log)
        kill(worker)
        kills += 1
    assert here.count("running", run_id) > 0, "what was written half is not there"
    # Two workers that end at the same item have it set aside (test_set_aside.py); here only one counts.
    here.write("UPDATE runs_runitem SET crash_count = 0")
    here.start("worker")
    here.wait_for_status("finished", run_id)
    ended = here.rows(f"SELECT DISTINCT status, outcome = 'failed', holder FROM runs_runitem WHERE run_id = {run_id}")
    assert ended == [("done", 0, "")]
    assert here.rows(f"SELECT max(fence) FROM runs_runitem WHERE run_id = {run_id}") == [(kills + 1,)]
    case.check(here)
    assert "Traceback" not in here.log


# What each command is called, after a query for the value of its last argument.
COMMANDS = {
    "sync": (("sync",), "SELECT '400000001'"),
    "service-providers": (("providers", "sync"), ""),
    "claim-batch": (("claims", "submit", "--yes"), "SELECT max(id) FROM records_claimbatch"),
    "claim-check": (("claims", "check"), "SELECT claim_id FROM records_claim"),
    "pools": (("care-management", "refresh"), ""),
    "pace-plan": (
        ("pace", "preview"),
        "SELECT ndis_number FROM records_ndisparticipant WHERE client_id ="
        " (SELECT client_id FROM records_servicecontract ORDER BY id LIMIT 1)",
    ),
}


def forget_what_was_asked(installation: Installation) -> None:
    """Remove the runs that wait for the other test, so that nothing joins them."""
    asked = ",".join(map(str, json.loads((installation.folder / "asked.json").read_text()).values()))
    installation.write(f"DELETE FROM runs_runitem WHERE run_id IN ({asked})")
    installation.write(f"DELETE FROM runs_run WHERE id IN ({asked})")


def find_run_of(installation: Installation, name: str) -> int:
    """The newest run of a kind, or 0."""
    return int(installation.rows(f"SELECT coalesce(max(id), 0) FROM runs_run WHERE kind = '{name}'")[0][0])


@pytest.mark.parametrize("name", list(COMMANDS))
def test_work_of_a_terminal_that_is_killed_goes_to_the_worker(here: Installation, name: str) -> None:
    forget_what_was_asked(here)
    if name == "claim-check":
        here.ask("POST", "/clock", {"advanceDays": 3})
    words, query = COMMANDS[name]
    last = find_run_of(here, name)
    here.ask("POST", "/switches", {"latencyMs": 3000})
    terminal = here.start(*words, *([str(here.rows(query)[0][0])] if query else []))
    wait_until(lambda: find_run_of(here, name) > last, lambda: here.log)
    run_id = find_run_of(here, name)
    wait_until(lambda: here.count("running", run_id) > 0, lambda: here.log)
    time.sleep(0.3)
    kill(terminal)
    here.ask("POST", "/switches", {"latencyMs": 0})
    assert here.count("running", run_id) > 0
    here.write("UPDATE runs_runitem SET held_until = datetime('now', '-1 second') WHERE status = 'running'")
    here.start("worker")
    here.wait_for_status("finished", run_id)
    ended = here.rows(f"SELECT DISTINCT status, outcome = 'failed', holder FROM runs_runitem WHERE run_id = {run_id}")
    assert ended == [("done", 0, "")]
    assert here.rows(f"SELECT max(fence) FROM runs_runitem WHERE run_id = {run_id}") == [(2,)]
    if name != "pools":  # refreshed, not saved
        CASES[name].check(here)
    assert "Traceback" not in here.log


def test_serve_that_is_killed_with_its_worker_goes_on_after_a_start(here: Installation) -> None:
    run_id = json.loads((here.folder / "asked.json").read_text())["claim-batch"]
    here.write(f"UPDATE runs_run SET status = 'queued', paused_at = NULL, paused_reason = '' WHERE id = {run_id}")
    here.ask("POST", "/switches", {"latencyMs": 3000})
    for _ in range(2):
        server = here.start("serve", "--port", "0")
        wait_until(lambda: here.count("running", run_id) > 0, lambda: here.log)
        time.sleep(0.3)
        kill(server)
        here.write("UPDATE runs_runitem SET crash_count = 0")
    here.ask("POST", "/switches", {"latencyMs": 0})
    here.start("serve", "--port", "0")
    here.wait_for_status("finished", run_id)
    check_batch(here)
