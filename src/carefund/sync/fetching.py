"""Fetch everything about one care recipient, with no transaction open.

Source: rule SYNC-03. Independent calls go out together when one person waits
for the answer; in a bulk run each person's calls follow one another, since other people fill the waiting time.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from typing import Any, Protocol

from carefund.domain.budgets import is_open
from carefund.funders.answers import Answer, Recognise
from carefund.funders.errors import ConsentMissing, NotFound, WrongPerson
from carefund.funders.services_australia.client import budget_periods
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    BudgetPeriod,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.sync.known import Known, answer_key, digest_pages


class Parts(Enum):
    """What of a person is synchronised."""

    EVERYTHING = "everything"
    CONTRIBUTIONS = "contributions"
    BUDGETS = "budgets"
    BUDGETS_AND_USAGE = "budgets and usage"

    @property
    def with_summary(self) -> bool:
        return self is Parts.EVERYTHING

    @property
    def with_contributions(self) -> bool:
        return self in (Parts.EVERYTHING, Parts.CONTRIBUTIONS)

    @property
    def with_budgets(self) -> bool:
        return self is not Parts.CONTRIBUTIONS

    @property
    def with_usage(self) -> bool:
        return self in (Parts.EVERYTHING, Parts.BUDGETS_AND_USAGE)


class CareRecipientSource(Protocol):
    """What the engine asks of a funder's client."""

    async def fetch_care_recipient_summary(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[CareRecipientSummary]: ...

    async def fetch_individual_contributions(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[Sequence[IndividualContribution]]: ...

    async def fetch_budgets(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[Sequence[Budget]]: ...

    async def fetch_budget_details(
        self, budget_id: str, recognise: Recognise | None = None
    ) -> Answer[BudgetDetails]: ...


@dataclass(frozen=True, slots=True)
class OpenBudgets:
    """The rule for which budgets' usage is read: `today` in the business time zone, `days` after a budget's end."""

    today: date
    days: int

    def __contains__(self, budget: BudgetPeriod) -> bool:
        return is_open(budget.end_date, self.today, self.days)


@dataclass(slots=True)
class Fetched:
    """All answers about one person, and when asking began. None stands for a part that was not asked for.

    `known` is what was known before asking; `digests` has those answers that were recognised by it.
    """

    client_id: int
    care_recipient_id: str
    started_at: datetime
    summary: Answer[CareRecipientSummary] | None = None
    contributions: Answer[Sequence[IndividualContribution]] | None = None
    budgets: Answer[Sequence[Budget]] | None = None
    details: list[Answer[BudgetDetails]] = field(default_factory=list)
    refused_budget_ids: list[str] = field(default_factory=list)
    vanished_budget_ids: list[str] = field(default_factory=list)
    known: Known | None = None
    digests: dict[str, str] = field(default_factory=dict)
    _budget_periods: Sequence[BudgetPeriod] | None = None

    @property
    def budget_periods(self) -> Sequence[BudgetPeriod]:
        """The listed budgets, as far as must be known of them every day; none when they were not asked for."""
        if self._budget_periods is None:
            self._budget_periods = budget_periods(self.budgets) if self.budgets else ()
        return self._budget_periods

    @property
    def answers(self) -> list[Answer[Any]]:
        return [answer for answer in (self.summary, self.contributions, self.budgets) if answer] + self.details

    @property
    def says_nothing_new(self) -> bool:
        """Whether every answer is one that was known before asking."""
        if self.refused_budget_ids or self.vanished_budget_ids:
            return False
        return len(self.digests) == len(self.answers)

    def recogniser(self, operation: str, subject_id: str = "") -> Recognise | None:
        """Tells whether an answer to this question is known, so that it need not be decoded."""
        known = self.known
        if known is None:
            return None
        key = answer_key(operation, subject_id)

        def recognise(pages: tuple[bytes, ...]) -> bool:
            digest = digest_pages(pages)
            if not known.holds(key, digest):
                return False
            self.digests[key] = digest
            return True

        return recognise


async def fetch_care_recipient(
    source: CareRecipientSource,
    client_id: int,
    care_recipient_id: str,
    open_budgets: OpenBudgets,
    *,
    parts: Parts = Parts.EVERYTHING,
    together: bool = True,
    known: Known | None = None,
) -> Fetched:
    """Everything that the funder says about one person. Any failed call fails the whole; a refusal for want of consent
    on a budget's details does not, and is told in `refused_budget_ids`. Raises FunderError."""
    fetched = Fetched(client_id, care_recipient_id, datetime.now(UTC), known=known)
    summary, contributions, budgets = (
        partial(fetch, care_recipient_id, fetched.recogniser(operation))
        for operation, fetch in (
            ("care_recipient_summary", source.fetch_care_recipient_summary),
            ("individual_contribution", source.fetch_individual_contributions),
            ("budgets_by_care_recipient", source.fetch_budgets),
        )
    )
    fetched.summary, fetched.contributions, fetched.budgets = await _all(
        [
            summary if parts.with_summary else _nothing,
            contributions if parts.with_contributions else _nothing,
            budgets if parts.with_budgets else _nothing,
        ],
        together,
    )
    for answer in fetched.answers:
        if not answer.pages and (recognise := fetched.recogniser(answer.operation)):
            recognise(())  # "nothing found" has no bytes to be recognised by on arrival
    if parts.with_usage:
        wanted = dict.fromkeys(budget.budget_id for budget in fetched.budget_periods if budget in open_budgets)
        await _all([partial(_fetch_details, source, fetched, budget_id) for budget_id in wanted], together)
        fetched.details.sort(key=lambda answer: answer.subject_id)
    _require_same_person(fetched)
    return fetched


def _require_same_person(fetched: Fetched) -> None:
    """Raise WrongPerson if an answer names somebody else; a record that names nobody is taken as asked for."""
    asked = fetched.care_recipient_id.lstrip("0")
    for answer in fetched.answers:
        if answer.recognised:  # it was looked at when it was new
            continue
        records = answer.value if isinstance(answer.value, Sequence) else (answer.value,)
        if any(record.care_recipient_id.lstrip("0") not in ("", asked) for record in records):
            raise WrongPerson(operation=answer.operation)


async def _fetch_details(source: CareRecipientSource, fetched: Fetched, budget_id: str) -> None:
    try:
        fetched.details.append(
            await source.fetch_budget_details(budget_id, fetched.recogniser("budget_details", budget_id))
        )
    except ConsentMissing:
        fetched.refused_budget_ids.append(budget_id)
    except NotFound:  # listed a moment ago, gone now: say so, and keep what was known of it
        fetched.vanished_budget_ids.append(budget_id)


async def _nothing() -> None:
    return None


async def _all(calls: Sequence[Callable[[], Coroutine[Any, Any, Any]]], together: bool) -> list[Any]:
    """The results in order. One failure ends the rest at once and is raised as it is."""
    if not together:
        return [await call() for call in calls]
    tasks = [asyncio.create_task(call()) for call in calls]
    try:
        return list(await asyncio.gather(*tasks))
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
