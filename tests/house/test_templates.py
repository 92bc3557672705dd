"""Templates can be reviewed: short lines, short files, shallow conditions. What is decided is decided in a view."""

import re
from pathlib import Path

import pytest

from tests.house.tree import ROOT, SAYS_NOTHING

TEMPLATES = sorted((ROOT / "src/carefund/console/templates").rglob("*.html"))
LONGEST_LINE = 120
LONGEST_TEMPLATE = 150
DEEPEST_IF = 3


def ids(path: Path) -> str:
    return str(path.relative_to(TEMPLATES[0].parents[0]) if path.is_relative_to(TEMPLATES[0].parents[0]) else path)


@pytest.mark.parametrize("template", TEMPLATES, ids=ids)
def test_a_template_fits_on_a_page_and_its_lines_on_a_screen(template: Path):
    lines = template.read_text().splitlines()
    long = [number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE]
    assert not long, f"prepare the value in the view, or include a piece: lines {long}"
    assert len(lines) <= LONGEST_TEMPLATE, "include a piece for each part of the page"


@pytest.mark.parametrize("template", TEMPLATES, ids=ids)
def test_conditions_are_shallow(template: Path):
    depth = deepest = 0
    for tag in re.findall(r"{%-?\s*(if|endif)\b", template.read_text()):
        depth += 1 if tag == "if" else -1
        deepest = max(deepest, depth)
    assert deepest <= DEEPEST_IF, "prepare a plain value in the view"


@pytest.mark.parametrize("template", TEMPLATES, ids=ids)
def test_a_loop_variable_of_a_template_says_what_it_holds(template: Path):
    named = re.findall(r"{%\s*for\s+(.+?)\s+in\s", template.read_text())
    found = [name for names in named for name in re.split(r"\s*,\s*", names) if name in SAYS_NOTHING]
    assert not found, f"name it after what it holds (budget, line, client, draw): {found}"
