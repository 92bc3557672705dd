"""What a sync of one person came to, as plain data for ledger, page and terminal."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from carefund.sync.care_recipient.recordsets import RECORD_SETS, Key

_KINDS = tuple(record_set.kind for record_set in RECORD_SETS)


class SyncOutcome(Enum):
    """How the sync of one person ended, when it did not fail."""

    CHANGED = "changed"
    UNCHANGED = "unchanged"
    CONSENT_MISSING = "consent not given"
    SUPERSEDED = "superseded"


@dataclass(frozen=True, slots=True)
class Count:
    """How many records of one kind, by what became of them."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0
    no_longer_returned: int = 0

    @property
    def total(self) -> int:
        return self.new + self.changed + self.unchanged


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One line of the change log: a field that changed, or a record that came or went (then `field` is empty).

    `key` is the record's natural key as texts, after its budget's id where it hangs on one; dates are ISO.
    """

    kind: str
    action: str
    key: Key
    field: str = ""
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one sync did, or in a dry run would do, for one person; `version` is that of the state it rests on."""

    client_id: int
    care_recipient_id: str
    outcome: SyncOutcome
    counts: Mapping[str, Count] = field(default_factory=lambda: dict.fromkeys(_KINDS, Count()))
    warnings: Sequence[str] = ()
    changes: Sequence[FieldChange] = ()
    version: int = 0

    def counts_as_data(self) -> dict[str, dict[str, int]]:
        return {
            kind: {
                "new": count.new,
                "changed": count.changed,
                "unchanged": count.unchanged,
                "no_longer_returned": count.no_longer_returned,
            }
            for kind, count in self.counts.items()
        }
