"""`carefund keys`: the keys that encrypt secrets in the database."""

import typer
from cryptography.fernet import Fernet
from django.conf import settings

from carefund.access.audit_log import store_act
from carefund.access.encryption_keys import reencrypt
from carefund.cli.output import FAILED, WRONG_INPUT, complain, screen
from carefund.records.backups.choosing import find_engine
from carefund.records.encryption import Cipher
from carefund.records.key_file import write_keys

app = typer.Typer(help="The keys that encrypt secrets in the database.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keep the name of the only command in the group."""


@app.command("rotate")
def rotate() -> None:
    """Encrypt every secret with a new key, and remove the older keys. Stop Carefund and its workers first.

    If the command is interrupted, run it again: it continues where it stopped.
    """
    keys: list[str] = list(settings.ENCRYPTION_KEYS)
    source = settings.ENCRYPTION_KEYS_SOURCE
    Cipher(keys)  # a malformed key, or none, is refused before anything changes
    engine = find_engine()
    engine.require_alone()
    if len(keys) == 1:
        if source.file is None:
            complain(
                f"The encryption key comes from {source.words}, which Carefund cannot change.",
                "Put a new key in front of it there (docs/settings.md shows how to make one), then run this again.",
            )
            raise typer.Exit(WRONG_INPUT)
        keys = [Fernet.generate_key().decode(), *keys]
        write_keys(source.file, keys, is_environment_file=source.is_environment_file)
    changed = _reencrypt_all(keys)
    engine.require_alone()  # a process that began before the new key was there writes with the old one
    changed += _reencrypt_all(keys)
    store_act(None, "Encryption keys rotated", after={"secrets": changed})
    screen.print(f"Secrets encrypted with the new key: {changed:,}.", highlight=False)
    if source.file is None:
        screen.print(f"All secrets use the first key. Now remove the older keys from {source.words}.", highlight=False)
        return
    write_keys(source.file, keys[:1], is_environment_file=source.is_environment_file)
    screen.print(
        f"{source.file} now has the new key only. Copy it to every other machine.", highlight=False, markup=False
    )
    screen.print("Back up now: restoring an older backup needs the older keys, unless they are in it.")


def _reencrypt_all(keys: list[str]) -> int:
    """Encrypt with the first key, and return how many that were. End the command if a secret cannot be read."""
    done = reencrypt(keys)
    if done.unreadable:
        complain(
            f"Secrets that none of the keys can read: {done.unreadable:,}. The others now use the first key.",
            "Add the missing key behind the others, and run this again. No key was removed.",
        )
        raise typer.Exit(FAILED)
    return done.changed
