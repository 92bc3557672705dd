"""A secret's file that other accounts can read is named at each start and by `carefund check`, with what to do."""

import os
import re
from pathlib import Path

import pytest
import typer

from carefund.cli.file_permissions import describe_open_secrets, mend_own_files
from tests.runs.installation import Installation

pytestmark = pytest.mark.one_database


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file with a secret in a folder that others may enter."""
    for folder in (tmp_path, *tmp_path.parents[:-1]):
        if folder.stat().st_uid == os.getuid() and str(folder) != "/tmp":
            folder.chmod(folder.stat().st_mode | 0o011)
    file = tmp_path / "secret"
    file.write_text("x" * 50)
    return file


@pytest.mark.parametrize(
    ("mode", "is_open"), [(0o600, False), (0o400, False), (0o604, True), (0o640, True), (0o602, True), (0o444, True)]
)
def test_a_secret_that_others_can_read_is_named(secret: Path, settings, mode: int, is_open: bool):
    settings.SECRET_FILES = {"CAREFUND_SECRET_KEY_FILE": secret}
    secret.chmod(mode)
    said = ["Other accounts on this machine can read the file that CAREFUND_SECRET_KEY_FILE names."]
    assert describe_open_secrets() == (said if is_open else [])


def test_in_a_folder_that_nobody_else_may_enter_it_is_closed(secret: Path, settings):
    settings.SECRET_FILES = {"CAREFUND_SECRET_KEY_FILE": secret}
    secret.chmod(0o644)
    secret.parent.chmod(0o700)
    assert describe_open_secrets() == []


def test_a_file_of_the_services_group_may_be_read_by_it(secret: Path, settings):
    if os.getuid():
        pytest.skip("only root gives a file to any group")
    settings.SECRET_FILES = {"CAREFUND_SECRET_KEY_FILE": secret}
    os.chown(secret, -1, 54_321)
    secret.chmod(0o640)
    assert describe_open_secrets() == []
    secret.chmod(0o660)
    assert describe_open_secrets()


def test_each_start_says_what_to_do(secret: Path, tmp_path: Path, settings, capsys: pytest.CaptureFixture[str]):
    settings.SECRET_FILES = {"CAREFUND_SECRET_KEY_FILE": secret}
    settings.DATA_FOLDER, settings.ENVIRONMENT_FILE = tmp_path / "none", tmp_path / "none.env"
    secret.chmod(0o604)
    mend_own_files()
    said = " ".join(capsys.readouterr().err.split())
    assert "can read the file that CAREFUND_SECRET_KEY_FILE names. As its owner, set its permissions to 0600." in said


def test_a_database_file_with_a_second_name_is_refused(
    tmp_path: Path, settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    file = tmp_path / "carefund.sqlite3"
    file.write_bytes(b"")
    settings.ON_POSTGRESQL, settings.DATA_FOLDER, settings.SECRET_FILES = False, tmp_path / "none", {}
    settings.ENVIRONMENT_FILE = tmp_path / "none.env"
    monkeypatch.setitem(settings.DATABASES["default"], "NAME", str(file))
    mend_own_files()
    (tmp_path / "symbolic").symlink_to(file)
    mend_own_files()
    os.link(file, tmp_path / "second")
    with pytest.raises(typer.Exit):
        mend_own_files()
    assert "has a second name" in capsys.readouterr().err


@pytest.mark.slow
def test_the_check_names_every_setting_that_names_a_secrets_file(secret: Path, tmp_path: Path):
    made = Installation(tmp_path / "data", "http://127.0.0.1:9")
    made.folder.mkdir()
    names = ["CAREFUND_SECRET_KEY", "CAREFUND_ENCRYPTION_KEYS", "CAREFUND_BACKUP_PASSPHRASE"]
    made.settings |= {f"{name}_FILE": str(secret) for name in names}
    secret.chmod(0o644)
    said = " ".join(made.carefund("check", status=1).split())
    assert re.findall(r"! Secret: Other accounts .*? that (\w+)_FILE names\. As its owner", said) == names
    assert "x" * 50 not in said
