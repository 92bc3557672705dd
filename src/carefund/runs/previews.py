"""Preview before apply: the engine fetches and compares, a person looks, and exactly that is applied, or refused.

A preview is asked for like any other run and leaves its mark in the ledger; it just writes no record.
"""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from carefund.access.gate import may_read_branch
from carefund.records.models import Client
from carefund.records.not_found import find_one
from carefund.runs import ledger
from carefund.runs.business_day import business_today
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Preview, Run, RunItem
from carefund.runs.requests import request_run
from carefund.sync.care_recipient.fetching import Fetched
from carefund.sync.care_recipient.previews import ReadOtherwise, freeze, thaw
from carefund.sync.care_recipient.results import FieldChange, SyncOutcome, SyncResult
from carefund.sync.care_recipient.syncing import DataMoved, apply_fetched, preview_fetched

FROZEN = "This client is inactive, so their records are frozen."


class CannotApply(Exception):
    """The preview was applied already, the client is inactive, or the data moved since it was made: look again."""


def request_preview(client: Client, requested_by: User | None = None) -> Run:
    """Ask for a preview of one client's sync."""
    return request_run(
        trigger=Run.Trigger.ON_DEMAND,
        clients=[client],
        scope="preview of one client",
        requested_by=requested_by,
        is_preview=True,
    )


def record_preview(holder: str, item: ClaimedItem, fetched: Fetched) -> None:
    """Compare and keep what was fetched, with the ledger's entry, in one transaction."""
    with transaction.atomic():
        result = preview_fetched(fetched, business_today())
        ledger.record_results(holder, [item], [result])
        Preview.objects.create(
            item_id=item.item_id,
            version=result.version,
            changes=[asdict(change) for change in result.changes],
            fetch=freeze(fetched),
        )


def find_preview(item: RunItem) -> Preview | None:
    """What was found to show for an item, None when it is gone."""
    return Preview.objects.filter(item=item).first()


def find_preview_to_apply(run_id: int, client: Client) -> Preview:
    """What a run found to show of a client. Raises NotHere."""
    return find_one(Preview.objects.select_related("item__run").filter(item__run_id=run_id, item__client=client))


def changes_of(preview: Preview) -> list[FieldChange]:
    """Every field that applying would change."""
    return [FieldChange(**{**change, "key": tuple(change["key"])}) for change in preview.changes]


def may_see_changes(user: User, changes: Sequence[FieldChange]) -> bool:
    """Whether somebody may see what a preview found: not where it would move the client to a branch of others."""
    moves = [change.after for change in changes if change.kind == "client" and change.field == "service_provider_id"]
    return all(may_read_branch(user, branch or "") for branch in moves)


def apply_preview(preview: Preview, requested_by: User | None = None) -> RunItem:
    """Apply exactly what was reviewed; a run of its own in the ledger. Raises CannotApply, then nothing is written."""
    client_id = preview.item.client_id
    now = timezone.now()
    try:
        with transaction.atomic():
            fresh = Preview.objects.filter(pk=preview.pk, applied_at__isnull=True).update(applied_at=now)
            if not fresh or client_id is None:
                raise CannotApply("This preview has already been applied.")
            if not Client.objects.filter(pk=client_id, is_active=True).exists():
                raise CannotApply(f"{FROZEN} Make the client active under Edit client, then preview again.")
            run = Run.objects.create(
                trigger=Run.Trigger.ON_DEMAND,
                scope="reviewed preview",
                requested_by=requested_by,
                status=Run.Status.FINISHED,
                total=1,
                started_at=now,
            )
            item = RunItem.objects.create(
                run=run,
                client_id=client_id,
                care_recipient_id=preview.item.care_recipient_id,
                holds=preview.item.holds,
                started_at=now,
            )
            _apply(preview, item)
            Run.objects.filter(pk=run.pk).update(finished_at=timezone.now())
    except (DataMoved, ReadOtherwise):
        raise CannotApply("The records have changed since this preview. Preview the changes again.") from None
    item.refresh_from_db()
    return item


def _apply(preview: Preview, item: RunItem) -> None:
    def record(results: Sequence[SyncResult]) -> None:
        result = results[0]
        if result.outcome is SyncOutcome.SUPERSEDED:
            raise DataMoved
        values: dict[str, Any] = {
            "status": RunItem.Status.DONE,
            "outcome": result.outcome.value,
            "counts": result.counts_as_data(),
            "warnings": result.warnings,
            "finished_at": timezone.now(),
        }
        RunItem.objects.filter(pk=item.pk).update(**values)

    apply_fetched([thaw(bytes(preview.fetch))], business_today(), on_applied=record, expected_version=preview.version)
