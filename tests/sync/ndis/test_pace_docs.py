"""docs/ndis-pace.md tells every problem in the words that people are shown."""

from pathlib import Path

import pytest

from carefund.sync.ndis import problems as pace_problems

PAGE = (Path(__file__).parents[3] / "docs" / "ndis-pace.md").read_text()


@pytest.mark.parametrize("leaf", pace_problems.PaceProblem.__subclasses__(), ids=lambda leaf: leaf.code)
def test_every_problem_is_documented_and_drawn(leaf: type[pace_problems.PaceProblem]) -> None:
    assert f"| `{leaf.code}` | {leaf.__doc__} | {leaf.advice} |" in PAGE
    assert f"── {leaf.__name__}" in (pace_problems.__doc__ or "")
