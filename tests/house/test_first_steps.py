"""What a newcomer does first works: the README's two commands, and the installation they begin with."""

import importlib.util
import os
import re
import shutil
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


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("carefund.cli.main") is None, reason="there is no command line yet")
def test_make_demo_once_shows_what_arrived_and_ends_well(tmp_path: Path):
    for name in ("Makefile", "tools", ".venv"):  # another place, so that a demo under way here keeps its data
        (tmp_path / name).symlink_to(ROOT / name)
    demo = subprocess.run(
        ["make", "demo", "ARGS=--once"],
        cwd=tmp_path,
        env=plain_environment(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert demo.returncode == 0, demo.stdout[-3000:] + demo.stderr[-3000:]
    assert "60 clients" in demo.stdout
    assert "ERROR" not in demo.stderr, demo.stderr[-3000:]


def test_make_alone_lists_every_target():
    listing = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("demo", "test", "check", "bench", "pictures"):
        assert f"make {target} " in listing


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
