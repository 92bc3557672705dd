"""Encryption keys: the places that they may come from, and another key for everything that is encrypted."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.exceptions import ImproperlyConfigured

from carefund.access.encryption_keys import reencrypt
from carefund.access.two_factor import Authenticator
from carefund.environment import EnvironmentVariables
from carefund.records.encryption import Cipher
from carefund.records.key_file import write_keys
from carefund.records.models.devices import ProdaDevice
from tests.house.tree import ROOT

NAMES = ("CAREFUND_SECRET", "CAREFUND_SECRET_FILE", "CAREFUND_SECRET_COMMAND")


def read() -> str:
    return EnvironmentVariables().secret(*NAMES)[0]


@pytest.mark.parametrize("place", ["CAREFUND_SECRET", "CAREFUND_SECRET_FILE", "CAREFUND_SECRET_COMMAND", "credential"])
def test_a_secret_comes_from_one_place_and_not_from_two(place: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    (tmp_path / "secret").write_text("of ours\n")
    given = {
        "CAREFUND_SECRET": ("CAREFUND_SECRET", "of ours"),
        "CAREFUND_SECRET_FILE": ("CAREFUND_SECRET_FILE", str(tmp_path / "secret")),
        "CAREFUND_SECRET_COMMAND": ("CAREFUND_SECRET_COMMAND", f"cat '{tmp_path / 'secret'}'"),
        "credential": ("CREDENTIALS_DIRECTORY", str(tmp_path)),
    }
    monkeypatch.setenv(*given[place])
    assert read() == "of ours"
    other = "CAREFUND_SECRET" if place != "CAREFUND_SECRET" else "credential"
    monkeypatch.setenv(*given[other])
    with pytest.raises(ImproperlyConfigured, match="both give the same secret"):
        read()


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("CAREFUND_SECRET_FILE", "/nowhere/secret", "names a file that this account cannot read"),
        ("CAREFUND_SECRET_COMMAND", "false", "ended with status 1"),
        ("CAREFUND_SECRET_COMMAND", "/nowhere/secret", "cannot be started"),
        ("CAREFUND_SECRET_COMMAND", "'", "cannot be started"),
        ("CAREFUND_SECRET_COMMAND", "printf '\\377'", "not text"),
    ],
)
def test_a_secret_that_cannot_be_read_is_one_sentence_without_the_value(
    name: str, value: str, sentence: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(name, value)
    with pytest.raises(ImproperlyConfigured, match=sentence) as refusal:
        read()
    assert value not in str(refusal.value)


def test_the_settings_read_keys_from_a_credential_of_systemd(tmp_path: Path):
    (tmp_path / "encryption-keys").write_text("one\ntwo\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
    environment |= {"CREDENTIALS_DIRECTORY": str(tmp_path), "CAREFUND_ENVIRONMENT_FILE": os.devnull}
    show = "from carefund import settings; print(settings.ENCRYPTION_KEYS, settings.ENCRYPTION_KEYS_SOURCE.words)"
    done = subprocess.run([sys.executable, "-c", show], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "['one', 'two'] systemd's credential encryption-keys", done.stderr


def test_a_file_of_keys_keeps_all_else(tmp_path: Path):
    file, link = tmp_path / "real.env", tmp_path / "carefund.env"
    file.write_text("CAREFUND_SECRET_KEY=of ours\nexport CAREFUND_ENCRYPTION_KEYS=old\n# the last line")
    file.chmod(0o640)
    link.symlink_to(file)
    write_keys(link, ["new", "old"], is_environment_file=True)
    assert file.read_text() == "CAREFUND_SECRET_KEY=of ours\nCAREFUND_ENCRYPTION_KEYS=new,old\n# the last line"
    assert file.stat().st_mode & 0o777 == 0o640
    assert link.is_symlink()
    write_keys(link, ["new", "old"], is_environment_file=False)
    assert file.read_text() == "new\nold\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["carefund.env", "real.env"]


def test_everything_gets_the_first_key_and_what_none_can_read_stays(db: None):
    new, old, lost = (Fernet.generate_key().decode() for _ in range(3))
    for name, key in (("new", new), ("old", old), ("lost", lost)):
        ProdaDevice.objects.create(device_name=name, secrets=Cipher([key]).encrypt(name.encode()))
    ProdaDevice.objects.create(device_name="empty")
    user = User.objects.create(username="ann")
    Authenticator.objects.create(user=user, encrypted_secret=Cipher([old]).encrypt(b"second factor"))
    done = reencrypt([new, old])
    assert (done.changed, done.unreadable) == (2, 1)
    again = reencrypt([new, old])
    assert (again.changed, again.unreadable) == (0, 1)
    devices = {device.device_name: bytes(device.secrets) for device in ProdaDevice.objects.all()}
    assert Cipher([new]).decrypt(devices["old"]) == b"old"
    assert Cipher([lost]).decrypt(devices["lost"]) == b"lost"
    assert Cipher([new]).decrypt(bytes(Authenticator.objects.get().encrypted_secret)) == b"second factor"


def test_no_other_module_encrypts_anything():
    """A further encrypted column must be in the list of `access/encryption_keys.py`, or a rotation would lose it."""
    sources = [path for path in (ROOT / "src/carefund").rglob("*.py") if "migrations" not in path.parts]
    using = {path.stem for path in sources if ".encrypt(" in path.read_text()}
    of_webhooks = "store"
    assert using == {"encryption", "encryption_keys", "device_keys", "two_factor", "key_wrapping", of_webhooks}
