"""What happens in the demo's world, where it has fewer people than usual too."""

import pytest

from carefund.cli.demo_world import change_funding

pytestmark = pytest.mark.one_database


def test_a_small_demo_changes_the_funding_of_those_who_are_in_it() -> None:
    asked: list[str] = []
    change_funding(lambda path, body: asked.append(path), {"400000001", "400000003", "400000005"})
    assert asked == [
        "/sandbox/care-recipients/400000005/add-usage",
        "/sandbox/care-recipients/400000003/change-level",
    ]
