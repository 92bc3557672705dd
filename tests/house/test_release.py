"""A release can be made: the recipe runs dry, what it makes is whole, and a download can be checked."""

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from tests.house.test_first_steps import plain_environment
from tests.house.tree import ROOT

CHECKING = re.findall(r"^(ssh-keygen .+|sha256sum .+)$", (ROOT / "docs" / "releasing.md").read_text(), re.MULTILINE)
FAULTS = "import sys; sys.path.insert(0, 'tools'); from release import find_faults; print(find_faults(*{}))"
CHANGES = "## Unreleased\n\n{}\n\n## 1.2.0 - 2026-01-31\n\n### Added\n\n- More.\n"


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a rehearsal from the last commit, and the throwaway key's allowed signers."""
    folder = tmp_path_factory.mktemp("release") / "dist"
    command = [sys.executable, "tools/release.py", "--rehearse", "--into", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=plain_environment(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def check(folder: Path) -> bool:
    """Whether both commands of the documentation find nothing wrong."""
    assert len(CHECKING) == 2
    return subprocess.run(["sh", "-ec", "\n".join(CHECKING)], cwd=folder, capture_output=True).returncode == 0


def test_a_download_passes_the_check_and_a_changed_one_does_not(released: Path) -> None:
    assert check(released)
    wheel = next(released.glob("*.whl"))
    content = wheel.read_bytes()
    wheel.write_bytes(content[:-1] + b"?")
    assert not check(released)
    wheel.write_bytes(content)
    sums = released / "SHA256SUMS"
    text = sums.read_text()
    sums.write_text(text + text.splitlines()[0] + "\n")
    assert not check(released)
    sums.write_text(text)
    assert check(released)


def test_the_wheel_holds_the_product_and_nothing_else(released: Path) -> None:
    with zipfile.ZipFile(next(released.glob("*.whl"))) as wheel:
        names = wheel.namelist()

    committed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "HEAD", "src"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    product = {name for name in names if ".dist-info/" not in name}
    assert product == {line.removeprefix("src/") for line in committed.splitlines()}


def test_the_list_of_packages_names_each_that_is_installed_with_it(released: Path) -> None:
    contents = json.loads(next(released.glob("*.cdx.json")).read_text())
    listed = {component["name"]: component["version"] for component in contents["components"]}
    locked = {
        package["name"]: package["version"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    }
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.split(r"[\[<>=]", dependency)[0] for dependency in dependencies}
    assert names <= listed.keys()
    assert {name: locked[name] for name in listed} == listed
    assert "pytest" not in listed


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (("1.2.0", CHANGES.format(""), "", ["v1.1.0"]), ""),
        (("1.2.0", CHANGES.format(""), " M README.md", []), "files differ from the last commit"),
        (("1.3.0", CHANGES.format(""), "", []), "no heading for 1.3.0"),
        (("1.2.0", CHANGES.format("- One more."), "", []), "changes under Unreleased"),
        (("1.2.0", CHANGES.format(""), "", ["v1.2.0"]), "v1.2.0 is released already"),
    ],
)
def test_what_is_not_ready_is_not_released(given: tuple[object, ...], fault: str) -> None:
    found = subprocess.run(
        [sys.executable, "-c", FAULTS.format(repr(given))], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.strip()
    assert (fault in found) if fault else (found == "[]"), found
