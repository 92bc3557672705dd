"""A line of the list of clients as the page shows it: every cell in words, so that the table only places them."""

from dataclasses import dataclass
from datetime import datetime

from carefund.console.templatetags.formatting import main_level
from carefund.domain.care_recipient.identity import IdentityState
from carefund.domain.wording import many, write_day
from carefund.records.care_recipient.client_list import ClientRow
from carefund.records.care_recipient.identities import describe_identity
from carefund.records.care_recipient.surveys import Freshness
from carefund.records.models import Client, PaceComparison, ServiceContract, SyncState


@dataclass(frozen=True, slots=True)
class NdisCell:
    """What stands for a client under the NDIS alone in place of level and budgets; the badge is about the contract."""

    plan: str
    badge: str = ""
    tone: str = ""


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
    identity: IdentityState
    ndis: "NdisCell | None" = None

    @property
    def client(self) -> Client:
        return self.row.client

    @property
    def state(self) -> SyncState | None:
        return getattr(self.row.client, "sync_state", None)


def describe_row(
    row: ClientRow, stale_before: datetime, fresh: Freshness, contract: ServiceContract | None = None
) -> ClientLine:
    """One line of the list; what was checked before `stale_before` is old. `contract`: the newest under the NDIS."""
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
        identity=describe_identity(client).check.state,
        ndis=_describe_contract(contract) if is_ndis else None,
    )


def _describe_contract(contract: ServiceContract | None) -> NdisCell:
    if contract is None:
        return NdisCell("No service contract yet")
    plan = f"PACE plan to {write_day(contract.end_date)}" if contract.end_date else "PACE plan without an end date"
    comparison = getattr(contract, "comparison", None)
    if comparison is None or comparison.compared_at is None:
        return NdisCell(plan, "Not compared yet")
    if comparison.outcome == PaceComparison.Outcome.IN_STEP:
        return NdisCell(plan, "Matches PACE", "good")
    if comparison.outcome == PaceComparison.Outcome.DIFFERENT:
        return NdisCell(plan, many(comparison.number_of_differences, "difference"), "warn")
    return NdisCell(plan, "Comparison failed", "bad")
