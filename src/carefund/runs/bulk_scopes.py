"""Whom a bulk run is for: each scope a person can choose, as the clients in it and the words for the ledger.

Source: rule SYNC-11.
"""

from collections.abc import Sequence
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from carefund.records.models import Client
from carefund.runs.models import RunItem

_LONGEST_ID = 20


class EmptyFile(ValueError):
    """A file of ids that holds none."""


def synchronisable() -> "QuerySet[Client]":
    """Everybody active who has a care recipient id."""
    return Client.objects.filter(is_active=True, care_recipient_id__isnull=False)


def choose(
    *,
    service_provider_id: str = "",
    failed: bool = False,
    older_than: timedelta | None = None,
    among: "QuerySet[Client] | None" = None,
) -> "tuple[QuerySet[Client], str]":
    """The clients of a scope and how it is called; without limits it is active clients."""
    clients = synchronisable() if among is None else among & synchronisable()
    words = []
    if service_provider_id:
        clients = clients.filter(service_provider_id=service_provider_id)
        words.append(f"of Service Provider ID {service_provider_id}")
    if failed:
        clients = clients.filter(sync_state__outcome=RunItem.Outcome.FAILED)
        words.append("whose last sync failed")
    if older_than is not None:
        before = timezone.now() - older_than
        clients = clients.filter(
            Q(sync_state__isnull=True) | Q(sync_state__checked_at__isnull=True) | Q(sync_state__checked_at__lt=before)
        )
        words.append(f"not checked for {older_than.total_seconds() / 3600:g} hours")
    return clients, f"clients {', '.join(words)}" if words else "active clients"


def read_ids(content: bytes) -> list[str]:
    """The ids in a file: the first column of each line, in any common text encoding. Raises EmptyFile."""
    encoding = "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = content.decode(encoding, errors="replace").replace("\0", "")  # which no database takes
    firsts = (line.replace(";", ",").replace("\t", ",").split(",")[0].strip().strip('"') for line in text.splitlines())
    ids = [first[: _LONGEST_ID * 2] for first in firsts if first and any(sign.isdigit() for sign in first)]
    if not ids:
        raise EmptyFile
    return ids


def choose_ids(ids: Sequence[str]) -> tuple[list[Client], list[str]]:
    """The clients with these care recipient ids, each once, and the ids that nobody here has."""
    wanted = list(dict.fromkeys(ids))
    found: dict[str | None, Client] = {}
    for start in range(0, len(wanted), 500):
        chunk = wanted[start : start + 500]
        found |= {client.care_recipient_id: client for client in Client.objects.filter(care_recipient_id__in=chunk)}
    return [found[care_recipient_id] for care_recipient_id in wanted if care_recipient_id in found], [
        care_recipient_id for care_recipient_id in wanted if care_recipient_id not in found
    ]
