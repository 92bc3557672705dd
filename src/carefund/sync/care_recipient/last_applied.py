"""What is known of a person: the answers last applied, how they were read, and what they came to.

By it an answer that says nothing new is recognised by its bytes alone, before it is decoded.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from carefund.records import synced_tables
from carefund.records.models import SyncState


@dataclass(frozen=True, slots=True)
class LastApplied:
    """The state of the last apply; version 0: nothing was applied yet.

    `digests` and `row_counts` are per answer, by its key: the digest of its bytes, and how many records of each kind it
    holds. `reader` is the fingerprint of how these answers were read. `wrong_figures` counts budgets that do not add
    up. `unanswered` has, by budget id, how asking for details ended where nothing was ever read, and `unread_budgets`
    counts the listed budgets never asked about; None: not counted yet.
    """

    version: int = 0
    digests: Mapping[str, str] = field(default_factory=dict)
    row_counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    reader: str = ""
    wrong_figures: int = 0
    consent_missing: bool = False
    unanswered: Mapping[str, str] = field(default_factory=dict)
    unread_budgets: int | None = None
    service_provider_id: str = ""

    def find_news(self, digests: Mapping[str, str], reader: str) -> set[str]:
        """Return the keys of those answers that are not the ones last applied, or are read otherwise than then.

        This alone decides what is unchanged: before an answer is decoded, when it is compared, and when it is counted.
        """
        if self.reader != reader:
            return set(digests)
        if digests.items() <= self.digests.items():  # nearly everybody, so without a loop
            return set()
        return {key for key, digest in digests.items() if self.digests.get(key) != digest}


COLUMNS = (
    "version", "digests", "row_counts", "reader", "wrong_figures", "consent_missing", "unanswered", "unread_budgets",
)  # fmt: skip
_READ = ("client_id", *COLUMNS, "client__service_provider_id")


def find_last_applied(client_ids: Collection[int]) -> dict[int, LastApplied]:
    """Return what is known of these people; those never synchronised are left out."""
    rows = synced_tables.read(SyncState, _READ, "client_id", client_ids)
    return {client_id: LastApplied(version, *values) for client_id, version, *values in rows if version}
