"""`carefund backup` and `carefund restore`: the whole database into one file, and back."""

import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer
from django.conf import settings

from carefund.cli.file_permissions import mend_own_files
from carefund.cli.output import WRONG_INPUT, complain, print_json, screen
from carefund.records.backups.key_wrapping import unwrap_keys
from carefund.records.backups.making import MadeBackup, make_backup, remove_old_backups
from carefund.records.backups.manifest import DatabaseState
from carefund.records.backups.restoring import RestorePlan, plan_restore
from carefund.records.backups.restoring import restore as put_back
from carefund.runs.backups import note_restore, note_typed_backup, write_proof


def backup(
    target: Annotated[
        Path | None, typer.Argument(help="A folder or a new file. Default: CAREFUND_BACKUP_FOLDER.")
    ] = None,
    without_keys: Annotated[bool, typer.Option(help="Leave the encryption keys out of the backup.")] = False,
    json: Annotated[bool, typer.Option(help="Print the result as JSON.")] = False,
) -> None:
    """Back up the database while Carefund runs. Prove the backup by restoring it into a scratch database."""
    to = target or (Path(settings.BACKUP_FOLDER) if settings.BACKUP_FOLDER else None)
    if to is None:
        complain("No folder for the backup is set.", "Name a folder or a file, or set CAREFUND_BACKUP_FOLDER.")
        raise typer.Exit(WRONG_INPUT)
    passphrase = "" if without_keys or not settings.ENCRYPTION_KEYS else _ask_passphrase()
    made = make_backup(to, settings.ENCRYPTION_KEYS, passphrase, _go_on)
    removed = 0
    if target is None:
        removed = remove_old_backups(to, settings.BACKUP_KEEP_DAILY, settings.BACKUP_KEEP_WEEKLY)
    note_typed_backup(made)
    if json:
        print_json(_as_data(made) | {"removed": removed})
        return
    screen.print(f"Backed up to {made.path}.", highlight=False, markup=False, soft_wrap=True)
    screen.print(write_proof(made), highlight=False, soft_wrap=True)
    kept = "included, protected by the passphrase" if made.manifest.keys else "not included. Store them separately"
    screen.print(f"The encryption keys are {kept}.", highlight=False, soft_wrap=True)


def restore(
    file: Annotated[Path, typer.Argument(help="A file that `carefund backup` has written.")],
    replace: Annotated[bool, typer.Option(help="Replace a database that is not empty.")] = False,
    environment_file: Annotated[
        Path | None,
        typer.Option(help="Write the backup's encryption keys and a new secret key to this new file."),
    ] = None,
    yes: Annotated[bool, typer.Option(help="Do not ask.")] = False,
) -> None:
    """Restore a backup, after showing what that will replace. Stop Carefund and its workers first."""
    plan = plan_restore(file)
    _describe_plan(plan)
    if plan.present and not replace:
        complain("The database is not empty.", "Use --replace to replace all of it with the backup.")
        raise typer.Exit(WRONG_INPUT)
    keys = _take_keys(plan, environment_file) if environment_file else []
    if not yes:
        typer.confirm("Continue?", abort=True)
    kept = put_back(plan)
    if environment_file:
        _write_environment(environment_file, keys)
        screen.print(f"Wrote the encryption keys and a new secret key to {environment_file}.", highlight=False)
    mend_own_files()
    note_restore(plan.manifest)
    screen.print("Restored and compared: nothing differs from the backup.")
    if kept:
        screen.print(f"The old database is kept as {kept}. Delete it when everything works.", highlight=False)
    screen.print("Now run `carefund setup`, then `carefund check`.")


def _ask_passphrase() -> str:
    """The passphrase for the keys, from the settings or from whoever sits at the terminal."""
    if settings.BACKUP_PASSPHRASE:
        return str(settings.BACKUP_PASSPHRASE)
    if not sys.stdin.isatty():
        complain(
            "No passphrase for the encryption keys is set.",
            "Set CAREFUND_BACKUP_PASSPHRASE, or leave the keys out with --without-keys.",
        )
        raise typer.Exit(WRONG_INPUT)
    return str(typer.prompt("Passphrase for the encryption keys", hide_input=True, confirmation_prompt=True))


def _take_keys(plan: RestorePlan, environment_file: Path) -> list[str]:
    """The encryption keys of a backup, before anything is changed."""
    if environment_file.is_file():
        complain("This environment file exists already.", "Name a new one, or leave the option out.")
        raise typer.Exit(WRONG_INPUT)
    if plan.manifest.keys is None:
        complain(
            "The encryption keys are not in this backup.", "Restore the environment file that you stored separately."
        )
        raise typer.Exit(WRONG_INPUT)
    passphrase = settings.BACKUP_PASSPHRASE
    if not passphrase and sys.stdin.isatty():
        passphrase = typer.prompt("Passphrase of the backup", hide_input=True)
    return unwrap_keys(plan.manifest.keys, passphrase)


def _write_environment(file: Path, keys: list[str]) -> None:
    file.touch(mode=0o600, exist_ok=False)
    file.write_text(
        f"CAREFUND_SECRET_KEY={secrets.token_urlsafe(48)}\nCAREFUND_ENCRYPTION_KEYS={','.join(keys)}\n",
        encoding="utf-8",
    )


def _describe_plan(plan: RestorePlan) -> None:
    made_at = plan.manifest.made_at.astimezone(settings.BUSINESS_TIME_ZONE)
    keys = "included, protected by a passphrase" if plan.manifest.keys else "not included"
    screen.print(
        f"The backup was made on {made_at:%-d %B %Y at %H:%M} by Carefund {plan.manifest.version}: "
        f"{_count(plan.manifest.database)}. The encryption keys are {keys}.",
        highlight=False,
        soft_wrap=True,
    )
    present = f"holds {_count(plan.present)}. All of that is replaced" if plan.present else "is empty"
    screen.print(f"It goes to {plan.place}, which {present}.", highlight=False, markup=False, soft_wrap=True)


def _count(state: DatabaseState) -> str:
    if state.is_unreadable:
        return "data that cannot be read"
    figures = (("clients", "records_client"), ("accounts", "auth_user"), ("runs", "runs_run"))
    counted = ", ".join(f"{state.count(table):,} {words}" for words, table in figures)
    return f"{counted} and {state.rows:,} rows in all"


def _as_data(made: MadeBackup) -> dict[str, object]:
    return {
        "path": str(made.path),
        "made_at": made.manifest.made_at,
        "bytes": made.size,
        "rows": made.manifest.database.rows,
        "restored_to_compare": made.is_restored,
        "with_keys": made.manifest.keys is not None,
    }


def _go_on(done: int, total: int, words: str) -> None:
    """Print nothing: Ctrl-C ends the command at any step."""
