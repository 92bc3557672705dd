"""`carefund check`: is this installation ready, and if not, what is missing."""

import asyncio
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any

import typer
from django.conf import settings
from django.utils import timezone
from msgspec import to_builtins
from rich.markup import escape

from carefund.access import openid_connect
from carefund.access.log_sealing import LOGS, LogState, check_log
from carefund.cli.file_permissions import HOW_TO_CLOSE, describe_open_secrets
from carefund.cli.output import FAILED, print_json, screen
from carefund.funders.connection_check import AccessCheck
from carefund.funders.registry import Funder, list_funders
from carefund.records.database_trouble import describe_tables, name_database
from carefund.runs.backups import BackupState, describe_backups
from carefund.runs.funder_sessions import check_funder, is_used
from carefund.sync.interface_proposals import summarise_interfaces


@dataclass(frozen=True, slots=True)
class Found:
    """What there is to say about a funder: `access` is None for one that this installation does not ask."""

    funder: Funder
    access: AccessCheck | None

    @property
    def is_good(self) -> bool:
        """Whether nothing has to be done about it."""
        return self.access is None or self.access.works


def check(json: Annotated[bool, typer.Option(help="Print as JSON.")] = False) -> None:
    """Show the configuration, and whether the database, the device and the access to each funder work."""
    database = describe_tables()
    found = [] if database else asyncio.run(_check_all())
    missing = list(
        {sentence: None for funder_check in found if funder_check.access for _, sentence in funder_check.access.missing}
    )
    logs = [] if database else [check_log(log) for log in LOGS]
    backups = None if database else describe_backups(timezone.now())
    good = all(funder_check.is_good for funder_check in found) and all(log.is_whole for log in logs)
    directory = openid_connect.find_problem() if openid_connect.is_configured() else ""
    good = good and not (backups and backups.is_urgent) and not directory
    ready = not database and good and settings.HAS_SECRET_KEY
    if json:
        print_json({
            "ready": ready,
            "database": database or "ready",
            "secret_key": settings.HAS_SECRET_KEY,
            "encryption_keys": bool(settings.ENCRYPTION_KEYS),
            "open_secrets": describe_open_secrets(),
            "interfaces_file": settings.INTERFACES_FILE,
            "missing": missing,
            "directory": (directory or "signs people in") if openid_connect.is_configured() else None,
            "logs": {log.label: asdict(log) | {"is_whole": log.is_whole} for log in logs},
            "backup": asdict(backups) | {"last": to_builtins(backups.last)} if backups else None,
            "funders": {funder_check.funder.name: _as_data(funder_check) for funder_check in found},
        })  # fmt: skip
    else:
        _print_installation(database, missing, directory)
        _print_devices([funder_check.access for funder_check in found if funder_check.access])
        for funder_check in found:
            _print_funder(funder_check)
        for log in logs:
            _print_log(log)
        if backups:
            _print_backups(backups)
    if not ready:
        raise typer.Exit(FAILED)


async def _check_all() -> list[Found]:
    """One funder after the other, since they share the device."""
    return [Found(funder, await check_funder(funder) if is_used(funder) else None) for funder in list_funders()]


def _as_data(found: Found) -> dict[str, Any]:
    if found.access is None:
        return {"is_used": False}
    data = {"is_used": True} | asdict(found.access)
    problem = data.pop("problem")
    if problem:
        data["problem"] = {"code": problem.code, "message": problem.message, "advice": problem.advice}
    return data


def _print_installation(database: str, missing: list[str], directory: str) -> None:
    _line("Database", not database, database or f"ready ({name_database()})")
    for title, variable, is_set in (
        ("Secret key", "CAREFUND_SECRET_KEY", settings.HAS_SECRET_KEY),
        ("Encryption key", "CAREFUND_ENCRYPTION_KEYS", bool(settings.ENCRYPTION_KEYS)),
    ):
        advice = "Run `carefund setup --environment-file carefund.env` to create one."
        _line(title, is_set, "set" if is_set else f"{variable} is not set: {advice}")
    for sentence in describe_open_secrets():
        screen.print(f"[yellow]![/] Secret: {sentence} {HOW_TO_CLOSE}", highlight=False, soft_wrap=True)
    _line("Environment", True, settings.FUNDER_ENVIRONMENT)
    if settings.INTERFACES_FILE:
        _line("Interfaces", True, f"{settings.INTERFACES_FILE}: {summarise_interfaces()}")
    if openid_connect.is_configured():
        _line("Directory", not directory, directory or f"signs people in. Address: {settings.OIDC_ISSUER}")
    for sentence in missing:
        _line("Setting", False, sentence)


def _print_devices(checks: list[AccessCheck]) -> None:
    """Print what is stored of each device, once however many funders it serves; only a new token confirms it."""
    served = [check for check in checks if not check.gateway_url]
    confirmed = {check.device_name for check in served if check.works}
    for device in {check.device_name: check for check in served}.values():
        status = device.device_status or "not activated"
        if device.device_status and device.device_name not in confirmed:
            status = f"{device.device_status} at PRODA's last response"
        _line("Device", device.device_name in confirmed and bool(device.device_status), status)
        for title, instant in (("Key expires", device.key_expires_at), ("Device expires", device.device_expires_at)):
            if instant:
                _line(title, True, _local(instant))


def _print_funder(found: Found) -> None:
    label, access = found.funder.label, found.access
    if access is None:
        _line(label, True, "not set up. Set it up only if you have clients with this funder")
    elif access.missing:
        _line(label, False, f"{len(access.missing)} settings are missing. They are listed above")
    elif access.problem:
        _line(label, False, f"{access.problem.message} {access.problem.advice}")
    elif access.gateway_url:
        _line(label, True, f"uses a partner's gateway, {access.gateway_url}, which this check does not test")
    else:
        until = f", which expires on {_local(access.token_expires_at)}" if access.token_expires_at else ""
        _line(label, True, f"PRODA issued a new token{until}. Address: {access.base_url}")


def _print_log(log: LogState) -> None:
    """Print what the chain over a log says, and its head, which proves today's state if it is noted elsewhere."""
    said = (("missing", log.missing), ("changed", log.changed))
    problems = [f"{what} entries: {number:,}" for what, number in said if number]
    if not log.is_guarded:
        problems.append("protection against changes is missing in the database. Run `carefund setup` to restore it")
    waiting = f", {log.waiting:,} to be sealed by the background process" if log.waiting else ""
    whole = f"whole, {log.sealed:,} sealed{waiting}; head {log.sealed}:{log.head[:16] or 'none yet'}"
    _line(log.label.capitalize(), log.is_whole, ", ".join(problems) or whole)


def _print_backups(state: BackupState) -> None:
    """A line that is neither good nor bad where nobody has said that backups are made here."""
    last = state.last
    proof = "" if not last else ", restored to compare" if last.is_restored else ", read back but not restored"
    made = f"made on {_local(last.made_at)}{proof}" if last else "none yet"
    text = f"{made}. {state.problem}" if last and state.problem else state.problem or made
    if state.problem and not state.is_urgent:
        screen.print(f"[yellow]![/] Backup: {escape(text)}", highlight=False, soft_wrap=True)
    else:
        _line("Backup", not state.is_urgent, escape(text))


def _local(instant: datetime) -> str:
    return f"{instant.astimezone(settings.BUSINESS_TIME_ZONE):%-d %B %Y, %H:%M}"


def _line(title: str, good: bool, text: str) -> None:
    mark = "[green]✓[/]" if good else "[red]✗[/]"
    screen.print(f"{mark} {title}: {text}", highlight=False, soft_wrap=True)
