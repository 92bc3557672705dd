"""Clients as people keep them: added, edited, moved, made inactive; each edit is in the change log with its author.

What the funder says about a client is written by sync, never here. Source: rule SYNC-16.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from carefund.domain.care_recipient.clients import may_be_born_alike, name_key
from carefund.records.batching import batched
from carefund.records.care_recipient.identities import compare_again
from carefund.records.models import Change, Client, ClientMatch, SyncState

EDITED = ("first_name", "last_name", "birth_date", "care_recipient_id", "service_provider_id", "is_active")
_ALL_EDITED = (*EDITED, "external_reference_id")
_IDENTIFYING = {"first_name", "last_name", "birth_date"}
_AT_ONCE = 500
ID_TAKEN = "Another client already has this Care Recipient ID."
_REFERENCE_TAKEN = "Another client already has this external reference."
ID_SETTLED = (
    "Funding was synchronised with this Care Recipient ID, so it cannot be changed. If it belongs to a different "
    "person, make this client inactive and add a new one."
)


class CannotEdit(ValueError):
    """An edit that is refused; the message says why and, where there is one, the way out."""


def add_client(values: Mapping[str, Any], *, made_by: str, user: User | None = None) -> Client:
    """Add a client; whoever adds one of no known branch sees them until it is known. Raises CannotEdit."""
    try:
        with transaction.atomic():
            client = Client.objects.create(added_by=user, **values)
            _note(client, Change.NEW, made_by, timezone.now()).save()
    except IntegrityError:
        raise CannotEdit(_say_what_is_taken(values)) from None
    return client


def add_clients(clients: Sequence[Client], *, made_by: str, user: User | None = None) -> None:
    """Add many unsaved clients, each with its line in the change log. Raises IntegrityError for a key that another
    client has."""
    now = timezone.now()
    for some in batched(clients, _AT_ONCE):
        for client in some:
            client.added_by = user
        Client.objects.bulk_create(some)
        Change.objects.bulk_create(_note(client, Change.NEW, made_by, now) for client in some)


def edit_client(client_id: int, values: Mapping[str, Any], *, made_by: str) -> list[str]:
    """Change what is given of EDITED, and the external reference. Gives the fields that changed, each a line of the
    change log. Raises CannotEdit.

    A care recipient id can be changed until something was synchronised under it.
    """
    try:
        return edit_clients({client_id: values}, made_by=made_by).get(client_id, [])
    except IntegrityError:
        raise CannotEdit(_say_what_is_taken(values, client_id)) from None


@transaction.atomic
def edit_clients(edits: Mapping[int, Mapping[str, Any]], *, made_by: str) -> dict[int, list[str]]:
    """As `edit_client`, of many clients, all or nothing; gives the fields that changed by client. Raises CannotEdit,
    and IntegrityError for a key that another client has."""
    now, found = timezone.now(), {}
    for some in batched(sorted(edits), _AT_ONCE):
        notes: list[Change] = []
        clients = _lock(some, with_id=any("care_recipient_id" in edits[key] for key in some))
        settled = _list_settled(client for key, client in clients.items() if "care_recipient_id" in edits[key])
        for key, client in sorted(clients.items()):
            values = edits[key]
            changed = [name for name in _ALL_EDITED if name in values and values[name] != getattr(client, name)]
            if "care_recipient_id" in changed and key in settled:
                raise CannotEdit(ID_SETTLED)
            for name in changed:
                before, after = getattr(client, name), values[name]
                notes.append(_note(client, Change.CHANGED, made_by, now, name, _as_text(before), _as_text(after)))
                setattr(client, name, after)
            if changed:
                client.save(update_fields=changed)
                found[key] = changed
        compare_again([client for key, client in clients.items() if _IDENTIFYING.intersection(found.get(key, ()))])
        Change.objects.bulk_create(notes)
    return found


def _lock(client_ids: Sequence[int], *, with_id: bool) -> dict[int, Client]:
    """Keep clients from being edited until the transaction ends. A sync goes on storing what refers to them, unless
    their id is edited too: nothing may be stored under it meanwhile."""
    return Client.objects.select_for_update(no_key=not with_id).order_by("pk").in_bulk(client_ids)


def _say_what_is_taken(values: Mapping[str, Any], client_id: int = 0) -> str:
    """Which of a client's two keys another client has."""
    reference = values.get("external_reference_id")
    others = Client.objects.filter(external_reference_id=reference).exclude(pk=client_id)
    return _REFERENCE_TAKEN if reference and others.exists() else ID_TAKEN


def is_id_taken(care_recipient_id: str) -> bool:
    """Whether a client here has this care recipient id."""
    return Client.objects.filter(care_recipient_id=care_recipient_id).exists()


def is_id_settled(client: Client) -> bool:
    """Whether a client's care recipient id stays, because funding was synchronised under it."""
    return bool(_list_settled([client]))


def _list_settled(clients: Iterable[Client]) -> set[int]:
    with_id = [client.pk for client in clients if client.care_recipient_id]
    synchronised = SyncState.objects.filter(client__in=with_id, version__gt=0) if with_id else SyncState.objects.none()
    return set(synchronised.values_list("client_id", flat=True))


def decide_match(match_id: int, *, is_same: bool, made_by: str, user: User | None = None) -> Client | None:
    """Say whether a row of a provider file is the client who is here; gives whom the id belongs to now, if anybody.

    The same: the client gets the id, and what else was not known. Another: a client of their own, once no other row
    with this id waits. Decided already: nothing happens. Raises CannotEdit.
    """
    with transaction.atomic():
        match = ClientMatch.objects.select_for_update().select_related("client").get(pk=match_id)
        waiting = ClientMatch.objects.filter(
            care_recipient_id=match.care_recipient_id, verdict=ClientMatch.Verdict.WAITING
        )
        if match.verdict != ClientMatch.Verdict.WAITING:
            return None
        decided = {"decided_by": made_by[:150], "decided_at": timezone.now()}
        same, other = ClientMatch.Verdict.SAME, ClientMatch.Verdict.OTHER
        if is_same:
            edit_client(match.client_id, _learnt(match), made_by=made_by)
            waiting.exclude(pk=match.pk).update(verdict=other, **decided)
            ClientMatch.objects.filter(pk=match.pk).update(verdict=same, **decided)
            return match.client
        ClientMatch.objects.filter(pk=match.pk).update(verdict=other, **decided)
        if waiting.exists() or Client.objects.filter(care_recipient_id=match.care_recipient_id).exists():
            return None
        names = ("care_recipient_id", "first_name", "last_name", "birth_date", "service_provider_id")
        return add_client({name: getattr(match, name) for name in names}, made_by=made_by, user=user)


def _learnt(match: ClientMatch) -> dict[str, Any]:
    """What a row of a file tells that was not known of the client."""
    learnt: dict[str, Any] = {"care_recipient_id": match.care_recipient_id}
    if match.client.birth_date is None:
        learnt["birth_date"] = match.birth_date
    if not match.client.service_provider_id:
        learnt["service_provider_id"] = match.service_provider_id
    return learnt


def list_alike(first_name: str, last_name: str, birth_date: date | None) -> list[Client]:
    """Clients of this name whose birth date may be this one."""
    key = name_key(first_name, last_name)
    named = Client.objects.filter(last_name__iexact=last_name.strip())
    return [
        client
        for client in named
        if name_key(client.first_name, client.last_name) == key and may_be_born_alike(client.birth_date, birth_date)
    ]


def _note(
    client: Client,
    action: str,
    made_by: str,
    at: datetime,
    field: str = "",
    before: str | None = None,
    after: str | None = None,
) -> Change:
    return Change(
        client=client,
        kind="client",
        action=action,
        field=field,
        before=before,
        after=after,
        fetched_at=at,
        cause=Change.PERSON,
        made_by=made_by[:150],
    )


def _as_text(value: Any) -> str | None:
    if isinstance(value, bool):
        return "active" if value else "inactive"
    return None if value in (None, "") else str(value)
