"""A new encryption key for everything, killed in the middle and started again. Real processes."""

import re
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import pytest
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from carefund.cli.keys import rotate
from carefund.records.backups.manifest import BackupRefused
from tests.runs.conftest import open_database
from tests.runs.installation import Installation, kill, wait_until

SECRETS = 600
VARIABLE = "CAREFUND_ENCRYPTION_KEYS"


def keys_of(installation: Installation) -> list[str]:
    """The keys in the environment file."""
    found = re.search(rf"^{VARIABLE}=(.*)$", (installation.folder / "carefund.env").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].split(",")


def count_readable(installation: Installation, keys: Sequence[str]) -> int:
    """How many secrets in the database these keys can read."""
    cipher, readable = MultiFernet([Fernet(key) for key in keys]), 0
    for (secret,) in installation.rows("SELECT secrets FROM records_prodadevice"):
        try:
            readable += bool(cipher.decrypt(bytes(secret)))
        except InvalidToken:
            continue
    return readable


def test_a_rotation_that_is_killed_loses_no_secret_and_goes_on(own: Installation, settings: Any):
    old = Fernet.generate_key().decode()
    settings.ENCRYPTION_KEYS = [old]
    environment = own.folder / "carefund.env"
    environment.write_text(f"CAREFUND_SECRET_KEY=of ours\n{VARIABLE}={old}\n")
    secret = Fernet(old).encrypt(b"a private key").hex()
    literal = f"'\\x{secret}'" if own.database_url else f"X'{secret}'"
    columns = "environment, organisation_id, device_name, status, secrets, lease_holder"
    devices = ", ".join(f"('sandbox', '', '{number}', '', {literal}, '')" for number in range(SECRETS))
    own.write(f"INSERT INTO records_prodadevice ({columns}) VALUES {devices}")
    process = own.start("keys", "rotate")
    wait_until(lambda: own.rows(f"SELECT 1 FROM records_prodadevice WHERE secrets <> {literal} LIMIT 1"))
    kill(process)
    keys = keys_of(own)
    assert keys[1:] == [old]
    assert 0 < count_readable(own, keys[:1]) < SECRETS, "it was never killed in the middle"
    assert count_readable(own, keys) == SECRETS
    with closing(open_database(own)), pytest.raises(BackupRefused, match="uses the database"):
        rotate()
    assert keys_of(own) == keys
    assert "Secrets encrypted with the new key" in own.carefund("keys", "rotate")
    assert keys_of(own) == keys[:1]
    assert count_readable(own, keys[:1]) == SECRETS
    assert environment.read_text().startswith("CAREFUND_SECRET_KEY=of ours\n")
