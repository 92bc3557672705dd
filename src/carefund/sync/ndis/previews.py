"""Keep what the NDIA said about a client exactly as it was shown, so that what a person saw is what is written."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from carefund.domain.ndis.plan import PacePlan, from_data, to_data
from carefund.funders.ndia.source import Identity
from carefund.records.archive import ReceivedPage, digest_of
from carefund.records.compression import compress, decompress


class _FrozenPage(msgspec.Struct, array_like=True):
    operation: str
    subject_id: str
    body: bytes
    fetched_at: datetime


class _FrozenPlan(msgspec.Struct, array_like=True):
    identity: tuple[str, str, str]
    plan: dict[str, Any]
    pages: tuple[_FrozenPage, ...]


@dataclass(frozen=True, slots=True)
class RetrievedPlan:
    """Who was asked about, the plan in our own words, and the answers as received."""

    identity: Identity
    plan: PacePlan
    pages: tuple[ReceivedPage, ...]


def freeze_plan(retrieved: RetrievedPlan) -> bytes:
    """Return what was retrieved as bytes to be stored."""
    who = retrieved.identity
    pages = tuple(
        _FrozenPage(page.operation, page.subject_id, bytes(page.body), page.fetched_at) for page in retrieved.pages
    )
    identity = (who.ndis_number, who.surname, who.birth_date.isoformat())
    return compress(msgspec.msgpack.encode(_FrozenPlan(identity, to_data(retrieved.plan), pages)))


def thaw_plan(body: bytes, client_id: int) -> RetrievedPlan:
    """Return what was frozen about a client."""
    frozen = msgspec.msgpack.decode(decompress(body), type=_FrozenPlan)
    number, surname, born = frozen.identity
    return RetrievedPlan(
        Identity(number, surname, datetime.fromisoformat(born).date()),
        from_data(frozen.plan),
        tuple(
            ReceivedPage(
                client_id, page.operation, page.subject_id, 1, digest_of(page.body), page.body,
                page.fetched_at.astimezone(UTC),
            )
            for page in frozen.pages
        ),
    )  # fmt: skip
