"""What the items of a run are called on pages, and where a click on one leads."""

from dataclasses import dataclass

from django.urls import reverse

from carefund.runs.models import RunItem


@dataclass(frozen=True, slots=True)
class ItemName:
    """Words for an item, and the address of the page about it; "" when there is none."""

    words: str
    address: str = ""


# By the beginning of what an item holds: the words before its id, and the page about it.
_PAGES = {
    "batch": ("Batch", "console:batch"),
    "contract": ("Service contract", "console:ndis-contract"),
    "webhook": ("Webhook", "console:webhook"),
    "pool": ("Service Provider ID", "console:care-management"),
}
_ALONE = {
    "claims-elsewhere": ("Claims made outside Carefund", "console:claims"),
    "claim-books": ("Records of Carefund and Services Australia", "console:claim-exceptions"),
    "claim-lines": ("Paid lines", "console:claim-exceptions"),
    "service-providers": ("All clients", "console:support-at-home"),
    "survey": ("The lists of all branches", ""),
    "retention": ("Old runs", ""),
    "backup": ("The database", "console:connections"),
    "alerts": ("Clients, claims and devices", "console:alerts"),
    "funder:services-australia": ("Services Australia", "console:connections"),
}


def name_item(item: RunItem) -> ItemName:
    """What an item is about. One that is about a client is called by the client's name."""
    if item.client is not None:
        page = "console:ndis-client" if item.holds.startswith("pace-") else "console:client"
        return ItemName(item.client.full_name, reverse(page, args=[item.client.pk]))
    if item.holds in _ALONE:
        words, page = _ALONE[item.holds]
        return ItemName(words, reverse(page) if page else "")
    kind, _, held_id = item.holds.partition(":")
    if kind == "account-summary":
        branch, _, month = held_id.partition(":")
        return ItemName(
            f"Account summary of {branch}, {month}", f"{reverse('console:account-summaries')}?branch={branch}"
        )
    if kind in _PAGES:
        words, page = _PAGES[kind]
        return ItemName(f"{words} {held_id}", reverse(page, args=[held_id]))
    return ItemName(f"{kind.capitalize()} {held_id}".strip() if kind else "Unknown client")
