"""Where a demo lives: a folder of its own with keys of its own, chosen before Django reads its settings.

Nothing of a real installation is touched: every CAREFUND_ variable of the surrounding environment is left out.
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

from cryptography.fernet import Fernet

FOLDER = Path("var") / "demo"
ENVIRONMENT_FILE = FOLDER / "demo.env"
_PORTS_TRIED = 50
_locks: list[TextIOWrapper] = []
_SECRETS = ("CAREFUND_SECRET_KEY", "CAREFUND_ENCRYPTION_KEYS")


def prepare_demo_environment() -> None:
    """Point the settings at a fresh demo folder; `--keep` goes on with the one that is there."""
    if "--help" in sys.argv:
        return
    for name in [name for name in os.environ if name.startswith("CAREFUND_")]:
        del os.environ[name]
    keys = ENVIRONMENT_FILE
    if "--keep" not in sys.argv or not keys.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        keys.write_text(
            f"CAREFUND_SECRET_KEY={secrets.token_urlsafe(48)}\n"
            f"CAREFUND_ENCRYPTION_KEYS={Fernet.generate_key().decode()}\n",
            encoding="utf-8",
        )
        keys.chmod(0o600)
    kept = [line for line in keys.read_text(encoding="utf-8").splitlines() if line.split("=")[0] in _SECRETS]
    values = {
        "CAREFUND_DATA_FOLDER": str(FOLDER.absolute()),
        "CAREFUND_PROVIDER_NAME": "Wattle Grove Care (fictitious)",
        "CAREFUND_SANDBOX_URL": f"http://127.0.0.1:{_port_near(8765)}",
        "CAREFUND_PUBLIC_URL": f"http://127.0.0.1:{_port_near(8000)}",
    }
    lines = [*kept, *(f"{name}={value}" for name, value in values.items())]
    keys.write_text("\n".join(lines) + "\n", encoding="utf-8")
    os.environ["CAREFUND_ENVIRONMENT_FILE"] = str(keys)


def _port_near(wanted: int) -> int:
    """The wanted port or the next one that is free; kept for this demo by a lock, so that two demos do not collide."""
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
