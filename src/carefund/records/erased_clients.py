"""Which clients were erased but for the records that have to stay. Source: rule CLAIM-11."""

from collections.abc import Collection

from django.db.models import QuerySet

from carefund.records.models import Client


def list_erased_clients() -> "QuerySet[Client]":
    """The clients of whom an erasure left who they are and nothing else: inactive, and nothing of any sync."""
    bare = Client.objects.filter(is_active=False, birth_date__isnull=True, external_reference_id="", added_by=None)
    return bare.filter(sync_state__isnull=True)


def find_erased_ids(client_ids: Collection[int]) -> set[int]:
    """Those of these clients who were erased."""
    if not client_ids:
        return set()
    return set(list_erased_clients().filter(pk__in=client_ids).order_by().values_list("pk", flat=True))
