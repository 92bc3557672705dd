"""What both engines do with a run that is waiting: carry it as far as it goes, whatever happens on the way."""

import asyncio
import contextlib
import gc
import logging

from django.db import DatabaseError, InterfaceError

from carefund.funders.errors.root import FunderError
from carefund.runs.call_counts import store_call_counts_seldom
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.models import Run
from carefund.runs.requests import hold_run
from carefund.unexpected_errors import note

log = logging.getLogger(__name__)
AFTER_TROUBLE_SECONDS = 2.0
_NEW_OBJECTS = 50_000


async def carry_out(worker: Worker, run_id: int, *, items: int | None = None) -> None:
    """Work on one run; never raises. What goes wrong is recorded in the run, or in the log if it is the database."""
    reason = ""
    try:
        await work_on_run(worker, run_id, items=items)
    except Run.DoesNotExist:
        return
    except (DatabaseError, InterfaceError) as error:
        log.error("the database refused a run's work (%s); it goes on when that is over", type(error).__name__)
        await rest(worker.stopping, AFTER_TROUBLE_SECONDS)
    except FunderError as error:
        log.error("a run stopped: %s", error)
        reason = f"{error.message} {error.advice}"
    except Exception as error:  # noqa: BLE001 told in the run; the next one may fare better
        reference = note("a run", error, f"run-{run_id}")
        reason = f"An unexpected {type(error).__name__} stopped this run. Nothing is lost. Resume it to try again."
        reason += f" Find reference {reference} in the log."
    with contextlib.suppress(DatabaseError, InterfaceError):
        if reason:
            await worker.database.do(hold_run, run_id, reason)
        await worker.database.do(store_call_counts_seldom)


def collect_seldom() -> None:
    """For a process that does nothing but runs: they make millions of objects that live shortly and hardly any cycle,
    so what is loaded is kept out of the collector's sight, and it looks at the rest seldom (docs/performance.md)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS, 20, 50)


async def rest(stopping: asyncio.Event, seconds: float) -> None:
    """Wait, but not beyond a stop."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stopping.wait(), seconds)
