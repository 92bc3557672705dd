"""`carefund interfaces try --writes`: each write shown, confirmed, sent once and reported."""

import typer

from carefund.access.access_log import store_synchronisation
from carefund.access.audit_log import one_act, store_act
from carefund.cli.output import WRONG_INPUT, complain, screen
from carefund.cli.trial_report import print_detail, print_line, print_report
from carefund.records.models import Client
from carefund.runs.business_day import business_today
from carefund.runs.foreground import finish_one
from carefund.runs.write_trials import request_write
from carefund.sync.shown_writes import CannotTry, find_obstacle_to_writing, show_write
from carefund.sync.write_trials import ADD, ATTACH, CLAIM, CREATE, DELETE, ROLL_OVER, SUBMIT

# A trial invoice is deleted before the one that is claimed is made, so that each write can be tried in one go.
_ORDER = (CREATE, DELETE, CREATE, ADD, ATTACH, SUBMIT, CLAIM, ROLL_OVER)


def try_writes(client: Client) -> None:
    """Show one write after the other, and send those that are confirmed. End the command where none may be tried."""
    if obstacle := find_obstacle_to_writing():
        complain(obstacle, "Nothing was sent.")
        raise typer.Exit(WRONG_INPUT)
    store_synchronisation(None, client, "carefund interfaces try --writes")
    for operation in _ORDER:
        try:
            _try_write(client, operation)
        except CannotTry as problem:
            print_line("yellow", "?", f"{operation}: {problem.message} {problem.advice}")


def _try_write(client: Client, operation: str) -> None:
    shown = show_write(client, operation, business_today())
    screen.print("")
    print_line("blue", "→", f"{operation}: {shown.words}.")
    print_detail("to", f"POST {shown.address}")
    print_detail("body", shown.body)
    if not typer.confirm(f"Send this to Services Australia ({shown.environment})?", default=False):
        print_line("yellow", "?", f"{operation}: not sent.")
        return
    with one_act():
        run = request_write(client, operation, shown.digest)
        store_act(None, "Interface write tried", operation)
    item = finish_one(run)
    report = item.result
    if report is None:  # it failed before anything could be said of it
        print_line("yellow", "?", f"{operation}: {item.message} {item.advice}")
        return
    mark = ("green", "✓") if report["write"]["outcome"] == "done" else ("yellow", "?")
    print_line(*mark, f"{operation}: {report['write']['outcome']}. {report['write']['words']}")
    print_report(report)
