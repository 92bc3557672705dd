"""Store what came of a group of items, all in one transaction; if that cannot be, each stands alone."""

from collections.abc import Sequence
from typing import Any

from carefund.runs import ledger
from carefund.runs.database_threads import DATABASE_TROUBLE
from carefund.runs.leases import ClaimedItem, LeaseLost
from carefund.runs.sessions import Session
from carefund.unexpected_errors import note


def write_group(session: Session, group: Sequence[tuple[ClaimedItem, Any]]) -> None:
    """Store a group in one transaction with its ledger entries. If it cannot be written, each item stands alone.

    Raises OperationalError or InterfaceError when it is the database that is in trouble.
    """
    items, answers = [item for item, _ in group], [answer for _, answer in group]
    holder = session.worker.holder
    try:
        if session.kind.store:
            session.kind.store(session, items, answers)
        else:
            ledger.record_outcomes(holder, items, answers)
    except LeaseLost as lost:
        if left := [entry for entry in group if entry[0].item_id not in lost.item_ids]:
            write_group(session, left)
    except DATABASE_TROUBLE:
        raise
    except Exception as error:  # noqa: BLE001 told in the ledger
        if len(group) > 1:
            for entry in group:
                write_group(session, [entry])
            return
        note(f"storing work of kind {session.kind.name}", error, ledger.reference_of(items[0]))
        ledger.record_failures(holder, [ledger.failure_of(items[0], error)], session.kind.failed)
