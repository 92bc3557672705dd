"""A line of the list of clients as the page shows it: every cell in words, so that the table only places them."""

from dataclasses import dataclass
from datetime import datetime

from carefund.console.templatetags.formatting import main_level
from carefund.domain.wording import write_day
from carefund.records.care_recipient.client_list import ClientRow
from carefund.records.care_recipient.surveys import Freshness
from carefund.records.models import Client, SyncState


@dataclass(frozen=True, slots=True)
class ClientLine:
    """A client in the list. `mark` stands beside or for the id; the words without an amount or instant are those that
    stand in its place."""

    row: ClientRow
    mark: str
    mark_tone: str
    level: str
    is_level_ended: bool
    without_budget: str
    checked_at: datetime | None
    read_in_full_at: datetime | None
    is_old: bool
    never_checked: bool

    @property
    def client(self) -> Client:
        return self.row.client

    @property
    def state(self) -> SyncState | None:
        return getattr(self.row.client, "sync_state", None)


def describe_row(row: ClientRow, stale_before: datetime, fresh: Freshness) -> ClientLine:
    """One line of the list; what was checked before `stale_before` is old."""
    client = row.client
    checked_at = fresh.checked_at
    is_ndis = client.is_under_ndis_alone
    ended = row.level_ended_date
    return ClientLine(
        row,
        mark="NDIS" if is_ndis else "" if client.care_recipient_id else "Not known",
        mark_tone="info" if is_ndis else "warn",
        level=f"Ended {write_day(ended)}" if ended else main_level(row.classifications) or "–",
        is_level_ended=ended is not None,
        without_budget="No home support budget" if checked_at else "–",
        checked_at=checked_at or (client.ndis.asked_at if is_ndis else None),
        read_in_full_at=fresh.read_in_full_before,
        is_old=checked_at is not None and checked_at < stale_before,
        never_checked=not is_ndis,
    )
