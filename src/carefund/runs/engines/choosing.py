"""Which engine works here: it follows from the database."""

from django.conf import settings

from carefund.runs.engines import embedded, workers
from carefund.runs.engines.embedded import AlreadyRunning

__all__ = ["AlreadyRunning", "serves_alone", "work"]


async def work() -> None:
    """Do the background work of this installation until stopped. Raises AlreadyRunning beside SQLite, NotConfigured."""
    if settings.ON_POSTGRESQL:
        await workers.work()
    else:
        await embedded.work()


def serves_alone() -> bool:
    """Whether `carefund serve` should bring its own background process, since there is no other one."""
    return not settings.ON_POSTGRESQL
