"""Each rule of docs/rules is followed somewhere, and each `Source:` names rules that exist."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.house.tree import DOCS, ROOT

RULE = re.compile(r"\b([A-Z]+)-(\d\d)\b")
RANGE = re.compile(r"\b([A-Z]+)-(\d\d) to (?:[A-Z]+-)?(\d\d)\b")
SERIES = {"SYNC", "SAH", "SA", "PRODA", "CLAIM", "NDIS"}


def written_rules() -> list[str]:
    """The number of every rule, in the order in which the pages give them."""
    return [
        number
        for page in sorted((DOCS / "rules").glob("*.md"))
        for number in re.findall(r"^### ([A-Z]+-\d\d): ", page.read_text(), re.MULTILINE)
    ]


def sources() -> Iterator[tuple[str, str]]:
    """Every sentence that begins with «Source:», as (file and line, its text to the full stop or the end of line)."""
    for folder in ("src", "tests", "tools", "benchmarks"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" in path.parts or path == Path(__file__):
                continue
            text = path.read_text()
            for found in re.finditer(r"\bSource: ((?:[^\n.]|\n(?!\n))*)", text):
                yield f"{path.relative_to(ROOT)}:{text[: found.start()].count(chr(10)) + 1}", found.group(1)


def named_rules(text: str) -> set[str]:
    """The rules that a text names, ranges such as «SA-01 to SA-09» in full."""
    ranges = {
        f"{series}-{number:02}"
        for series, first, last in RANGE.findall(text)
        for number in range(int(first), int(last) + 1)
    }
    return ranges | {f"{series}-{number}" for series, number in RULE.findall(text) if series in SERIES}


def test_rules_are_numbered_without_gaps():
    numbers = written_rules()
    for series in SERIES:
        mine = [int(number.split("-")[1]) for number in numbers if number.startswith(f"{series}-")]
        assert mine == list(range(1, len(mine) + 1)), f"{series}: {mine}"


def test_every_source_names_a_rule_that_exists():
    known = set(written_rules())
    lost = [f"{place}: {text}" for place, text in sources() if not named_rules(text) or named_rules(text) - known]
    assert not lost, f"name rules of docs/rules, or add the rule: {lost}"


def test_every_rule_is_followed_by_code():
    followed = {rule for place, text in sources() if place.startswith("src/") for rule in named_rules(text)}
    assert not set(written_rules()) - followed, "no code names these rules"
