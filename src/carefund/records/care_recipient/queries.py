"""Reads across people: who needs attention, branches, matches that wait, devices.

The list of clients is in client_list.py, what is known of one person's funding in funding.py. Nothing here writes, and
nothing here asks whether the reader may: callers hand in the clients that the gate gave them.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from carefund.records.care_recipient.client_list import is_stale
from carefund.records.models import Client, ClientMatch, Plan, ServiceProvider, SyncState
from carefund.records.models.devices import ProdaDevice


def list_waiting_matches(clients: QuerySet[Client]) -> QuerySet[ClientMatch]:
    """Rows of provider files that may be one of these clients, and wait for a person to say so."""
    waiting = ClientMatch.objects.filter(verdict=ClientMatch.Verdict.WAITING, client__in=clients)
    return waiting.select_related("client").order_by("last_name", "first_name", "id")


def is_service_provider_known(service_provider_id: str) -> bool:
    """Whether this is the id of one of our branches."""
    return list_service_providers().filter(service_provider_id=service_provider_id).exists()


def list_branches_of_clients() -> list[str]:
    """The service provider ids that clients have, in order."""
    ids = Client.objects.exclude(service_provider_id="").order_by().values_list("service_provider_id", flat=True)
    return sorted(ids.distinct())


def has_plan(client: Client) -> bool:
    """Whether a sync has made a Support at Home plan for somebody."""
    return Plan.objects.filter(client=client, is_latest=True).exists()


def is_consent_missing(client: Client) -> bool:
    """Whether the last sync of somebody was refused details for want of consent."""
    return SyncState.objects.filter(client=client, consent_missing=True).exists()


def list_service_providers() -> QuerySet[ServiceProvider]:
    """Every branch that Services Australia ever named."""
    return ServiceProvider.objects.order_by("service_provider_id")


def find_branch_names() -> dict[str, str]:
    """Return what people call each branch, with its ID, by that ID."""
    return {branch.service_provider_id: branch.name_with_id for branch in list_service_providers()}


def name_branch(service_provider_id: str) -> str:
    """Return what people call a branch, with its ID; the ID alone where no name is known."""
    branch = ServiceProvider.objects.filter(service_provider_id=service_provider_id).first()
    return branch.name_with_id if branch else service_provider_id


@dataclass(frozen=True, slots=True)
class Attention:
    """How many active clients need somebody: their last sync failed, consent is missing, or the figures are old."""

    failed: int
    consent_missing: int
    stale: int
    total: int


def find_attention(clients: QuerySet[Client], stale_before: datetime) -> Attention:
    """What needs attention among these clients."""
    counted = clients.filter(is_active=True).aggregate(
        total=Count("pk"),
        failed=Count("pk", filter=Q(sync_state__outcome="failed")),
        consent_missing=Count("pk", filter=Q(sync_state__consent_missing=True)),
        stale=Count("pk", filter=is_stale(stale_before)),
    )
    return Attention(**counted)


def list_devices() -> QuerySet[ProdaDevice]:
    """The PRODA devices of this installation, without their secrets."""
    return ProdaDevice.objects.defer("secrets").order_by("environment", "organisation_id", "device_name")
