"""The rollovers that were asked for, as they are kept: before the funder is asked, with its answer, at their end."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from carefund.domain.care_recipient.quarter_close import Readiness
from carefund.records.care_recipient.quarter_close import ClosingRow
from carefund.records.durability import durable
from carefund.records.models import Rollover
from carefund.records.not_found import find_one
from carefund.records.payload_store import store_payload


def store_rollovers(rows: Sequence[ClosingRow], by: Any) -> list[Rollover]:
    """Keep what was confirmed: a rollover for each row that is ready; one that was asked for before is given again.
    Raises IntegrityError if somebody else just asked."""
    before = [
        row.rollover for row in rows if row.can_be_asked_for and row.readiness is Readiness.ASKED and row.rollover
    ]
    return before + Rollover.objects.bulk_create(
        Rollover(
            plan_budget=row.budget,
            base=row.projection.base,
            amount=row.projection.rollover,
            loss=row.projection.loss,
            asked_by=by,
        )
        for row in rows
        if row.readiness is Readiness.READY and row.projection
    )


def find_rollover(number: int) -> Rollover:
    """A rollover by its number, with its budget and client. Raises NotHere."""
    return find_one(Rollover.objects.select_related("plan_budget__client").filter(pk=number))


def begin_rollover(rollover: Rollover, now: datetime) -> None:
    """Note that the funder is about to be asked, before it is; a power cut does not undo this."""
    with durable():
        Rollover.objects.filter(pk=rollover.pk).update(is_uncertain=True, attempted_at=now)


def store_rollover_answer(rollover: Rollover, body: bytes) -> None:
    """Keep what the funder answered, as it came."""
    with transaction.atomic():
        Rollover.objects.filter(pk=rollover.pk).update(answer=store_payload(body))


def end_rollover(rollover: Rollover, state: str, now: datetime, problem: str = "") -> None:
    """Keep what came of a rollover: that is certain from now on."""
    Rollover.objects.filter(pk=rollover.pk).update(
        state=state, is_uncertain=False, finished_at=now, problem=problem[:300]
    )
