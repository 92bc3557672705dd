"""Programme and database of one version before a command begins, or one sentence that says they are not."""

import sys

import typer

from carefund.cli.output import FAILED, complain
from carefund.records.versions import OLDER, find_version_problem

# What may run whatever the tables are like, and what brings them up to date before it goes on.
_ANY_TABLES = {"check", "interfaces", "manage", "backup", "restore", "doctor"}
_UPDATES = {"setup", "serve", "demo"}


def require_version(context: typer.Context) -> None:
    """End a command with one sentence where the database is newer than this programme, or older and not brought up."""
    command = context.invoked_subcommand
    if command is None or command in _ANY_TABLES or "--help" in sys.argv:
        return
    problem = find_version_problem()
    if problem is None or (problem is OLDER and command in _UPDATES):
        return
    complain(*problem)
    raise typer.Exit(FAILED)
