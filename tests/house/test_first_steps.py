"""What a newcomer does first works: the README's two commands, and the installation they begin with."""

import os
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.house.tree import ROOT


def plain_environment(**more: str) -> dict[str, str]:
    """This machine's environment without any setting of Carefund."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CAREFUND_", "DJANGO_"))}
    return {**kept, **more}


def test_the_readme_begins_with_demo_and_test():
    first_block = re.search(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert first_block is not None
    assert [line.split("#")[0].strip() for line in first_block.group(1).splitlines()] == ["make demo", "make test"]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A place with this tree's commands, so that a demo under way here keeps its data."""
    for name in ("Makefile", "tools", ".venv"):
        (tmp_path / name).symlink_to(ROOT / name)
    return tmp_path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.slow
def test_make_demo_shows_what_arrived_where_it_was_told_and_goes_on_truthfully(elsewhere: Path):
    sandbox, public = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
    places = {"CAREFUND_SANDBOX_URL": sandbox, "CAREFUND_PUBLIC_URL": public, "CAREFUND_DATA_FOLDER": "data"}

    def demo(arguments: str) -> str:
        command = ["make", "demo", f"ARGS={arguments}"]
        done = subprocess.run(
            command, cwd=elsewhere, env=plain_environment(**places), capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        assert "ERROR" not in done.stderr, done.stderr[-3000:]
        return " ".join(done.stdout.split())

    def records(said: str) -> list[int]:
        found = re.search(r"([\d,]+) clients, ([\d,]+) invoices with ([\d,]+) line items", said)
        assert found is not None, said
        return [int(number.replace(",", "")) for number in found.groups()]

    first = demo("--once")
    assert f"on {sandbox}." in first
    assert public in (elsewhere / "data" / "demo" / "demo.env").read_text()
    assert not (elsewhere / "var").exists()
    clients, invoices, lines = records(first)
    delivered = int(re.findall(r"(\d+) services are delivered", first)[0])
    made = r"(\d+) participants as clients, (5 service contracts .* 1 of them different from PACE\.)"
    contracts = re.findall(made, first)
    assert (clients, len(contracts)) == (60, 1)

    again = demo("--once --keep")
    assert records(again) == [clients + int(contracts[0][0]), invoices + delivered, lines + delivered]
    assert "services are delivered" not in again
    assert contracts[0][1] in again


def test_a_demo_that_is_told_a_real_installations_place_leaves_it_alone(elsewhere: Path):
    (elsewhere / "carefund.sqlite3").write_text("real")
    program = "import sys; sys.argv = ['carefund', 'demo']; import carefund.cli.demo_environment as e; "
    places = {"CAREFUND_DATA_FOLDER": str(elsewhere), "CAREFUND_PUBLIC_URL": "https://funding.example.org"}
    command = [sys.executable, "-c", program + "e.prepare_demo_environment()"]
    subprocess.run(command, cwd=elsewhere, env=plain_environment(**places), check=True)
    assert (elsewhere / "carefund.sqlite3").read_text() == "real"
    settings = (elsewhere / "demo" / "demo.env").read_text()
    assert "CAREFUND_PUBLIC_URL=http://127.0.0.1:" in settings
    assert f"CAREFUND_DATA_FOLDER={elsewhere / 'demo'}" in settings


def test_no_target_needs_a_program_that_bootstrap_would_have_fetched():
    callers = [path for folder in ("benchmarks", "tools") for path in (ROOT / folder).rglob("*.py")]
    found = [path.name for path in callers if re.search(r"""[\[(]["']uv["']""", path.read_text())]
    assert found == ["bootstrap.py"], "ask tools/bootstrap.py for uv: a newcomer's machine has none"


@pytest.mark.slow
def test_an_environment_of_its_own_is_made_without_uv_on_the_path(tmp_path: Path):
    make = "import sys; from pathlib import Path; from tools.bootstrap import make_environment; "
    command = [sys.executable, "-c", make + "make_environment(Path(sys.argv[1]), ())", str(tmp_path / "own")]
    subprocess.run(command, cwd=ROOT, env=plain_environment(PATH="/usr/bin:/bin"), check=True)
    subprocess.run([tmp_path / "own" / "bin" / "python", "-c", ""], check=True)


@pytest.mark.slow
def test_tests_that_need_postgresql_are_skipped_when_pytest_is_called_by_hand():
    command = [sys.executable, "-m", "pytest", "-q", "-m", "postgresql", "tests/sync/test_together.py", "tests/runs"]
    done = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\n\d+ skipped, \d+ deselected", done.stdout), done.stdout[-3000:]


def test_make_alone_lists_every_target():
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = re.findall(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[0].split()
    assert re.findall(r"^ +make ([a-z-]+) ", listing, re.MULTILINE) == targets


def test_make_clean_leaves_data_of_ones_own(tmp_path: Path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "var" / "demo").mkdir(parents=True)
    (tmp_path / "var" / "carefund.sqlite3").write_text("real")
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    assert [path.name for path in (tmp_path / "var").iterdir()] == ["carefund.sqlite3"]
    (tmp_path / "var" / "carefund.sqlite3").unlink()
    subprocess.run(["make", "clean"], cwd=tmp_path, capture_output=True, check=True)
    assert not (tmp_path / "var").exists()


def test_an_installed_tree_is_recognised_at_once():
    begun = time.monotonic()
    subprocess.run([sys.executable, "-I", "tools/bootstrap.py", "--dev"], cwd=ROOT, env=plain_environment(), check=True)
    assert time.monotonic() - begun < 5


@pytest.fixture
def bare_tree(tmp_path: Path) -> Path:
    """A clone in which nothing was installed."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture
def false_index(tmp_path_factory: pytest.TempPathFactory, bare_tree: Path) -> Iterator[str]:
    """A package index whose uv is not the published one."""
    folder = tmp_path_factory.mktemp("index")
    (folder / "simple" / "uv").mkdir(parents=True)
    source = (bare_tree / "tools" / "bootstrap.py").read_text()
    version = re.search(r'UV_VERSION = "([^"]+)"', source)
    assert version is not None
    names = [
        f"uv-{version.group(1)}-py3-none-{tag}.whl" for tag in re.findall(r'^ {8}"(\w[\w.]+)",$', source, re.MULTILINE)
    ]
    (folder / "simple" / "uv" / "index.html").write_text("".join(f'<a href="/{name}#x">{name}</a>' for name in names))
    for name in names:
        (folder / name).write_bytes(b"something else")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=str(folder))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/simple"
        server.shutdown()


def bootstrap(tree: Path, *command: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the bootstrap of a tree on a machine where no other program can be found."""
    environment = {"PATH": "/nowhere", "HOME": str(tree), **settings}
    return subprocess.run([sys.executable, *command], cwd=tree, env=environment, capture_output=True, text=True)


def test_a_uv_that_was_tampered_with_is_never_run(bare_tree: Path, false_index: str):
    done = bootstrap(bare_tree, "tools/bootstrap.py", PIP_INDEX_URL=false_index)
    assert done.returncode == 1
    assert "is not what was published" in done.stderr
    assert not list((bare_tree / ".venv-tools").iterdir())


def test_an_index_out_of_reach_is_one_line(bare_tree: Path):
    done = bootstrap(bare_tree, "tools/bootstrap.py", PIP_INDEX_URL="http://127.0.0.1:9/simple")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_python_that_is_too_old_is_told_what_to_install(bare_tree: Path):
    pretend = "import runpy, sys; sys.version_info = (3, 9, 2); sys.argv = ['bootstrap.py']; "
    done = bootstrap(bare_tree, "-c", pretend + "runpy.run_path('tools/bootstrap.py', run_name='__main__')")
    assert done.returncode == 1
    assert "too old" in done.stderr
    assert "apt-get install python3.11" in done.stderr
