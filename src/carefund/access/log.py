"""Writing and reading the access log: who viewed or exported whose funding, and when."""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import QuerySet

from carefund.access.log_writing import write_soon
from carefund.access.models import AccessLogEntry
from carefund.records.models import Client


def store_view(user: User, client: Client, what: str) -> None:
    """Note that someone looked at a client's funding. `what` names the page."""
    write_soon([_entry(user, AccessLogEntry.Action.VIEWED, what, client, 1)])


def store_views(user: User, clients: Iterable[Client], what: str) -> None:
    """Note that someone looked at a page with several clients' funding: an entry for each client, once."""
    write_soon([_entry(user, AccessLogEntry.Action.VIEWED, what, client, 1) for client in dict.fromkeys(clients)])


def store_export(user: User, what: str, *, client: Client | None = None, number_of_clients: int = 1) -> None:
    """Note that someone took funding out of the system, of one client or of many."""
    _store(user, AccessLogEntry.Action.EXPORTED, what, client, number_of_clients)


def store_synchronisation(user: User, client: Client, what: str) -> None:
    """Note that someone asked the funder about a client."""
    _store(user, AccessLogEntry.Action.SYNCHRONISED, what, client, 1)


def list_entries(*, user_name: str = "", client_id: int | None = None) -> QuerySet[AccessLogEntry]:
    """The log, newest first, of everybody or of one account, about everybody or about one client."""
    entries = AccessLogEntry.objects.select_related("client", "user").order_by("-id")
    if user_name:
        entries = entries.filter(user_name__icontains=user_name)
    if client_id is not None:
        entries = entries.filter(client_id=client_id)
    return entries


def _store(user: User, action: str, what: str, client: Client | None, number: int) -> None:
    _entry(user, action, what, client, number).save()


def _entry(user: User, action: str, what: str, client: Client | None, number: int) -> AccessLogEntry:
    return AccessLogEntry(
        user=user,
        user_name=user.get_username(),
        action=action,
        what=what[:120],
        client=client,
        number_of_clients=number,
    )
