"""A refresh that brought no budget, in words: what was requested, what came back, and what to do."""

from collections.abc import Iterator
from dataclasses import dataclass

from carefund.console.templatetags.formatting import write_instant
from carefund.domain.wording import write_day
from carefund.sync.care_management.refreshing import Refreshed, ReturnedBudgets


@dataclass(frozen=True, slots=True)
class EmptyPool:
    """Why a Service Provider ID shows no budget; `has_failed` when Services Australia did not answer."""

    has_failed: bool
    message: str
    advice: str
    request: str
    response: tuple[str, ...]


def describe_empty(refreshed: Refreshed) -> EmptyPool:
    """One refresh without an active budget."""
    pool, problem = refreshed.pool, refreshed.problem
    active = "active " if refreshed.closed else ""
    return EmptyPool(
        problem is not None,
        problem.message if problem else f"No {active}care management budget was returned for this quarter.",
        problem.advice if problem else "Check that the Service Provider ID is correct, then try again.",
        f"Budgets of Service Provider ID {pool.service_provider_id}, {pool.quarter.name}, "
        f"at {write_instant(pool.asked_at)}",
        tuple(_list_response(refreshed)),
    )


def _list_response(refreshed: Refreshed) -> Iterator[str]:
    if refreshed.received:
        yield from (_write_row(row) for row in refreshed.received)
    elif refreshed.problem and refreshed.problem.details:
        yield from (detail.message for detail in refreshed.problem.details)
    else:
        yield "A refusal" if refreshed.problem else "No budgets of any type"


def _write_row(row: ReturnedBudgets) -> str:
    if row.start_date is None:
        return f"{row.count:,} × {row.budget_type}"
    end = write_day(row.end_date) if row.end_date else "no end date"
    return f"{row.count:,} × {row.budget_type}, {write_day(row.start_date)} to {end}"
