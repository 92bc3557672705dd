"""Write a group of fetched people, all in one transaction; if that cannot be, each stands alone."""

import logging
from collections.abc import Sequence

from carefund.runs import ledger
from carefund.runs.database import DATABASE_TROUBLE
from carefund.runs.dates import business_today
from carefund.runs.ledger import ClaimedItem, LeaseLost
from carefund.sync.applying import apply_fetched
from carefund.sync.fetching import Fetched

log = logging.getLogger(__name__)


def write_group(holder: str, group: Sequence[tuple[ClaimedItem, Fetched]]) -> None:
    """Apply a group in one transaction with its ledger entries. If it cannot be written, each person stands alone.

    Raises OperationalError or InterfaceError when it is the database that is in trouble.
    """
    items = [item for item, _ in group]
    try:
        apply_fetched(
            [answers for _, answers in group],
            business_today(),
            on_applied=lambda results: ledger.record_results(holder, items, results),
        )
    except LeaseLost as lost:
        if left := [entry for entry in group if entry[0].item_id not in lost.item_ids]:
            write_group(holder, left)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 told in the ledger
        if len(group) > 1:
            for entry in group:
                write_group(holder, [entry])
            return
        log.error("the records of a sync could not be written: %s", type(error).__name__)
        ledger.record_failures(holder, [ledger.failure_of(items[0], error)])
