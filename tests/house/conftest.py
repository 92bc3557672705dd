"""What tests of recipes start from."""

import shutil
from pathlib import Path

import pytest

from tests.house.tree import ROOT


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the sources, to be edited."""
    shutil.copytree(ROOT / "src", tmp_path / "src")  # with what is compiled already
    return tmp_path / "src"
