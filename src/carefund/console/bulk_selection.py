"""Whom a bulk run is for: from what was chosen on the form, or ticked in the list, to clients and words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import QueryDict

from carefund.console.url_numbers import read_number
from carefund.domain.wording import many
from carefund.records.models import Client
from carefund.records.not_found import Listing
from carefund.runs import bulk_scopes

_MAX_SELECTION = 5000


@dataclass(frozen=True, slots=True)
class Scope:
    """The clients of a run, the scope in words without names or ids of people, and ids that nobody here has."""

    clients: Listing[Client] | list[Client]
    words: str
    unknown_ids: Sequence[str] = ()


def read_selection(data: QueryDict) -> list[int]:
    """The client keys that were ticked in the list."""
    return [number for text in data.getlist("client")[:_MAX_SELECTION] if (number := read_number(text))]


def choose_selection(clients: Listing[Client], number: int) -> Scope:
    """Those who can be synchronised of the clients that were ticked, so many."""
    among, _ = bulk_scopes.choose(among=clients)
    return Scope(among, many(number, "selected client"))


def choose(clients: Listing[Client], data: dict[str, Any]) -> Scope:
    """The scope that a valid form asks for, out of the clients whom the person may read. Raises EmptyFile."""
    if data["scope"] == "file":
        ids = bulk_scopes.read_ids(data["ids_file"].read())
        found, unknown = bulk_scopes.choose_ids(ids)
        number = len(set(ids))
        return Scope(found, f"a file of {many(number, 'ID')}", unknown)
    limits: dict[str, dict[str, Any]] = {
        "provider": {"service_provider_id": data["service_provider_id"]},
        "failed": {"failed": True},
        "older": {"older_than": timedelta(hours=data["hours"] or 0)},
    }
    return Scope(*bulk_scopes.choose(among=clients, **limits.get(data["scope"], {})))
