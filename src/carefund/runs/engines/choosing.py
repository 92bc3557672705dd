"""Which engine works here: it follows from the database. The other one is not even imported."""

from django.conf import settings

from carefund.runs.engines.embedded import AlreadyRunning

if settings.ON_POSTGRESQL:
    from carefund.runs.engines.workers import work as _work
else:
    from carefund.runs.engines.embedded import work as _work

__all__ = ["AlreadyRunning", "serves_alone", "work"]


async def work() -> None:
    """Do the background work of this installation until stopped. Raises AlreadyRunning beside SQLite, NotConfigured."""
    await _work()


def serves_alone() -> bool:
    """Whether `carefund serve` should bring its own background process, since there is no other one."""
    return not settings.ON_POSTGRESQL
