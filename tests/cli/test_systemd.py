"""The units that `carefund setup --systemd` writes: of this installation, and rated OK by systemd itself."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from carefund.cli.systemd import list_next_steps, write_units


@pytest.mark.parametrize("on_postgresql", [False, True])
def test_units_name_this_installation_and_pass_what_systemd_says_of_them(
    tmp_path: Path, settings: Any, on_postgresql: bool
):
    settings.DATA_FOLDER = tmp_path / "its data"
    settings.ENVIRONMENT_FILE = tmp_path / "carefund.env"
    settings.BACKUP_FOLDER = "/media/backups"
    settings.ON_POSTGRESQL = on_postgresql
    units = write_units(tmp_path)
    names = ["carefund.service", "carefund-worker@.service"] if on_postgresql else ["carefund.service"]
    assert [unit.name for unit in units] == names
    for unit in units:
        content = unit.read_text()
        command = re.search(r'^ExecStart="(.+)" (serve|worker)$', content, re.MULTILINE)
        assert command is not None
        assert Path(command[1]).is_file()
        assert f'Environment="CAREFUND_DATA_FOLDER={tmp_path}/its data"' in content
        assert f'ReadWritePaths="{tmp_path}/its data" "-/media/backups"' in content
        assert "User=root" not in content
        if shutil.which("systemd-analyze"):
            rate(unit)
    steps = " ; ".join(list_next_steps(units))
    assert "systemctl enable --now carefund.service" in steps
    assert ("carefund-worker@2.service" in steps) is on_postgresql


def rate(unit: Path) -> None:
    """Ask systemd what it thinks of a unit; 3.0 and less is OK."""
    rating = ["systemd-analyze", "security", "--offline=true", "--threshold=30", str(unit)]
    done = subprocess.run(rating, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr
    assert re.search(r"Overall exposure level for \S+: [0-2]\.\d OK", done.stdout), done.stdout[-300:]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", str(unit)], capture_output=True, text=True)
    assert not [line for line in done.stderr.splitlines() if unit.name in line], done.stderr
