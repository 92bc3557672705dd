"""A PostgreSQL server of one's own, for as long as a command runs: free port, temporary folder, nothing kept.

Used by the test suite and by demonstrations; it is fast and unsafe (no fsync), so never for real data.

    python tools/postgresql.py COMMAND …    runs COMMAND with CAREFUND_DATABASE_URL set
"""

import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE_SECONDS = 60
# Servers refuse to run as root; this is the account that Debian's package makes for them.
SERVER_ACCOUNT = "postgres"
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "listen_addresses": "127.0.0.1",
}


def main() -> int:
    """Run the command line's command beside a server; its exit status is ours."""
    with running_postgresql() as database_url:
        return subprocess.run(sys.argv[1:], env={**os.environ, "CAREFUND_DATABASE_URL": database_url}).returncode


def missing_postgresql() -> str | None:
    """What keeps this machine from running a server of its own, as one phrase; None if nothing does."""
    if find_programs() is None:
        return "PostgreSQL is not installed (apt-get install postgresql)"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(SERVER_ACCOUNT)
        except KeyError:
            return f"PostgreSQL does not run as root, and there is no account «{SERVER_ACCOUNT}»"
    return None


def find_programs() -> Path | None:
    """The folder of initdb and pg_ctl: the newest that Debian installed, or the one on the PATH."""
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    if versions:
        return versions[-1].parent
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def running_postgresql() -> Iterator[str]:
    """Start a server and an empty database «carefund»; yields its URL and removes all of it afterwards."""
    missing = missing_postgresql()
    programs = find_programs()
    if missing or programs is None:
        raise SystemExit(f"postgresql: {missing}")
    folder = Path(tempfile.mkdtemp(prefix="carefund-postgresql-"))
    if os.geteuid() == 0:
        shutil.chown(folder, SERVER_ACCOUNT)
    data, port = folder / "data", free_port()
    options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
    control = [str(programs / "pg_ctl"), "-D", str(data), "-w", "-t", str(PATIENCE_SECONDS)]
    try:
        locale = ["-E", "UTF8", "--locale=C.UTF-8"]
        initdb = [str(programs / "initdb"), "-D", str(data), "-U", "carefund", "-A", "trust", "--no-sync", *locale]
        as_server(initdb, folder)
        as_server([*control, "-l", str(folder / "log"), "-o", f"-p {port} -k {folder} {options}", "start"], folder)
        as_server(
            [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "carefund", "carefund"], folder
        )
        yield f"postgresql://carefund@127.0.0.1:{port}/carefund"
    finally:
        as_server([*control, "-m", "immediate", "stop"], folder, must_succeed=False)
        shutil.rmtree(folder, ignore_errors=True)


def as_server(command: list[str], folder: Path, *, must_succeed: bool = True) -> None:
    """Run one of PostgreSQL's programs as somebody who may; its output is shown only when it fails."""
    if os.geteuid() == 0:
        command = ["runuser", "-u", SERVER_ACCOUNT, "--", *command]
    with tempfile.TemporaryFile() as output:  # a file, since the server keeps a pipe open for good
        status = subprocess.run(command, stdout=output, stderr=output, cwd=folder).returncode
        if status and must_succeed:
            output.seek(0)
            raise SystemExit(f"postgresql: {Path(command[-1]).name} failed\n{output.read().decode(errors='replace')}")


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
