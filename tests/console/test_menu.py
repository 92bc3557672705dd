"""The menu marks the one entry that the open page lies below, and shows nobody an entry that they may not open."""

import pytest

from carefund.console.menu import list_menu

pytestmark = pytest.mark.one_database
NO_RIGHTS = {"may_run_in_bulk": False, "may_claim": False, "may_administer": False}
ALL_RIGHTS = dict.fromkeys(NO_RIGHTS, True)


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/", ["Home"]),
        ("/clients/3/ndis/pace", ["Clients"]),
        ("/claims/new", ["Claims"]),
        ("/money/refused", ["Money"]),
        ("/ndis/contracts/4", ["NDIS contracts"]),
        ("/administration/audit-log", ["Admin console"]),
        ("/administration/connections/interfaces", ["Funder connections"]),
        ("/settings/support-at-home/all", ["Support at Home"]),
        ("/account/tokens", []),
        ("/clientsX", []),
    ],
)
def test_one_entry_at_most_is_that_of_the_open_page(path: str, marked: list[str]) -> None:
    groups = list(list_menu(path, ALL_RIGHTS))
    assert [group.heading for group in groups] == ["", "Settings", "Administration"]
    assert [entry.words for group in groups for entry in group.entries if entry.is_current] == marked


def test_who_has_no_rights_sees_no_group_without_entries() -> None:
    (group,) = list_menu("/", NO_RIGHTS)
    assert [entry.words for entry in group.entries] == ["Home", "Alerts", "Clients", "NDIS contracts"]
