"""The gate: clients can be obtained only through here by a door, and obtaining one means being allowed to.

A client of another branch is answered like one who does not exist, so that nobody learns who is cared for elsewhere.
"""

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404

from carefund.access.roles import may_enter, may_synchronise, rights_of
from carefund.records.models import Client


def list_clients_for(user: User) -> QuerySet[Client]:
    """The clients someone may read: all, or those of their branches. A client of no known branch is in none."""
    rights = rights_of(user)
    if rights.role is None:
        return Client.objects.none()
    if rights.service_provider_ids is None:
        return Client.objects.all()
    return Client.objects.filter(service_provider_id__in=rights.service_provider_ids - {""})


def find_client_to_read(user: User, client_id: int) -> Client:
    """One client with the state of their synchronisation. Http404 if there is none for this person."""
    return _find(user, id=client_id)


def find_care_recipient_to_read(user: User, care_recipient_id: str) -> Client:
    """As `find_client_to_read`, by Services Australia's key."""
    return _find(user, care_recipient_id=care_recipient_id)


def find_client_to_synchronise(user: User, client_id: int) -> Client:
    """One client whom this person may synchronise. PermissionDenied if they may only read, Http404 as above."""
    client = _find(user, id=client_id)
    if not may_synchronise(user):
        raise PermissionDenied
    return client


def _find(user: User, **key: int | str) -> Client:
    if not may_enter(user):
        raise PermissionDenied
    client = list_clients_for(user).select_related("sync_state").filter(**key).first()
    if client is None:
        raise Http404
    return client
