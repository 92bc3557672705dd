"""What a sync comes to for one person, as data."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from carefund.domain.care_recipient.identity import PersonDetails
from carefund.domain.comparison import Differences, Incoming
from carefund.records.archive import ReceivedPage
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.last_applied import LastApplied
from carefund.sync.care_recipient.plan_assignment import Filing
from carefund.sync.care_recipient.results import SyncOutcome, SyncResult
from carefund.sync.care_recipient.stored_rows import StoredPerson


@dataclass(frozen=True, slots=True)
class Compared:
    """What came of the answers that are news, and how it differs from what is stored, per kind of record. `identity`:
    who the funder says the person is, None where that is no news."""

    incoming: Mapping[str, Sequence[Incoming]] = field(default_factory=dict)
    differences: Mapping[str, Differences] = field(default_factory=dict)
    identity: PersonDetails | None = None


@dataclass(frozen=True, slots=True)
class Filed:
    """The person's plans, and per kind the rows that move to another one; `filing` is None where all stays as it is."""

    filing: Filing | None = None
    moves: Mapping[str, Sequence[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decision:
    """Everything that a sync comes to for one person: what to write, and what to say of it.

    `known` is what is known of the person once this is applied, the same as before if nothing is to be written but the
    time of the check.
    """

    stored: StoredPerson
    fetched: Fetched
    known: LastApplied
    result: SyncResult
    compared: Compared = Compared()
    filed: Filed = Filed()
    pages: tuple[ReceivedPage, ...] = ()

    @property
    def is_superseded(self) -> bool:
        """Whether a later fetch was applied already, so that nothing of this one is written."""
        return self.result.outcome is SyncOutcome.SUPERSEDED

    @property
    def service_provider_id(self) -> str | None:
        """The client's new service provider id; None where it stays."""
        after = self.known.service_provider_id
        return after if after != self.stored.known.service_provider_id else None
