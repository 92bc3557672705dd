"""What is known of a person before asking: by it an answer that says nothing new is recognised by its bytes alone."""

from collections.abc import Collection
from dataclasses import dataclass

from carefund.records import store
from carefund.records.models import SyncState


@dataclass(frozen=True, slots=True)
class Known:
    """The state of the last apply. `row_counts`: per answer, how many records of each kind it holds."""

    version: int
    digests: dict[str, str]
    row_counts: dict[str, dict[str, int]]
    consent_missing: bool
    service_provider_id: str

    def holds(self, key: str, digest: str) -> bool:
        """Whether this answer is the one last applied, and what it counts is known."""
        return self.digests.get(key) == digest and key in self.row_counts


_KNOWN = ("client_id", "version", "digests", "row_counts", "consent_missing", "client__service_provider_id")


def find_known(client_ids: Collection[int]) -> dict[int, Known]:
    """What is known of these people; those never synchronised are left out."""
    rows = store.read(SyncState, _KNOWN, "client_id", client_ids)
    return {client_id: Known(version, *values) for client_id, version, *values in rows if version}
