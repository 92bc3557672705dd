"""`carefund demo`: the whole product on this machine, with 60 fictitious people and a sandbox for the government."""

import asyncio
import contextlib
import http.client
import itertools
import json as jsonlib
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from django.conf import settings
from django.utils import timezone
from rich.table import Table

from carefund.access.accounts import add_user, has_account
from carefund.access.gate import OPERATOR, list_clients_for
from carefund.access.roles import Role
from carefund.cli.demo_ndis import load_ndis_clients
from carefund.cli.demo_world import change_funding, deliver_services, rename_people
from carefund.cli.manage import prepare_installation
from carefund.cli.output import FAILED, as_typed, complain, counts_table, screen, this_command
from carefund.cli.runs import watch_run
from carefund.cli.serving import listen_or_exit, public_address, serve_until_stopped
from carefund.funders.sessions import open_proda
from carefund.records.care_recipient.queries import list_branches_of_clients
from carefund.records.models import PaceComparison
from carefund.records.ndis.queries import count_comparisons
from carefund.records.provider_file import count_own_records, read_provider_file, store_provider_file
from carefund.runs.alerts.looking import request_look
from carefund.runs.bulk_scopes import choose
from carefund.runs.care_recipient.surveying import find_reads, request_survey
from carefund.runs.care_recipient.unread_budgets import request_unread_budgets
from carefund.runs.database_threads import close_connection
from carefund.runs.engines import embedded
from carefund.runs.foreground import finish_now
from carefund.runs.funder_sessions import device_store
from carefund.runs.models import Run
from carefund.runs.queries import find_only_item, list_items, reload
from carefund.runs.requests import NothingToDo, request_run
from carefund.sync.care_recipient.recordsets import RECORD_SETS

PASSWORD = "wattle-grove-demo"  # noqa: S105 for fictitious people, on this machine
PEOPLE = (("ada", Role.ADMINISTRATOR), ("fay", Role.FINANCE), ("ben", Role.COORDINATOR), ("rex", Role.READ_ONLY))
NAMES = {"ada": ("Ada", "Ferris"), "fay": ("Fay", "Tran"), "ben": ("Ben", "Okafor"), "rex": ("Rex", "Hall")}
_START_SECONDS = 30


def demo(
    once: Annotated[bool, typer.Option("--once", help="Do everything except serve, then end.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Continue with the last demo's data.")] = False,
    care_recipients: Annotated[int, typer.Option(help="Number of fictitious people.")] = 60,
) -> None:
    """Try Carefund: sandbox, database, PRODA device, fictitious clients, a bulk run, the console."""
    screen.rule("Carefund demo: everybody in it is fictitious")
    prepare_installation()
    _say("The database is ready.")
    with _sandbox(care_recipients):
        _say(f"The sandbox stands in for PRODA and Services Australia on {settings.SANDBOX_URL}.")
        _activate_device()
        _say("A PRODA device is registered and activated; its key is stored encrypted.")
        store_provider_file(read_provider_file(_ask("GET", f"/sandbox/provider-file?limit={care_recipients}")))
        _add_people()
        clients, invoices, line_items = count_own_records()
        _say(
            f"The provider's own records are imported: {clients:,} clients, "
            f"{invoices:,} invoices with {line_items:,} line items."
        )
        if renamed := rename_people(lambda path, body: _ask("POST", path, body), list_clients_for(OPERATOR)):
            _say(f"Services Australia knows {renamed} of them by another name or date of birth.")
        _say("Synchronising all clients:")
        last = _synchronise_everybody()
        delivered = deliver_services()
        if delivered:  # not again by --keep: the same week is over once
            people = {client.care_recipient_id or "" for client in list_clients_for(OPERATOR)}
            change_funding(lambda path, body: _ask("POST", path, body), people)
            _say(
                f"{delivered} services are delivered and not yet claimed, "
                "and some funding changes at Services Australia. The next night's run finds the changes:"
            )
            last = _survey_everybody()
        with contextlib.suppress(NothingToDo):
            unread = request_unread_budgets(timezone.now())
            _say("In the same night, budgets that ended before the first sync are read once:")
            _carry_out(unread)
        screen.print(
            f"Some fail on purpose. Run {last.pk} in the console shows which clients, why, and what to do.",
            highlight=False,
        )
        _load_ndis()
        finish_now(request_look(Run.Trigger.ON_DEMAND))
        _say("Home shows alerts: what will run out, what will be lost, which claim windows close.")
        if not once:
            _serve()


_steps = itertools.count(1)


def _say(sentence: str) -> None:
    """Print the next step of the story."""
    screen.print(f"{next(_steps)}. {sentence}", highlight=False)


@contextlib.contextmanager
def _sandbox(care_recipients: int) -> Iterator[None]:
    """The sandbox as a process of its own, as integrators run it; it forgets nothing between two `--keep`s."""
    port = urlsplit(settings.SANDBOX_URL).port
    state = settings.DATA_FOLDER / "sandbox.json"
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--state", str(state)]
    command += ["--care-recipients", str(care_recipients)]
    process = subprocess.Popen(  # noqa: S603 our own command
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            complain("The sandbox did not start.", f"Try `carefund-sandbox --port {port}` to see why.")
            raise typer.Exit(FAILED)
        yield
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_START_SECONDS)


def _ask(method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    """One request to the sandbox's control, the way a person would use PRODA's or the provider's screens."""
    host = urlsplit(settings.SANDBOX_URL)
    sandbox = http.client.HTTPConnection(host.hostname or "127.0.0.1", host.port, timeout=_START_SECONDS)
    sandbox.request(method, path, jsonlib.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = sandbox.getresponse()
    content = answer.read()
    if answer.status >= 400:
        complain(f"The sandbox answered {answer.status} to {path}.")
        raise typer.Exit(FAILED)
    return content


def _activate_device() -> None:
    async def activate(code: str) -> None:
        async with open_proda(settings.SERVICES_AUSTRALIA, device_store()) as proda:
            await proda.activate(code)

    name = settings.SERVICES_AUSTRALIA.device_name
    registered = jsonlib.loads(_ask("POST", "/sandbox/proda/devices", {"deviceName": name}))
    asyncio.run(activate(registered["activationCode"]))


def _load_ndis() -> None:
    participants = jsonlib.loads(_ask("GET", "/sandbox/ndia/participants"))
    load_ndis_clients(participants, list_branches_of_clients()[0], lambda path, body: _ask("POST", path, body))
    outcomes = count_comparisons(list_clients_for(OPERATOR))
    _say(
        f"NDIS: {len(participants)} participants as clients, {sum(outcomes.values())} service contracts "
        f"made from PACE, {outcomes[PaceComparison.Outcome.DIFFERENT]} of them different from PACE."
    )


def _add_people() -> None:
    for name, role in PEOPLE:
        if not has_account(name):
            first_name, last_name = NAMES[name]
            branches = list_branches_of_clients()[:2] if role in (Role.COORDINATOR, Role.READ_ONLY) else ()
            add_user(name, PASSWORD, role, service_provider_ids=branches, first_name=first_name, last_name=last_name)


def _synchronise_everybody() -> Run:
    clients, scope = choose()
    return _carry_out(request_run(trigger=Run.Trigger.BULK, clients=clients, scope=scope))


def _survey_everybody() -> Run:
    """The second night: the lists say who moved, and nobody else is read."""
    survey = _carry_out(request_survey(trigger=Run.Trigger.BULK))
    item = find_only_item(survey)
    screen.print(item.message if item else "", highlight=False)
    reading = find_reads(survey)
    if reading is None:
        return survey
    _report(reading)
    return reading


def _carry_out(run: Run) -> Run:
    problems: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(embedded.work(until_idle=True))
        except BaseException as error:  # noqa: BLE001 told below, in the thread that waits
            problems.append(error)
        finally:
            close_connection()

    worker = threading.Thread(target=work, name="demo run")
    worker.start()
    while worker.is_alive() and not run.is_over and not problems:
        watch_run(run)
        if run.status == Run.Status.PAUSED:
            break
        time.sleep(0.1)
    worker.join()
    if problems:
        raise problems[0]
    reload(run)
    if run.status != Run.Status.FINISHED:
        complain(f"The run is {run.status}: {run.paused_reason}")
        raise typer.Exit(FAILED)
    if run.kind == Run.SYNC:
        _report(run)
    return run


def _report(run: Run) -> None:
    totals = {
        record_set.kind: {"new": 0, "changed": 0, "unchanged": 0, "no_longer_returned": 0} for record_set in RECORD_SETS
    }
    outcomes: dict[str, int] = {}
    for item in list_items(run):
        outcomes[item.outcome] = outcomes.get(item.outcome, 0) + 1
        for kind, count in item.counts.items():
            for name, number in count.items():
                totals[kind][name] += number
    screen.print(counts_table(totals))
    table = Table("People", box=None, pad_edge=False, header_style="bold")
    table.add_column("", justify="right")
    for outcome, number in sorted(outcomes.items()):
        table.add_row(outcome, str(number))
    screen.print(table)


def _serve() -> None:
    listening = listen_or_exit(*public_address())

    def show_progress() -> None:
        screen.print()
        _say(f"The console is on [bold]{settings.PUBLIC_URL}[/]. Press Ctrl+C to stop.")
        table = Table("Sign-in", "Role", "Password", box=None, pad_edge=False, header_style="bold")
        for name, role in PEOPLE:
            table.add_row(name, role.value, PASSWORD)
        screen.print(table)
        screen.print(
            "On the command line, from another terminal here:\n"
            f"  CAREFUND_ENVIRONMENT_FILE={as_typed(settings.ENVIRONMENT_FILE)} {this_command()} sync 400000003",
            highlight=False,
        )

    serve_until_stopped(listening, with_worker=True, on_ready=show_progress)
