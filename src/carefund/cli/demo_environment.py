"""Where a demo lives: a folder of its own with keys of its own, chosen before Django reads its settings.

Nothing of a real installation is touched. Of the surrounding environment's CAREFUND_ variables only the place and the
ports count: the demo lives in a folder `demo` of CAREFUND_DATA_FOLDER, and listens where CAREFUND_PUBLIC_URL and
CAREFUND_SANDBOX_URL say, if that is this machine, or on the next port that is free.
"""

import fcntl
import os
import secrets
import shutil
import socket
import sys
import tempfile
from io import TextIOWrapper
from pathlib import Path
from urllib.parse import urlsplit

from cryptography.fernet import Fernet

_PORTS_TRIED = 50
_locks: list[TextIOWrapper] = []
_SECRETS = ("CAREFUND_SECRET_KEY", "CAREFUND_ENCRYPTION_KEYS")
_THIS_MACHINE = ("127.0.0.1", "localhost")


def prepare_demo_environment() -> None:
    """Point the settings at a fresh demo folder; `--keep` goes on with the one that is there."""
    if "--help" in sys.argv:
        return
    given = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("CAREFUND_")}
    folder = Path(given.get("CAREFUND_DATA_FOLDER") or "var") / "demo"
    keys = folder / "demo.env"
    if "--keep" not in sys.argv or not keys.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700, parents=True)
        keys.touch(mode=0o600)
        keys.write_text(
            f"CAREFUND_SECRET_KEY={secrets.token_urlsafe(48)}\n"
            f"CAREFUND_ENCRYPTION_KEYS={Fernet.generate_key().decode()}\n",
            encoding="utf-8",
        )
    kept = [line for line in keys.read_text(encoding="utf-8").splitlines() if line.split("=")[0] in _SECRETS]
    values = {
        "CAREFUND_DATA_FOLDER": str(folder.absolute()),
        "CAREFUND_PROVIDER_NAME": "Wattle Grove Care (fictitious)",
        "CAREFUND_SANDBOX_URL": f"http://127.0.0.1:{_port_near(given.get('CAREFUND_SANDBOX_URL', ''), 8765)}",
        "CAREFUND_PUBLIC_URL": f"http://127.0.0.1:{_port_near(given.get('CAREFUND_PUBLIC_URL', ''), 8000)}",
    }
    lines = [*kept, *(f"{name}={value}" for name, value in values.items())]
    keys.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.environ["CAREFUND_ENVIRONMENT_FILE"] = str(keys)


def _port_near(address: str, usual: int) -> int:
    """Return the port of an address on this machine, else the usual one, or the next that is free.

    It is kept for this demo by a lock, so that two demos do not collide.
    """
    parts = urlsplit(address)
    wanted = (parts.port if parts.hostname in _THIS_MACHINE else None) or usual
    for port in range(wanted, wanted + _PORTS_TRIED):
        lock = (Path(tempfile.gettempdir()) / f"carefund-demo-{os.getuid()}-{port}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("127.0.0.1", port))
        except OSError:
            lock.close()
            continue
        _locks.append(lock)  # until this process ends
        return port
    return wanted
