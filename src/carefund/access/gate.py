"""The gate: the console, REST and the command line obtain clients only here, and obtaining one means being allowed to.

A client of another branch is answered like one who does not exist, so that nobody learns who is cared for elsewhere.
"""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import Http404

from carefund.access.roles import Role, may_enter, may_synchronise, rights_of
from carefund.records.models import Client


def list_clients_for(user: User) -> QuerySet[Client]:
    """The clients someone may read: all, or those of their branches.

    A client of no known branch is in none: a coordinator sees those that they added themselves, until it is known.
    Source: rule SYNC-17.
    """
    rights = rights_of(user)
    if rights.role is None:
        return Client.objects.none()
    if rights.service_provider_ids is None:
        return Client.objects.all()
    theirs = Q(service_provider_id__in=rights.service_provider_ids - {""})
    if rights.role is Role.COORDINATOR:
        theirs |= Q(service_provider_id="", added_by=user)
    return Client.objects.filter(theirs)


def find_client_to_read(user: User, client_id: int) -> Client:
    """One client with the state of their synchronisation. Http404 if there is none for this person."""
    return _find(user, id=client_id)


def find_client_to_synchronise(user: User, client_id: int) -> Client:
    """One client whom this person may synchronise. PermissionDenied if they may only read, Http404 as above."""
    client = _find(user, id=client_id)
    if not may_synchronise(user):
        raise PermissionDenied
    return client


def find_client_to_watch(user: User, client_id: int, *, asked_by_id: int | None) -> Client | None:
    """The client of a sync that somebody watches; None where they asked for it and may no longer read the client.

    Whoever asked may see that sync's outcome and counts, also when it has moved the client to another branch, and of
    the client nothing. Http404 for everybody else.
    """
    try:
        return find_client_to_read(user, client_id)
    except Http404:
        if asked_by_id is None or asked_by_id != user.pk:
            raise
        return None


def may_read_branch(user: User, service_provider_id: str) -> bool:
    """Whether the clients of a branch are among those that this person may read."""
    rights = rights_of(user)
    if rights.role is None:
        return False
    return rights.service_provider_ids is None or service_provider_id in rights.service_provider_ids - {""}


def _find(user: User, **key: int | str) -> Client:
    if not may_enter(user):
        raise PermissionDenied
    client = list_clients_for(user).select_related("sync_state", "ndis").filter(**key).first()
    if client is None:
        raise Http404
    return client
