"""One care recipient in step with the funder: fetch, compare, apply. Here it can be read in one piece.

`sync_care_recipient` does all three for one person. A run of many takes the same steps in another rhythm: it fetches
many people at once, and compares and applies them in groups, each in one transaction. A fetch that began earlier than
the one last applied is superseded and writes nothing, so an older answer never overwrites a newer one.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any, Protocol, TypeVar

from django.db import transaction

from carefund.records.models import Client
from carefund.sync.care_recipient.answers import CareRecipientSource, SyncParts, fingerprint
from carefund.sync.care_recipient.applying import write_decisions
from carefund.sync.care_recipient.deciding import decide
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets, fetch_care_recipient
from carefund.sync.care_recipient.last_applied import find_last_applied
from carefund.sync.care_recipient.reprocessing import reprocess
from carefund.sync.care_recipient.results import SyncResult
from carefund.sync.care_recipient.stored_rows import read_people

Result = TypeVar("Result")
Applied = Callable[[Sequence[SyncResult]], None]


class InDatabase(Protocol):
    """Runs a function where the database may be used, such as a thread with a connection of its own."""

    def __call__(self, work: Callable[..., Result], *arguments: Any) -> Awaitable[Result]: ...


class DataMoved(Exception):
    """What was reviewed is no longer what is stored, so it was not applied."""


async def sync_care_recipient(
    source: CareRecipientSource,
    in_database: InDatabase,
    client: Client,
    open_budgets: OpenBudgets,
    *,
    parts: SyncParts = SyncParts.EVERYTHING,
    dry_run: bool = False,
) -> SyncResult:
    """Return what one person's sync did, or with `dry_run` would do. Raise FunderError; then nothing has changed."""
    known = (await in_database(find_last_applied, [client.pk])).get(client.pk)
    fetched = await fetch_care_recipient(
        source, client.pk, client.care_recipient_id or "", open_budgets, parts=parts, known=known
    )
    if dry_run:
        return await in_database(preview_fetched, fetched, open_budgets.today)
    [result] = await in_database(apply_fetched, [fetched], open_budgets.today)
    return result


def apply_fetched(
    batch: Sequence[Fetched],
    today: date,
    *,
    on_applied: Applied | None = None,
    expected_version: int | None = None,
) -> list[SyncResult]:
    """Compare a batch of fetches with what is stored and write what differs, all of it or nothing.

    `on_applied` runs inside the transaction, so that a ledger says "done" exactly when the rows say so. With
    `expected_version` (for a batch of one) raise DataMoved if something was applied since it was read.
    """
    with transaction.atomic():
        people = read_people(batch, lock=True)
        if expected_version is not None and any(person.known.version != expected_version for person in people.values()):
            raise DataMoved
        outdated = [person.client_id for person in people.values() if person.is_read_otherwise(fingerprint())]
        if outdated:  # first what Carefund reads otherwise, so that the rest is the funder's news
            reprocess(outdated, today)
            people = read_people(batch, lock=True)
        decisions = [decide(people[fetched.client_id], fetched, today) for fetched in batch]
        write_decisions(decisions, datetime.now(UTC), today)
        results = [decision.result for decision in decisions]
        if on_applied:
            on_applied(results)
    return results


def preview_fetched(fetched: Fetched, today: date) -> SyncResult:
    """What applying this fetch would do, every changed field of it; writes nothing."""
    with transaction.atomic():  # one consistent look at the tables
        people = read_people([fetched])
    return decide(people[fetched.client_id], fetched, today).result
