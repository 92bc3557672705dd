"""The documentation's site is strict: what a reader could not follow, or would load from elsewhere, fails its build."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.tree import ROOT

SPOILT = """

[A page that is gone](gone.md), [a heading that is gone](settings.md#gone), and ![a picture](https://elsewhere.example/a.png)
"""


@pytest.mark.slow
def test_a_dead_link_an_orphan_and_a_foreign_picture_fail_the_build(tmp_path: Path) -> None:
    for name in ("docs", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("CONTRIBUTING.md", "CHANGELOG.md"):
        shutil.copy(ROOT / name, tmp_path)
    with (tmp_path / "docs" / "claims.md").open("a") as page:
        page.write(SPOILT)
    (tmp_path / "docs" / "orphan.md").write_text("# A page that nothing leads to\n")

    built = subprocess.run(
        [sys.executable, str(tmp_path / "tools" / "docs.py"), "--check"], capture_output=True, text=True
    )

    said = built.stdout + built.stderr
    assert built.returncode == 1
    for complaint in ("gone.md", "'gone'", "orphan.md", "claims.html: https://elsewhere.example/a.png"):
        assert complaint in said, f"nothing is said of {complaint}: {said}"
