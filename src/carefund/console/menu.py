"""The menu: its entries with who has them, and which of them leads to the page that is open."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import reverse


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry: the page it leads to, its drawing and words, and the right it takes; `is_minor`: in smaller type."""

    page_name: str
    drawing: str
    words: str
    right: str = ""
    is_minor: bool = False


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """An entry as a page shows it; `is_current`: the page that is open is this one, or lies below it."""

    address: str
    drawing: str
    words: str
    is_minor: bool
    is_current: bool


@dataclass(frozen=True, slots=True)
class MenuGroup:
    """Entries below a heading, or without one."""

    key: str
    heading: str
    entries: tuple[MenuEntry, ...]


_GROUPS = (
    (
        "main",
        "",
        (
            _Entry("home", "house", "Home"),
            _Entry("alerts", "triangle-alert", "Alerts", is_minor=True),
            _Entry("clients", "users", "Clients"),
            _Entry("runs", "refresh-cw", "Runs", "may_run_in_bulk"),
            _Entry("claims", "hand-coins", "Claims", "may_claim"),
            _Entry("money", "wallet", "Money", "may_claim", is_minor=True),
            _Entry("ndis-comparisons", "scale", "NDIS contracts", is_minor=True),
        ),
    ),
    (
        "settings",
        "Settings",
        (
            _Entry("support-at-home", "wallet", "Support at Home", "may_administer", is_minor=True),
            _Entry("ndis-settings", "landmark", "NDIS SyncPro", "may_administer", is_minor=True),
        ),
    ),
    (
        "admin",
        "Administration",
        (
            _Entry("administration", "settings", "Admin console", "may_administer"),
            _Entry("connections", "plug", "Funder connections", "may_administer", is_minor=True),
            _Entry("schedules", "calendar-clock", "Schedules", "may_administer", is_minor=True),
            _Entry("people", "user-cog", "Users and roles", "may_administer", is_minor=True),
            _Entry("access-log", "eye", "Access log", "may_administer", is_minor=True),
        ),
    ),
)
# Pages that lie beside their entry's own address, by the beginning of theirs.
_BEGINNINGS = {"ndis-comparisons": "/ndis"}


def list_menu(path: str, rights: Mapping[str, bool]) -> Iterator[MenuGroup]:
    """Yield the groups that somebody with these rights has, on the page at this path."""
    open_entry = _find_open(path)
    for key, heading, entries in _GROUPS:
        shown = tuple(
            MenuEntry(_address_of(entry), entry.drawing, entry.words, entry.is_minor, entry is open_entry)
            for entry in entries
            if not entry.right or rights[entry.right]
        )
        if shown:
            yield MenuGroup(key, heading, shown)


def _find_open(path: str) -> _Entry | None:
    """Return the entry whose address is the longest beginning of a path, whole parts only."""
    beginnings = [
        (_BEGINNINGS.get(entry.page_name) or _address_of(entry).rstrip("/"), entry)
        for _, _, entries in _GROUPS
        for entry in entries
    ]
    found = [(begins, entry) for begins, entry in beginnings if path == (begins or "/") or _lies_below(path, begins)]
    return max(found, key=lambda pair: len(pair[0]))[1] if found else None


def _lies_below(path: str, begins: str) -> bool:
    return bool(begins) and path.startswith(f"{begins}/")


def _address_of(entry: _Entry) -> str:
    return reverse(f"console:{entry.page_name}")
