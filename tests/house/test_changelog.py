"""The CHANGELOG is by release, newest first, and its newest release is the version of the package."""

import re
import tomllib
from datetime import date

from tests.house.tree import ROOT

KINDS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]


def test_releases_stand_newest_first_and_the_newest_is_the_version_of_the_package() -> None:
    text = (ROOT / "CHANGELOG.md").read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert headings[0] == "Unreleased"
    releases = [heading.split(" - ") for heading in headings[1:]]
    days = [date.fromisoformat(day) for _, day in releases]
    assert days == sorted(days, reverse=True)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert releases[0][0] == version


def test_each_release_has_each_kind_of_change_at_most_once_and_in_order() -> None:
    for part in re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(), flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", part, re.MULTILINE)
        assert kinds == [kind for kind in KINDS if kind in kinds], part.splitlines()[0]
