"""Fetch everything about one care recipient, with no transaction open.

Source: rule SYNC-03. Independent calls go out together when one person waits
for the answer; in a bulk run each person's calls follow one another, since other people fill the waiting time.
"""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

from carefund.domain.care_recipient.budgets import is_open
from carefund.funders.answers import FunderAnswer
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.answers import BadAnswer, WrongPerson
from carefund.funders.errors.people import ConsentMissing, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.services_australia.payloads import Budget, BudgetPeriod
from carefund.records.archive import digest_of_pages
from carefund.sync.care_recipient.answers import (
    ANSWERS,
    BUDGET_LIST,
    AnswerKind,
    CareRecipientSource,
    SyncParts,
    Value,
    find_readers,
    fingerprint,
    in_order,
    key_of,
)
from carefund.sync.care_recipient.details_read import Details, NeverAsked
from carefund.sync.care_recipient.last_applied import LastApplied


@dataclass(frozen=True, slots=True)
class OpenBudgets:
    """The rule for which budgets' usage is read: `today` in the business time zone, `days` after a budget's end."""

    today: date
    days: int

    def __contains__(self, budget: BudgetPeriod) -> bool:
        return is_open(budget.end_date, self.today, self.days)

    @property
    def first_end_date(self) -> date:
        """The earliest end of a budget that counts."""
        return self.today - timedelta(days=self.days)


# The ids of those open budgets whose details shall be asked for.
Choose = Callable[[Sequence[Budget]], Collection[str]]


@dataclass(frozen=True, slots=True)
class Fetched:
    """All answers about one person in the table's order, and when asking began. A part not asked for has no answer.

    `digests` has each answer's, by its key; `reader` is the fingerprint of how they are read. `budget_periods` are the
    listed budgets, as far as must be known of them every day. `known` is what was known before asking. `is_archived`
    tells answers that are only read again from those that just came in; `of_unread`, that details were asked for where
    they never had been, and not for the open budgets. `spared_budget_ids` are open budgets that were not asked about,
    since nothing of them had moved.
    """

    client_id: int
    care_recipient_id: str
    started_at: datetime
    answers: tuple[FunderAnswer[Any], ...]
    digests: Mapping[str, str]
    reader: str
    budget_periods: Sequence[BudgetPeriod] = ()
    refused_budget_ids: tuple[str, ...] = ()
    vanished_budget_ids: tuple[str, ...] = ()
    known: LastApplied | None = None
    is_archived: bool = False
    unreadable_budget_ids: tuple[str, ...] = ()
    of_unread: bool = False
    spared_budget_ids: frozenset[str] = frozenset()

    @property
    def unanswered(self) -> dict[str, str]:
        """How asking for details ended, by the id of each budget whose details did not come."""
        return (
            dict.fromkeys(self.refused_budget_ids, Details.REFUSED.value)
            | dict.fromkeys(self.vanished_budget_ids, Details.NOT_FOUND.value)
            | dict.fromkeys(self.unreadable_budget_ids, Details.UNREADABLE.value)
        )

    def find(self, kind: AnswerKind[Value]) -> FunderAnswer[Value] | None:
        """The answer to this question; None if it was not asked."""
        return next(iter(self.list_all(kind)), None)

    def list_all(self, kind: AnswerKind[Value]) -> list[FunderAnswer[Value]]:
        """The answers to a question that is asked for each budget."""
        return [answer for answer in self.answers if answer.operation == kind.operation]


async def fetch_care_recipient(
    source: CareRecipientSource,
    client_id: int,
    care_recipient_id: str,
    open_budgets: OpenBudgets,
    *,
    parts: SyncParts = SyncParts.EVERYTHING,
    together: bool = True,
    known: LastApplied | None = None,
    choose: Choose | None = None,
) -> Fetched:
    """Everything that the funder says about one person, of open budgets' details only those that `choose` names. Any
    failed call fails the whole; a refusal for want of consent on a budget's details does not, and is told in
    `refused_budget_ids`, nor do details never read before that cannot be read. Raises FunderError."""
    of_unread = parts is SyncParts.UNREAD_BUDGETS
    asking = _Asking(source, known, is_lenient=of_unread)
    wanted = [kind for kind in ANSWERS if parts in kind.parts]
    calls = [partial(asking.ask, kind, care_recipient_id) for kind in wanted if not kind.per_budget]
    await _all(calls, together)
    periods = asking.read_budget_periods()
    chosen = NeverAsked(known or LastApplied()) if of_unread else open_budgets
    budget_ids = dict.fromkeys(budget.budget_id for budget in periods if budget in chosen)
    asked_about = asking.choose(choose, open_budgets) if choose else budget_ids
    calls = [
        partial(asking.ask_about_budget, kind, budget_id)
        for kind in wanted
        if kind.per_budget
        for budget_id in asked_about
    ]
    await _all(calls, together)
    _require_same_person(care_recipient_id, asking.answers)
    return Fetched(
        client_id,
        care_recipient_id,
        asking.started_at,
        in_order(asking.answers),
        asking.digests,
        asking.reader,
        periods,
        tuple(asking.refused_budget_ids),
        tuple(asking.vanished_budget_ids),
        known,
        unreadable_budget_ids=tuple(asking.unreadable_budget_ids),
        of_unread=of_unread,
        spared_budget_ids=asking.spared(budget_ids, asked_about),
    )


def understand(
    client_id: int,
    care_recipient_id: str,
    started_at: datetime,
    answers: Iterable[FunderAnswer[Any]],
    *,
    refused_budget_ids: tuple[str, ...] = (),
    vanished_budget_ids: tuple[str, ...] = (),
    is_archived: bool = False,
) -> Fetched:
    """Answers that were kept, as if they had just come in."""
    ordered = in_order(answers)
    return Fetched(
        client_id,
        care_recipient_id,
        started_at,
        ordered,
        {key_of(answer): digest_of_pages(answer.pages) for answer in ordered},
        fingerprint(),
        next((answer.value for answer in ordered if answer.operation == BUDGET_LIST.operation), ()),
        refused_budget_ids,
        vanished_budget_ids,
        is_archived=is_archived,
    )


class _Asking:
    """What has been answered so far. An answer that is known by its bytes is not decoded.

    Lenient asking goes on when one budget's details cannot be read, so that they are not asked for over and over.
    """

    def __init__(self, source: CareRecipientSource, known: LastApplied | None, *, is_lenient: bool = False) -> None:
        self.started_at = datetime.now(UTC)
        self.reader = fingerprint()
        self.answers: list[FunderAnswer[Any]] = []
        self.digests: dict[str, str] = {}
        self.refused_budget_ids: list[str] = []
        self.vanished_budget_ids: list[str] = []
        self.unreadable_budget_ids: list[str] = []
        self._seen: dict[str, str] = {}  # digests of first pages, not all of which end in an answer
        self._source = source
        self._known = known or LastApplied()
        self._is_lenient = is_lenient

    async def ask(self, kind: AnswerKind[Any], subject_id: str) -> None:
        key = kind.key(subject_id)
        answer = await kind.ask(self._source, subject_id, partial(self._recognise, key))
        is_one_page = len(answer.pages) == 1 and key in self._seen
        self.digests[key] = self._seen[key] if is_one_page else digest_of_pages(answer.pages)
        self.answers.append(answer)

    def _recognise(self, key: str, pages: tuple[bytes, ...]) -> bool:
        self._seen[key] = digest = digest_of_pages(pages)
        return not self._known.find_news({key: digest}, self.reader)

    async def ask_about_budget(self, kind: AnswerKind[Any], budget_id: str) -> None:
        try:
            await self.ask(kind, budget_id)
        except ConsentMissing:
            self.refused_budget_ids.append(budget_id)
        except NotFound:  # listed a moment ago, gone now: say so, and keep what was known of it
            self.vanished_budget_ids.append(budget_id)
        except (BadAnswer, NotPermitted, RequestRejected):  # the list of budgets came, so it is about this one
            if not self._is_lenient:
                raise
            self.unreadable_budget_ids.append(budget_id)

    def read_budget_periods(self) -> Sequence[BudgetPeriod]:
        listed = [answer for answer in self.answers if answer.operation == BUDGET_LIST.operation]
        return find_readers().read_periods(listed[0]) if listed else ()

    def spared(self, open_ones: Iterable[str], asked_about: Collection[str]) -> frozenset[str]:
        """The open budgets that were not asked about; without consent there is nothing to spare."""
        return frozenset() if self.refused_budget_ids else frozenset(open_ones).difference(asked_about)

    def choose(self, choose: Choose, open_budgets: OpenBudgets) -> Collection[str]:
        """The ids that `choose` names of the open budgets listed."""
        [listed] = [answer for answer in self.answers if answer.operation == BUDGET_LIST.operation]
        return choose([budget for budget in listed.value if budget in open_budgets])


def _require_same_person(care_recipient_id: str, answers: Iterable[FunderAnswer[Any]]) -> None:
    """Raise WrongPerson if an answer names somebody else; a record that names nobody is taken as asked for."""
    asked = care_recipient_id.lstrip("0")
    for answer in answers:
        if answer.recognised:  # it was looked at when it was new
            continue
        records = answer.value if isinstance(answer.value, Sequence) else (answer.value,)
        if any(record.care_recipient_id.lstrip("0") not in ("", asked) for record in records):
            raise WrongPerson(operation=answer.operation)


async def _all(calls: Sequence[Callable[[], Coroutine[Any, Any, None]]], together: bool) -> None:
    """Make these calls. One failure ends the rest at once and is raised as it is."""
    if not together:
        for call in calls:
            await call()
        return
    tasks = [asyncio.create_task(call()) for call in calls]
    try:
        await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
