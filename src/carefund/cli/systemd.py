"""The units with which systemd runs Carefund: an account of its own, no right that it does not need, started again."""

import getpass
import os
import sys
from pathlib import Path

from django.conf import settings

_ACCOUNT_FOR_ROOT = "carefund"
_UNIT = """\
# Written by `carefund setup --systemd` for this installation; write it again after it has moved.
[Unit]
Description={description}
After=network-online.target{after}
Wants=network-online.target

[Service]
Type=exec
User={account}
WorkingDirectory={folder}
Environment={environment_file}
Environment={data_folder}
ExecStart={command}
Restart=always
RestartSec=5
# A polite stop lets calls under way end for 15 seconds and hands the rest back.
KillMode=mixed
TimeoutStopSec=40
{credentials}
ReadWritePaths={writable}
UMask=0077
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
ProtectSystem=strict
ProtectHome={protect_home}
PrivateTmp=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
RemoveIPC=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @debug @mount
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"""
_CREDENTIALS = """\
# Instead of secrets in the environment file:
#LoadCredential=encryption-keys:/etc/carefund/encryption-keys"""


def write_units(target: Path) -> list[Path]:
    """Write the units into a folder: one process beside SQLite, web and workers apart on PostgreSQL. Raise OSError."""
    units = {"carefund.service": _describe("Carefund", "serve")}
    if settings.ON_POSTGRESQL:
        units["carefund-worker@.service"] = _describe("Carefund's background work, %i", "worker")
    for name, content in units.items():
        (target / name).write_text(content, encoding="utf-8")
    return [target / name for name in units]


def list_next_steps(units: list[Path]) -> list[str]:
    """Return what an administrator types next, as root."""
    account, folders = _name_account(), [settings.DATA_FOLDER, settings.ENVIRONMENT_FILE.absolute()]
    steps = [f"cp {' '.join(str(unit) for unit in units)} /etc/systemd/system/"]
    if units[0].parent == Path("/etc/systemd/system"):
        steps = []
    if account == _ACCOUNT_FOR_ROOT and os.geteuid() == 0:
        steps.append(f"useradd --system --home-dir {settings.DATA_FOLDER} --shell /bin/false {account}")
        steps.append(f"chown -R {account}: {' '.join(str(folder) for folder in folders)}")
    names = ["carefund.service", *(f"carefund-worker@{number}.service" for number in (1, 2) if settings.ON_POSTGRESQL)]
    return [*steps, "systemctl daemon-reload", f"systemctl enable --now {' '.join(names)}"]


def _describe(description: str, what: str) -> str:
    command = Path(sys.executable).absolute().with_name("carefund")
    environment_file = settings.ENVIRONMENT_FILE.absolute()
    places = [command, environment_file, settings.DATA_FOLDER]
    is_at_home = any(str(place).startswith(("/home/", "/root/")) for place in places)
    writable = [str(settings.DATA_FOLDER), *([f"-{settings.BACKUP_FOLDER}"] if settings.BACKUP_FOLDER else [])]
    return _UNIT.format(
        description=description,
        after=" postgresql.service" if settings.ON_POSTGRESQL else "",
        account=_name_account(),
        folder=str(Path.cwd()).replace("%", "%%"),
        environment_file=_quote(f"CAREFUND_ENVIRONMENT_FILE={environment_file}"),
        data_folder=_quote(f"CAREFUND_DATA_FOLDER={settings.DATA_FOLDER}"),
        command=f"{_quote(str(command))} {what}",
        credentials=_CREDENTIALS,
        writable=" ".join(_quote(place) for place in writable),
        protect_home="read-only" if is_at_home else "yes",
    )


def _name_account() -> str:
    """The account that owns the files: the one that types, but never root."""
    return _ACCOUNT_FOR_ROOT if os.geteuid() == 0 else getpass.getuser()


def _quote(text: str) -> str:
    """A value as systemd reads it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"'
