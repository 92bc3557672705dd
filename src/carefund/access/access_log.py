"""Writing and reading the access log: who was shown, took out or synchronised whose funding, and when.

An entry is written before the page goes out: what was shown is in the log, and what cannot be logged is not shown. A
page with many clients is one entry that names them all. `user` is None for a command of the terminal, which is an entry
like a page.
"""

from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from carefund.access.log_writing import name_terminal, write
from carefund.access.models import AccessLogEntry
from carefund.access.tokens import find_use, name_account
from carefund.records.models import Client


def store_view(user: User | None, client: Client, what: str) -> None:
    """Note that someone is about to see a client's funding. `what` names the page. Raises DatabaseError."""
    write(_entry(user, AccessLogEntry.Action.VIEWED, what, [client.pk]))


def store_views(user: User | None, clients: Iterable[Client | int | None], what: str) -> None:
    """Note that someone is about to see a page with several clients, named by row or number; nothing if with none."""
    numbers = _numbers_of(clients)
    if numbers:
        write(_entry(user, AccessLogEntry.Action.VIEWED, what, numbers))


def store_export(
    user: User | None, what: str, *, clients: Iterable[Client | int | None] = (), number_of_clients: int | None = None
) -> None:
    """Note that someone is about to take funding out of the system, of one client or of many. Raises DatabaseError."""
    write(_entry(user, AccessLogEntry.Action.EXPORTED, what, _numbers_of(clients), number_of_clients))


def store_synchronisation(user: User | None, client: Client, what: str) -> None:
    """Note that someone asked the funder about a client. Raises DatabaseError."""
    write(_entry(user, AccessLogEntry.Action.SYNCHRONISED, what, [client.pk]))


def store_use(user: User, what: str) -> None:
    """Note a call with a token that showed nobody. `what` is its method and address, without ids. Raises
    DatabaseError."""
    write(_entry(user, AccessLogEntry.Action.USED, what, []))


def list_entries(
    *,
    user_name: str = "",
    client_id: int | None = None,
    care_recipient_id: str = "",
    action: str = "",
    entry_id: int = 0,
    before_id: int = 0,
) -> QuerySet[AccessLogEntry]:
    """The log, newest first, of everybody or of one account, about everybody or about one client; or one entry."""
    entries = AccessLogEntry.objects.select_related("client").order_by("-id")
    if entry_id:
        return entries.filter(pk=entry_id)
    if before_id:
        entries = entries.filter(pk__lt=before_id)
    if user_name:
        entries = entries.filter(user_name__icontains=user_name)
    if care_recipient_id:
        client_id = Client.objects.filter(care_recipient_id=care_recipient_id).values_list("pk", flat=True).first()
        if client_id is None:
            return entries.none()
    if client_id is not None:
        entries = entries.filter(Q(client_id=client_id) | Q(client_ids__contains=f",{client_id},"))
    if action:
        entries = entries.filter(action=action)
    return entries


def find_named(entries: Iterable[AccessLogEntry], most: int) -> dict[int, Client]:
    """The clients whom entries with several name, so many of each entry, by number."""
    numbers = {number for entry in entries for number in entry.listed_ids[:most]}
    return Client.objects.only("first_name", "last_name", "care_recipient_id").in_bulk(numbers) if numbers else {}


def _numbers_of(clients: Iterable[Client | int | None]) -> list[int]:
    """Return each client's number once, in the order of the page."""
    if isinstance(clients, QuerySet) and clients.model is Client:
        clients = clients.order_by().values_list("pk", flat=True)
    numbers = (client.pk if isinstance(client, Client) else client for client in clients)
    return list(dict.fromkeys(number for number in numbers if number is not None))


def _entry(user: User | None, action: str, what: str, numbers: list[int], count: int | None = None) -> AccessLogEntry:
    use = find_use(user) if user else None
    if use is not None:
        use.is_logged = True
    return AccessLogEntry(
        user=user,
        user_name=name_account(user) if user else name_terminal(),
        action=action,
        what=what[:120],
        client_id=numbers[0] if len(numbers) == 1 else None,
        client_ids="," + ",".join(map(str, numbers)) + "," if len(numbers) > 1 else "",
        number_of_clients=len(numbers) if count is None else count,
    )
