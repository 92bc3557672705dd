"""Whom a bulk run is for: from what was chosen on the form to clients, and to words for the list of runs."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils import timezone

from carefund.records.models import Client
from carefund.runs.models import RunItem

_MAX_SELECTION = 5000


@dataclass(frozen=True, slots=True)
class Scope:
    """The clients of a run, the scope in words without names or ids of people, and ids that nobody here has."""

    clients: QuerySet[Client]
    words: str
    unknown_ids: Sequence[str] = ()


def read_selection(data: QueryDict) -> list[int]:
    """The client keys that were ticked in the list."""
    return [int(text) for text in data.getlist("client")[:_MAX_SELECTION] if text.isdigit()]


def choose(clients: QuerySet[Client], data: dict[str, Any]) -> Scope:
    """The scope that a valid form asks for, out of the clients whom the person may read."""
    known = clients.filter(care_recipient_id__isnull=False)
    active = known.filter(is_active=True)
    scope = data["scope"]
    if scope == "provider":
        service_provider_id = data["service_provider_id"]
        return Scope(
            active.filter(service_provider_id=service_provider_id), f"service provider id {service_provider_id}"
        )
    if scope == "failed":
        return Scope(active.filter(sync_state__outcome=RunItem.Outcome.FAILED), "those whose last sync failed")
    if scope == "older":
        before = timezone.now() - timedelta(hours=data["hours"])
        old = Q(sync_state__checked_at__lt=before) | Q(sync_state__checked_at__isnull=True)
        return Scope(active.filter(old), f"figures older than {data['hours']} hours")
    if scope == "file":
        return _from_file(known, data["ids_file"])
    return Scope(active, "everybody active")


def _from_file(clients: QuerySet[Client], upload: UploadedFile) -> Scope:
    """Ids from the first column of a file in any usual encoding; a heading, blank lines and twins are passed over."""
    text = upload.read().decode("utf-8-sig", errors="replace")
    rows = (row[0].strip() for row in csv.reader(io.StringIO(text)) if row)
    asked = [each for each in dict.fromkeys(rows) if any(character.isdigit() for character in each)]
    found: dict[str, int] = {}
    for start in range(0, len(asked), 500):
        chunk = clients.filter(care_recipient_id__in=asked[start : start + 500])
        found.update(chunk.values_list("care_recipient_id", "pk"))
    unknown = [each for each in asked if each not in found]
    return Scope(
        Client.objects.filter(pk__in=list(found.values())), f"a file of {len(asked):,} ids", unknown_ids=unknown
    )
