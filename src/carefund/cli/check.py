"""`carefund check`: is this installation ready, and if not, what is missing."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from carefund.cli.output import FAILED, print_json, screen
from carefund.funders.access import AccessCheck, check_access
from carefund.funders.errors import FunderError
from carefund.runs.sources import device_store


def check(json: Annotated[bool, typer.Option(help="Print as JSON.")] = False) -> None:
    """Tell what is configured, whether the database, the PRODA device and the token work, and when keys expire."""
    database = _database_problem()
    try:
        access = asyncio.run(check_access(settings.SERVICES_AUSTRALIA, device_store()))
        problem = access.problem
    except FunderError as error:
        access, problem = None, error
    ready = not database and problem is None and access is not None and not access.missing
    if json:
        print_json({
            "ready": ready,
            "database": database or "ready",
            "services_australia": _as_data(access, problem),
        })  # fmt: skip
    else:
        _print(database, access, problem)
    if not ready:
        raise typer.Exit(FAILED)


def _database_problem() -> str:
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        return "The tables are not up to date: run `carefund setup`."
    return ""


def _as_data(access: AccessCheck | None, problem: FunderError | None) -> dict[str, Any]:
    data: dict[str, Any] = asdict(access) if access else {}
    data.pop("problem", None)
    if problem:
        data["problem"] = {"code": problem.code, "message": problem.message, "advice": problem.advice}
    return data


def _print(database: str, access: AccessCheck | None, problem: FunderError | None) -> None:
    _line("Database", not database, database or f"ready ({connection.vendor})")
    _line(
        "Encryption key",
        bool(settings.ENCRYPTION_KEYS),
        "set" if settings.ENCRYPTION_KEYS else "CAREFUND_ENCRYPTION_KEYS is not set: `carefund setup` writes one.",
    )
    if access:
        _line("Environment", True, f"{access.environment}, {access.base_url}")
        for _, sentence in access.missing:
            _line("Setting", False, sentence)
        _line("Device", bool(access.device_status), access.device_status or "not activated")
        for title, instant in (
            ("Key expires", access.key_expires_at),
            ("Device expires", access.device_expires_at),
            ("Token expires", access.token_expires_at),
        ):
            if instant:
                _line(title, True, f"{instant.astimezone(settings.BUSINESS_TIME_ZONE):%-d %B %Y, %H:%M}")
    if problem:
        _line("Services Australia", False, f"{problem.message} {problem.advice}")
    elif access and not access.missing:
        _line("Services Australia", True, "gave a token")


def _line(title: str, good: bool, text: str) -> None:
    mark = "[green]✓[/]" if good else "[red]✗[/]"
    screen.print(f"{mark} {title}: {text}", highlight=False, soft_wrap=True)
