"""What happens in the demo's world, where it has fewer people than usual too."""

import pytest

from carefund.cli.demo_world import change_funding, rename_people
from carefund.records.models import Client, SyncState

pytestmark = pytest.mark.one_database


def test_a_small_demo_changes_the_funding_of_those_who_are_in_it() -> None:
    asked: list[str] = []
    change_funding(lambda path, body: asked.append(path), {"400000001", "400000003", "400000005"})
    assert asked == [
        "/sandbox/care-recipients/400000005/add-usage",
        "/sandbox/care-recipients/400000003/change-level",
    ]


def test_a_demo_renames_those_who_are_in_it_until_they_are_synchronised() -> None:
    asked: dict[str, object] = {}
    people = [
        Client(care_recipient_id=f"40000000{number}", first_name="Coral", last_name="Fernhill")
        for number in range(6, 9)
    ]
    assert rename_people(asked.__setitem__, people) == 1
    assert asked == {"/sandbox/care-recipients/400000007/identity": {"firstName": "Fernhill", "lastName": "Coral"}}
    people[1].sync_state = SyncState(client=people[1])
    assert rename_people(asked.__setitem__, people) == 0
