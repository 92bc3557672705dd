"""Type every command of docs/step-by-step.md on a bare Debian, as a person would: install, upgrade, back up, restore.

    python tools/from_nothing.py                            SQLite, then PostgreSQL, on this machine's release of Debian
    python tools/from_nothing.py --release trixie sqlite    one of them, on another release

Needs root and debootstrap (Debian packages are fetched). The commands run in a root of their own, which is removed at
the end; nothing of this machine but the kernel, the network and the certificates of SSL_CERT_FILE is there. The
installation begins with the commit that `--from` names (the first release), and is upgraded to this tree's last commit.
"""

import argparse
import contextlib
import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "step-by-step.md"
FIRST_RELEASE = "e5c2240"
HOME = "/opt/carefund"
CERTIFICATES = "/srv/certificates.crt"
PATIENCE_SECONDS = 600
SIGN_IN = "http://127.0.0.1:8000/sign-in"
PASSPHRASE = "a passphrase for this proof only"
ANSWERS = {
    "Repeat for confirmation": PASSPHRASE,
    "Password": PASSPHRASE,
    "assphrase": PASSPHRASE,
    "Continue? [y/N]": "y",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Commands of the page; `words` say who types them, when, and with which database."""

    heading: str
    words: frozenset[str]
    commands: str

    def is_for(self, database: str) -> bool:
        """Return whether somebody with this database types the block."""
        others = {"sqlite", "postgresql"} - {database}
        return not self.words & others


@dataclass
class Machine:
    """A bare machine: a folder with a Debian in it."""

    folder: Path
    values: dict[str, str] = field(default_factory=dict)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def run(self, commands: str, *, as_root: bool = False) -> str:
        """Type commands, answer what they ask, and return what they printed; stop the proof if one of them fails."""
        for name, value in self.values.items():
            commands = re.sub(rf"\b{name}\b", value, commands)
        output, status = _converse(self._command(commands, as_root))
        if status:
            raise SystemExit(f"from_nothing: status {status} of\n{commands}\n{output[-4000:]}")
        return output

    def start(self, commands: str) -> None:
        """Start what stays, and leave it running."""
        with (self.folder / "srv" / "left-running.log").open("ab") as log:
            command = self._command(f"exec {commands.strip()}", False)
            self.running.append(subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True))

    def stop(self) -> None:
        """Stop all that was left running, as Ctrl-C does."""
        while self.running:
            process = self.running.pop()
            os.killpg(process.pid, signal.SIGINT)
            process.wait(60)

    def _command(self, commands: str, as_root: bool) -> list[str]:
        plain = ["/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TERM=dumb"]
        plain += ["DEBIAN_FRONTEND=noninteractive", f"HOME={'/root' if as_root else HOME}"]
        plain += [
            f"{name}={os.environ[name]}"
            for name in ("http_proxy", "https_proxy", "PIP_INDEX_URL")
            if name in os.environ
        ]
        if (self.folder / CERTIFICATES[1:]).is_file():
            plain += [f"SSL_CERT_FILE={CERTIFICATES}"]
        shell = ["/bin/sh", "-ec", commands if as_root else f"cd {HOME}\n{commands}"]
        account = [] if as_root else ["/usr/bin/setpriv", "--reuid=carefund", "--regid=carefund", "--clear-groups"]
        return ["chroot", str(self.folder), *plain, *account, *shell]


def main() -> int:
    """Run the proof for the databases that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("databases", nargs="*", choices=["sqlite", "postgresql", []], default=[])
    parser.add_argument("--release", default=_release_of_this_machine())
    parser.add_argument("--from", dest="first", default=FIRST_RELEASE, help="commit to install first")
    parser.add_argument("--bare", type=Path, help="keep the bare Debian in this folder, or use the one that is there")
    options = parser.parse_args()
    if os.geteuid() != 0 or shutil.which("debootstrap") is None:
        sys.exit("from_nothing: needs root and debootstrap (apt-get install debootstrap)")
    if "FROM_NOTHING" not in os.environ:  # mounts and processes of the proof end with it
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        command = [*apart, sys.executable, __file__, *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, "FROM_NOTHING": "1"}).returncode
    with tempfile.TemporaryDirectory(prefix="carefund-bare-", ignore_cleanup_errors=True) as folder:
        bare = options.bare or Path(folder) / "bare"
        say(f"a bare Debian {options.release}")
        if not (bare / "etc").exists():
            run_quietly(["debootstrap", "--variant=minbase", options.release, str(bare)])
        for database in options.databases or ["sqlite", "postgresql"]:
            machine = Path(folder) / database
            run_quietly(["cp", "-a", str(bare), str(machine)])
            begun = time.monotonic()
            with a_machine(machine) as ready:
                prove(ready, database, options.first)
            say(f"{database}: good, {time.monotonic() - begun:.0f} s")
    print("installed, upgraded, backed up and restored as the page says")
    return 0


def read_blocks(page: str) -> list[Block]:
    """Return the blocks of commands of the page that are marked as typed, in order."""
    blocks, heading = [], ""
    marked = re.compile(
        r"^## (?P<heading>[^\n]+)$|^<!-- typed(?P<words>.*?)-->\n```sh\n(?P<commands>.*?)```$", re.M | re.S
    )
    for found in marked.finditer(page):
        if found["heading"]:
            heading = found["heading"]
        else:
            words = frozenset(re.findall(r"[a-z]+", found["words"]))
            blocks.append(Block(heading, words, found["commands"]))
    return blocks


@contextlib.contextmanager
def a_machine(folder: Path) -> Iterator[Machine]:
    """Mount what every machine has, and lay the repository beside it, at the commit to begin with."""
    for kind, place in (("proc", "proc"), ("devtmpfs", "dev"), ("devpts", "dev/pts"), ("tmpfs", "dev/shm")):
        (folder / place).mkdir(exist_ok=True)
        run_quietly(["mount", "-t", kind, kind, str(folder / place)])
    if os.environ.get("SSL_CERT_FILE"):
        shutil.copy(os.environ["SSL_CERT_FILE"], folder / CERTIFICATES[1:])
    shutil.copy("/etc/resolv.conf", folder / "etc" / "resolv.conf")
    policy = folder / "usr" / "sbin" / "policy-rc.d"  # there is no init system: let packages start what they bring
    policy.write_text("#!/bin/sh\nexit 0\n")
    policy.chmod(0o755)
    machine = Machine(folder, {"ADDRESS": "file:///srv/carefund.git", "USERNAME": "ada"})
    machine.values |= {"CARE_RECIPIENT_ID": "400000001", "FIRST_NAME": "Maeve", "LAST_NAME": "Sample"}
    try:
        yield machine
    finally:
        machine.stop()
        for place in ("dev/shm", "dev/pts", "dev", "proc"):
            subprocess.run(["umount", "--lazy", str(folder / place)])


def prove(machine: Machine, database: str, first: str) -> None:
    """Type the page from its beginning to its end; compare the client's figures at each stage."""
    repository = machine.folder / "srv" / "carefund.git"
    run_quietly(["git", "clone", "--bare", "--quiet", str(ROOT), str(repository)])
    run_quietly(["git", "-C", str(repository), "config", "gc.auto", "0"])
    (machine.folder / "etc" / "gitconfig").write_text("[safe]\n\tdirectory = /srv/carefund.git\n")
    newest = _git(ROOT, "rev-parse", "HEAD")
    _git(repository, "update-ref", "refs/heads/main", _git(ROOT, "rev-parse", first))
    _git(repository, "symbolic-ref", "HEAD", "refs/heads/main")
    blocks = [block for block in read_blocks(PAGE.read_text(encoding="utf-8")) if block.is_for(database)]
    sandbox = next(block for block in blocks if "carefund-sandbox" in block.commands)
    seen: dict[str, object] = {}
    for block in blocks:
        say(f"{database}: {block.heading}")
        if "after" in block.words:
            seen["before the upgrade"] = figures(machine)
            machine.stop()
            _git(repository, "update-ref", "refs/heads/main", newest)
            type_block(machine, sandbox)
        if "restore" in block.words and "as upgraded" not in seen:
            seen["as upgraded"] = figures(machine)
            lose(machine, blocks, sandbox, database)
        type_block(machine, block)
    seen["restored"] = figures(machine)
    if len({json.dumps(stage, sort_keys=True) for stage in seen.values()}) != 1 or not seen["restored"]:
        raise SystemExit(f"from_nothing: figures differ: {json.dumps(seen, indent=1)}")


def type_block(machine: Machine, block: Block) -> None:
    """Type one block, and wait for what it leaves running."""
    if "running" not in block.words:
        if "CODE" in block.commands:
            machine.values["CODE"] = activation_code()
        machine.run(block.commands, as_root="root" in block.words)
        return
    machine.start(block.commands)
    if "carefund-sandbox" in block.commands:
        wait_for("http://127.0.0.1:8765/")
    elif "serve" in block.commands:
        wait_for(SIGN_IN)


def lose(machine: Machine, blocks: list[Block], sandbox: Block, database: str) -> None:
    """Let the machine's disk die: all is gone but the backup and what stands for the government."""
    machine.stop()
    state = (machine.folder / HOME[1:] / "sandbox-state.json").read_bytes()
    machine.run(f"rm -rf {HOME}", as_root=True)
    prepare = next(block for block in blocks if block.heading == "Prepare the machine")
    clone = [line for line in prepare.commands.splitlines() if re.match(r"git clone|chown|chmod", line)]
    machine.run("\n".join(clone), as_root=True)
    if database == "postgresql":
        machine.run("su postgres --command 'dropdb carefund'", as_root=True)
        machine.run('su postgres --command "createdb --owner=carefund carefund"', as_root=True)
    (machine.folder / HOME[1:] / "sandbox-state.json").write_bytes(state)
    machine.run(f"chown carefund: {HOME}/sandbox-state.json", as_root=True)
    machine.run("make install")
    type_block(machine, sandbox)
    backups = sorted((machine.folder / "var" / "backups" / "carefund").iterdir())
    machine.values["BACKUP"] = backups[-1].name


def figures(machine: Machine) -> list[list[str]]:
    """Return each budget's id, and what is available of it, as the command shows them."""
    shown = json.loads(machine.run(".venv/bin/carefund show CARE_RECIPIENT_ID --json"))
    return sorted(_budgets(shown))


def _budgets(data: object) -> Iterator[list[str]]:
    if isinstance(data, dict):
        if "budget_id" in data and "available" in data:
            yield [str(data["budget_id"]), str(data["available"])]
        for value in data.values():
            yield from _budgets(value)
    elif isinstance(data, list):
        for value in data:
            yield from _budgets(value)


def activation_code() -> str:
    """Ask the sandbox for a device, as its page says."""
    body = json.dumps({"deviceName": "carefund-sandbox-device"}).encode()
    request = urllib.request.Request(
        "http://127.0.0.1:8765/sandbox/proda/devices", body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return str(json.load(response)["activationCode"])


def wait_for(address: str) -> None:
    """Wait until somebody answers there, whatever the answer."""
    until = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(address, timeout=10).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            if time.monotonic() > until:
                raise SystemExit(f"from_nothing: nobody answers at {address}") from None
            time.sleep(0.5)
        else:
            return


def _converse(command: list[str]) -> tuple[str, int]:
    """Run a command at a terminal of its own, answering what it asks; return what it printed, and its status."""
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(command[0], command)
    output, answered = b"", 0
    until = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < until:
        if not select.select([terminal], [], [], 0.5)[0]:  # a prompt throws away what was typed before it was ready
            asked = output[answered:].decode(errors="replace").rsplit("\n", 1)[-1]
            answer = next((words for prompt, words in ANSWERS.items() if prompt in asked), None)
            if answer:
                os.write(terminal, answer.encode() + b"\n")
                answered = len(output)
            continue
        try:
            piece = os.read(terminal, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        output += piece
    else:
        os.kill(process, signal.SIGKILL)
    os.close(terminal)
    return output.decode(errors="replace"), os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", "-C", str(folder), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _release_of_this_machine() -> str:
    found = re.search(r"^VERSION_CODENAME=(\w+)$", Path("/etc/os-release").read_text(), re.M)
    return found[1] if found and "ID=debian" in Path("/etc/os-release").read_text() else "bookworm"


def run_quietly(command: list[str]) -> None:
    """Run a command of this machine; show what it printed only if it fails."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"from_nothing: {' '.join(command)}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def say(words: str) -> None:
    """Tell the person who watches."""
    print(f"from nothing: {words}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
