"""`carefund check`: is this installation ready, and if not, what is missing."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.utils import DatabaseError

from carefund.cli.database_trouble import describe
from carefund.cli.output import FAILED, print_json, screen
from carefund.funders.access import AccessCheck, check_access
from carefund.funders.configuration import missing_values
from carefund.funders.errors import FunderError
from carefund.runs.sources import device_store


def check(json: Annotated[bool, typer.Option(help="Print as JSON.")] = False) -> None:
    """Tell what is configured, whether database and PRODA device work, and when keys expire."""
    database = _database_problem()
    access, problem = (None, None) if database else _check_access()
    missing = [sentence for _, sentence in missing_values(settings.SERVICES_AUSTRALIA)]
    ready = access is not None and not missing and problem is None and settings.HAS_SECRET_KEY
    if json:
        print_json({
            "ready": ready,
            "database": database or "ready",
            "secret_key": settings.HAS_SECRET_KEY,
            "encryption_keys": bool(settings.ENCRYPTION_KEYS),
            "missing": missing,
            "services_australia": _as_data(access, problem),
        })  # fmt: skip
    else:
        _print(database, access, missing, problem)
    if not ready:
        raise typer.Exit(FAILED)


def _database_problem() -> str:
    try:
        executor = MigrationExecutor(connection)
        is_behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return " ".join(describe(error))
    return "The tables are not up to date: run `carefund setup`." if is_behind else ""


def _check_access() -> tuple[AccessCheck | None, FunderError | None]:
    try:
        access = asyncio.run(check_access(settings.SERVICES_AUSTRALIA, device_store()))
    except FunderError as error:
        return None, error
    return access, access.problem


def _as_data(access: AccessCheck | None, problem: FunderError | None) -> dict[str, Any]:
    data: dict[str, Any] = asdict(access) if access else {}
    data.pop("problem", None)
    if problem:
        data["problem"] = {"code": problem.code, "message": problem.message, "advice": problem.advice}
    return data


def _print(database: str, access: AccessCheck | None, missing: list[str], problem: FunderError | None) -> None:
    configuration = settings.SERVICES_AUSTRALIA
    _line("Database", not database, database or f"ready ({connection.vendor})")
    for title, variable, is_set in (
        ("Secret key", "CAREFUND_SECRET_KEY", settings.HAS_SECRET_KEY),
        ("Encryption key", "CAREFUND_ENCRYPTION_KEYS", bool(settings.ENCRYPTION_KEYS)),
    ):
        advice = "`carefund setup --environment-file carefund.env` writes one."
        _line(title, is_set, "set" if is_set else f"{variable} is not set: {advice}")
    _line("Environment", True, f"{configuration.environment}, {configuration.base_url or 'no address'}")
    for sentence in missing:
        _line("Setting", False, sentence)
    if access:
        _print_device(access, is_confirmed=problem is None and not missing)
    if problem and settings.ENCRYPTION_KEYS:
        _line("PRODA", False, f"{problem.message} {problem.advice}")
    elif access and not missing:
        _line("PRODA", True, "gave a new token just now")


def _print_device(access: AccessCheck, *, is_confirmed: bool) -> None:
    """Print what is stored of the device; only a token that PRODA gave just now confirms it."""
    status = access.device_status or "not activated"
    if not is_confirmed:
        status = f"{access.device_status} when PRODA last answered" if access.device_status else status
    _line("Device", is_confirmed and bool(access.device_status), status)
    for title, instant in (
        ("Key expires", access.key_expires_at),
        ("Device expires", access.device_expires_at),
        ("Token expires", access.token_expires_at),
    ):
        if instant:
            _line(title, True, f"{instant.astimezone(settings.BUSINESS_TIME_ZONE):%-d %B %Y, %H:%M}")


def _line(title: str, good: bool, text: str) -> None:
    mark = "[green]✓[/]" if good else "[red]✗[/]"
    screen.print(f"{mark} {title}: {text}", highlight=False, soft_wrap=True)
