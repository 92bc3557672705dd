"""Make the database of an installation as an older commit would have left it, with work of every kind under way.

    .venv/bin/python tools/old_installation.py e5c2240      writes tests/fixtures/e5c2240.sqlite3.gz

The old code is checked out beside this tree and run with this tree's packages; what it is made to do is in
old_installation_content.py. Everybody in it is fictitious, from the sandbox. `tests/runs/test_upgrade.py` brings the
database up to date and goes on with the work.
"""

import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONTENT = Path(__file__).with_name("old_installation_content.py")


def main(commit: str) -> None:
    """Make the fixture of one commit."""
    with tempfile.TemporaryDirectory() as folder, _checked_out(commit, Path(folder) / "tree") as tree:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
        environment |= {
            "PYTHONPATH": str(tree / "src"),
            "DJANGO_SETTINGS_MODULE": "carefund.settings",
            "CAREFUND_DATA_FOLDER": folder,
            "CAREFUND_ENVIRONMENT_FILE": str(Path(folder) / "carefund.env"),
        }
        with _sandbox(environment) as url:
            environment["CAREFUND_SANDBOX_URL"] = url
            _carefund(environment, "setup", "--environment-file", environment["CAREFUND_ENVIRONMENT_FILE"])
            device = _ask(url, "POST", "/proda/devices", {"deviceName": "carefund-sandbox-device"})
            _carefund(environment, "device", "activate", device["activationCode"])
            subprocess.run([sys.executable, str(CONTENT)], env=environment, check=True)
        _pack(Path(folder) / "carefund.sqlite3", ROOT / "tests" / "fixtures" / f"{commit}.sqlite3.gz")


@contextlib.contextmanager
def _checked_out(commit: str, tree: Path) -> Iterator[Path]:
    subprocess.run(["git", "worktree", "add", "--detach", "-q", str(tree), commit], cwd=ROOT, check=True)
    try:
        yield tree
    finally:
        subprocess.run(["git", "worktree", "remove", "--force", str(tree)], cwd=ROOT, check=True)


@contextlib.contextmanager
def _sandbox(environment: dict[str, str]) -> Iterator[str]:
    command = [sys.executable, "-m", "sandbox", "--port", "0"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().split()[-1]
    finally:
        process.terminate()
        process.wait(10)


def _carefund(environment: dict[str, str], *words: str) -> None:
    subprocess.run([sys.executable, "-m", "carefund.cli.main", *words], env=environment, check=True)


def _ask(url: str, method: str, path: str, body: object) -> dict[str, str]:
    request = urllib.request.Request(f"{url}/sandbox{path}", json.dumps(body).encode(), method=method)
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=20) as answer:
        found: dict[str, str] = json.load(answer)
        return found


def _pack(database: Path, packed: Path) -> None:
    """The database as one small file, without what the device had to keep secret."""
    with contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("DELETE FROM records_prodadevice")
        connection.commit()
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("VACUUM")
    packed.parent.mkdir(exist_ok=True)
    packed.write_bytes(gzip.compress(database.read_bytes(), mtime=0))


if __name__ == "__main__":
    main(sys.argv[1])
