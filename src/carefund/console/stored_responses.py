"""Stored responses of a funder as a table shows them: those behind a client's funding and those behind a claim."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """One line of the table. `anchor` is the id that figures link to, `evidence` the address of the download."""

    anchor: str
    operation: str
    subject_id: str
    received_at: datetime
    digest: str
    evidence: str
    same_until: datetime | None = None
