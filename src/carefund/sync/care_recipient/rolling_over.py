"""Ask the funder to roll over one budget: read, mark, write, and read again before a refusal is believed.

The funder has no idempotency key. So the mark is on the disk before the call, and whoever finds it reads the budget
first; a budget that shows a rollover is never asked for again, whoever rolled it over. That one process at a time works
on a budget is the caller's part. Source: rules SAH-19 and CLAIM-06.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from django.utils import timezone

from carefund.domain.care_recipient.budgets import effects_of, is_closed
from carefund.domain.care_recipient.quarter_close import Readiness
from carefund.domain.quarters import quarter_of
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.claiming import Claiming, ClaimingAnswer, is_uncertain, was_sent
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.funders.services_australia.payloads import Budget
from carefund.records.care_recipient import quarter_close, rollovers
from carefund.records.models import Rollover
from carefund.sync.claims.uploading import Database, describe_error
from carefund.sync.refusal_words import without_values


class NotRolledOver(Exception):
    """The rollover was refused, here or at the funder's; message and advice may go to a log."""

    def __init__(self, code: str, problem: str, advice: str) -> None:
        self.code, self.problem, self.advice = code, problem, advice
        super().__init__(problem)


@dataclass(slots=True)
class RollingOver:
    """What a rollover needs. `keep` is awaited before the write and raises when this process may write no more."""

    source: ServicesAustralia
    database: Database
    keep: Callable[[], Awaitable[None]]

    async def roll_over(self, number: int) -> bool:
        """Bring one rollover to its end; False when the budget had been rolled over before we asked.

        Raises NotRolledOver; FunderError, after which the next try begins by reading; and whatever `keep` raises.
        """
        rollover = await self.database.do(rollovers.find_rollover, number)
        if rollover.state == Rollover.State.REFUSED:
            said = _without_values(rollover, rollover.problem)
            raise NotRolledOver("rollover-refused", said, "Request the rollover again under Quarter close.")
        if rollover.state == Rollover.State.DONE:
            return False
        if await self._is_rolled_over(rollover):
            await self._end(rollover, Rollover.State.DONE)
            return rollover.is_uncertain
        await self._require_ready(rollover)
        await self.keep()
        await self.database.do(rollovers.begin_rollover, rollover, timezone.now())
        try:
            await self._claiming(rollover).roll_over(rollover.plan_budget.budget_id)
        except FunderError as problem:
            await self._doubt(rollover, problem)
        await self._end(rollover, Rollover.State.DONE)
        return True

    async def _doubt(self, rollover: Rollover, problem: FunderError) -> None:
        """Return if a write that ended so was done all the same. A failure to read leaves the mark."""
        if was_sent(problem) and await self._is_rolled_over(rollover):
            return
        if is_uncertain(problem):
            raise problem
        said = describe_error(problem)
        await self._end(rollover, Rollover.State.REFUSED, said)
        advice = "Synchronise the client, then look at the quarter again."
        raise NotRolledOver("rollover-refused", _without_values(rollover, said), advice)

    async def _is_rolled_over(self, rollover: Rollover) -> bool:
        """Whether the funder shows that the budget was split. Raises NotRolledOver if it does not list the budget."""
        budget, client = rollover.plan_budget, rollover.plan_budget.client
        listed = (await self.source.fetch_budgets(client.care_recipient_id or "")).value
        held = next((row for row in listed if row.budget_id == budget.budget_id), None)
        if held is None:
            said = "Services Australia no longer lists this budget."
            await self._end(rollover, Rollover.State.REFUSED, said)
            raise NotRolledOver("budget-gone", said, "Synchronise the client, then look at the quarter again.")
        return _is_split(held)

    async def _require_ready(self, rollover: Rollover) -> None:
        """Refuse where something came in between, such as a claim that is not decided."""
        reason = await self.database.do(_find_reason, rollover)
        if reason is not Readiness.READY:
            said = f"The rollover was not requested: {reason.label.lower()}."
            await self._end(rollover, Rollover.State.REFUSED, said)
            raise NotRolledOver(
                "not-ready", said, "Claim the open services, wait for the decision, then request the rollover again."
            )

    def _claiming(self, rollover: Rollover) -> Claiming:
        async def keep(answer: ClaimingAnswer) -> None:
            await self.database.do(rollovers.store_rollover_answer, rollover, answer.body)

        return Claiming.over(self.source, keep)

    async def _end(self, rollover: Rollover, state: str, problem: str = "") -> None:
        await self.database.do(rollovers.end_rollover, rollover, state, timezone.now(), problem)


def _without_values(rollover: Rollover, said: str) -> str:
    """What Quarter close shows word for word, as it may go to a run and a log."""
    client = rollover.plan_budget.client
    return without_values(said, (client.first_name, client.last_name))


def _is_split(held: Budget) -> bool:
    effects = effects_of(held)
    return is_closed(held.status) or bool(effects.rollover_deduction or effects.write_off)


def _find_reason(rollover: Rollover) -> Readiness:
    today = timezone.localdate()
    end_date = rollover.plan_budget.end_date
    quarter = quarter_of(end_date or today)
    rows = quarter_close.list_closing_rows(quarter, today, budget_keys=[rollover.plan_budget_id])
    reasons = {row.closing.readiness_but_for_request(today) for row in rows}
    return reasons.pop() if reasons else Readiness.NO_FIGURES
