"""Each fault in docs/reliability.md names the tests that show its promise, and they are there."""

import ast
import re

import pytest

from tests.house.tree import ROOT

MATRIX = (ROOT / "docs/reliability.md").read_text()
ROWS = re.findall(
    r"^\| (?!Fault|---)(?P<fault>[^|]+) \| (?P<promise>[^|]+) \| (?P<shown>[^|]+) \|$", MATRIX, re.MULTILINE
)
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def list_tests(path: str) -> set[str]:
    """The names of the tests in a file, those of state machines too."""
    tree = ast.parse((ROOT / path).read_text())
    names = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    machines = {
        node.targets[0].id
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    return {name for name in names | machines if name.startswith(("test_", "Test"))}


def test_the_matrix_is_read():
    assert len(ROWS) > 50
    assert len(ROWS) == sum(line.startswith("| ") for line in MATRIX.splitlines()) - MATRIX.count("| Fault |")


@pytest.mark.parametrize(("fault", "shown"), [(fault, shown) for fault, _, shown in ROWS], ids=lambda text: text[:40])
def test_each_promise_names_tests_that_exist(fault: str, shown: str):
    named = NAMED.findall(shown)
    assert named, f"{fault}: name the test"
    for path, name in named:
        assert (ROOT / path).is_file(), path
        assert list_tests(path), path
        assert not name or name in list_tests(path), f"{path} has no {name}"


@pytest.mark.parametrize("page", ["docs/security.md", "SECURITY.md"])
def test_a_statement_about_security_names_tests_that_exist(page: str):
    gone = [path for path, _ in NAMED.findall((ROOT / page).read_text()) if not (ROOT / path).is_file()]
    assert not gone, gone
