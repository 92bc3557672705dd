"""The `carefund` command: its groups, and how an error ends.

Exit status: 0 done; 1 failed; 2 wrong input; 3 consent not given.
"""

import gc
import os
import sys

import django
from django.core.exceptions import ImproperlyConfigured

from carefund.cli.demo_environment import prepare_demo_environment

if sys.argv[1:2] == ["demo"]:
    prepare_demo_environment()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")
try:
    gc.disable()  # while importing: nothing of it is garbage, and to look for some takes a sixth of a command's start
    django.setup()
except ImproperlyConfigured as error:  # a setting that cannot be right; nothing else is known yet, not even the output
    sys.exit("\n".join(f"Error: {line}" for line in str(error).splitlines()))

# What follows needs Django to be ready.
import typer

from carefund.cli import (
    accounts,
    alerts,
    backups,
    care_management,
    check,
    claims,
    clients,
    demo,
    device,
    doctor,
    explain,
    exports,
    interfaces,
    invoices,
    keys,
    manage,
    money,
    pace,
    personal_data,
    planned,
    providers,
    quarter_close,
    reprocess,
    runs,
    serving,
    show,
    spending,
    sync,
    tokens,
    users,
    webhooks,
)
from carefund.cli.file_permissions import make_private
from carefund.cli.output import FAILED, complain
from carefund.cli.refusals import Commands
from carefund.cli.versions import require_version
from carefund.unexpected_errors import note, note_the_rest

gc.enable()
app = typer.Typer(
    cls=Commands,
    name="carefund",
    help="Keep each client's government funding in step with the government's records.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    callback=require_version,
)
app.command("sync")(sync.sync)
app.command("show")(show.show)
app.command("explain")(explain.explain)
app.command("spending")(spending.spending)
app.command("money")(money.money)
app.command("alerts")(alerts.alerts)
app.command("reprocess")(reprocess.reprocess_stored)
app.command("replay", hidden=True)(reprocess.reprocess_stored)  # its earlier name
app.command("quarter-close")(quarter_close.quarter_close)
app.command("check")(check.check)
app.command("serve")(serving.serve)
app.command("worker")(serving.worker)
app.command("setup")(manage.setup)
app.command("doctor")(doctor.doctor)
app.command("backup")(backups.backup)
app.command("restore")(backups.restore)
app.command("export")(exports.export)
app.command("manage", context_settings=manage.PASS_ON)(manage.manage)
app.command("demo")(demo.demo)
app.add_typer(runs.app, name="runs")
app.add_typer(device.app, name="device")
app.add_typer(keys.app, name="keys")
app.add_typer(interfaces.app, name="interfaces")
app.add_typer(pace.app, name="pace")
app.add_typer(providers.app, name="providers")
app.add_typer(care_management.app, name="care-management")
clients.app.command("data")(personal_data.write_data)
clients.app.command("erase")(personal_data.erase_client)
app.add_typer(clients.app, name="clients")
app.add_typer(planned.app, name="planned")
app.add_typer(invoices.app, name="invoices")
claims.app.command("accounts")(accounts.accounts)
app.add_typer(claims.app, name="claims")
app.add_typer(users.app, name="users")
app.add_typer(tokens.app, name="tokens")
app.add_typer(webhooks.app, name="webhooks")


def main() -> None:
    """Run a command; what nobody expected ends in one message with status 1 too, never in a traceback."""
    note_the_rest()
    make_private()
    try:
        app()
    except Exception as error:  # noqa: BLE001 the last place that can say it in one sentence
        reference = note(f"carefund {_name_command()}", error)
        advice = f"Try again. If it happens again, report it with reference {reference} and the lines above."
        complain(f"Carefund failed with an unexpected {type(error).__name__}.", advice)
        sys.exit(FAILED)


def _name_command() -> str:
    """Return the command that was typed, without its arguments."""
    known = {registered_command.name for registered_command in app.registered_commands} | {
        registered_group.name for registered_group in app.registered_groups
    }
    return next((word for word in sys.argv[1:2] if word in known), "command")


if __name__ == "__main__":
    main()
