"""The answers that a care recipient sync is made of, one entry each: asked for, read, kept and compared by this table.

What is fetched, decided, frozen with a preview, shown as of a day and reprocessed after an upgrade follows from the
entries. How answers become records is summed up in a fingerprint: where it differs from the one that a person's records
were written under, the archived answers are read again.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from functools import cached_property, lru_cache
from hashlib import sha256
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar

from django.conf import settings

from carefund.domain.care_recipient.identity import COMPARISON_REVISION
from carefund.funders.answers import FunderAnswer, Recognise
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia import operations
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.funders.services_australia.readers import ListReader, Readers, RecordReader, readers_for
from carefund.records.archive import ArchivedPage
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet

# Raise it when the same types and columns are read, compared or rounded otherwise than before.
_REVISION = 2
Value = TypeVar("Value")


class CareRecipientSource(Protocol):
    """What the engine asks of a funder's client."""

    async def fetch_care_recipient_summary(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[CareRecipientSummary]: ...

    async def fetch_individual_contributions(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[Sequence[IndividualContribution]]: ...

    async def fetch_budgets(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[Sequence[Budget]]: ...

    async def fetch_budget_details(
        self, budget_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[BudgetDetails]: ...


class SyncParts(Enum):
    """What of a person is synchronised."""

    EVERYTHING = "everything"
    CONTRIBUTIONS = "contributions"
    BUDGETS = "budgets"
    BUDGETS_AND_USAGE = "budgets and usage"
    UNREAD_BUDGETS = "unread budgets"


Ask = Callable[[CareRecipientSource, str, Recognise | None], Coroutine[Any, Any, FunderAnswer[Value]]]


@dataclass(frozen=True)
class AnswerKind(Generic[Value]):
    """One question about a person: how it is asked and read, in which parts of a sync, and the records that it brings.

    With `per_budget` it is asked for each open budget (of the parts "unread budgets": for each that was never asked
    about), by the budget's id; else once, by the person's.
    """

    operation: str
    parts: frozenset[SyncParts]
    ask: Ask[Value]
    reader: Callable[[Readers], RecordReader[Any] | ListReader[Any]]
    per_budget: bool = False

    @cached_property
    def record_sets(self) -> tuple[RecordSet, ...]:
        """The kinds of record that an answer brings."""
        return tuple(record_set for record_set in RECORD_SETS if record_set.operation == self.operation)

    def key(self, budget_id: str = "") -> str:
        """By which an answer's digest is kept: the question without the person."""
        return f"{self.operation}:{budget_id}" if self.per_budget else self.operation

    def count(self, value: Value) -> dict[str, int]:
        """How many records of each kind an answer holds."""
        return {record_set.kind: len(record_set.payloads_in(value)) for record_set in self.record_sets}


SUMMARY: AnswerKind[CareRecipientSummary] = AnswerKind(
    operations.CARE_RECIPIENT_SUMMARY,
    parts=frozenset({SyncParts.EVERYTHING}),
    ask=lambda source, care_recipient_id, recognise: source.fetch_care_recipient_summary(care_recipient_id, recognise),
    reader=lambda readers: readers.summary,
)
CONTRIBUTIONS: AnswerKind[Sequence[IndividualContribution]] = AnswerKind(
    operations.INDIVIDUAL_CONTRIBUTION,
    parts=frozenset({SyncParts.EVERYTHING, SyncParts.CONTRIBUTIONS}),
    ask=lambda source, care_recipient_id, recognise: source.fetch_individual_contributions(
        care_recipient_id, recognise
    ),
    reader=lambda readers: readers.contributions,
)
BUDGET_LIST: AnswerKind[Sequence[Budget]] = AnswerKind(
    operations.BUDGETS_BY_CARE_RECIPIENT,
    parts=frozenset({SyncParts.EVERYTHING, SyncParts.BUDGETS, SyncParts.BUDGETS_AND_USAGE, SyncParts.UNREAD_BUDGETS}),
    ask=lambda source, care_recipient_id, recognise: source.fetch_budgets(care_recipient_id, recognise),
    reader=lambda readers: readers.budgets,
)
BUDGET_DETAILS: AnswerKind[BudgetDetails] = AnswerKind(
    operations.BUDGET_DETAILS,
    parts=frozenset({SyncParts.EVERYTHING, SyncParts.BUDGETS_AND_USAGE, SyncParts.UNREAD_BUDGETS}),
    ask=lambda source, budget_id, recognise: source.fetch_budget_details(budget_id, recognise),
    reader=lambda readers: readers.details,
    per_budget=True,
)

ANSWERS: tuple[AnswerKind[Any], ...] = (SUMMARY, CONTRIBUTIONS, BUDGET_LIST, BUDGET_DETAILS)
_PLACES = {kind.operation: place for place, kind in enumerate(ANSWERS)}
_BY_OPERATION = {kind.operation: kind for kind in ANSWERS}


def kind_of(operation: str) -> AnswerKind[Any]:
    """The entry of an operation."""
    return _BY_OPERATION[operation]


def key_of(answer: FunderAnswer[Any]) -> str:
    """By which this answer's digest is kept."""
    return kind_of(answer.operation).key(answer.subject_id)


def in_order(answers: Iterable[FunderAnswer[Any]]) -> tuple[FunderAnswer[Any], ...]:
    """One person's answers in the order of the table, and of the budgets' ids."""
    return tuple(sorted(answers, key=lambda answer: (_PLACES[answer.operation], answer.subject_id)))


def find_readers() -> Readers:
    """The readers of this installation, with its own spellings and its funder's dialect."""
    configuration = settings.SERVICES_AUSTRALIA
    return readers_for(configuration.spellings, configuration.interfaces.dialect)


def read_answer(operation: str, subject_id: str, pages: tuple[bytes, ...], fetched_at: datetime) -> FunderAnswer[Any]:
    """An answer as it is read today, from the bytes that came in at `fetched_at`. Raises FunderError."""
    value = kind_of(operation).reader(find_readers()).read(pages)
    return FunderAnswer(operation, subject_id, pages, value, fetched_at)


def read_archived(pages: Iterable[ArchivedPage], unreadable: list[str] | None = None) -> Iterator[FunderAnswer[Any]]:
    """One person's archived answers, given in the order of question and page.

    Where one can no longer be read, since it holds what no field can hold: raise FunderError, or, given `unreadable`,
    leave it out and add there why.
    """
    for (operation, subject_id), group in groupby(pages, key=lambda page: (page.operation, page.subject_id)):
        kept = list(group)
        bodies = tuple(page.body for page in kept if page.body)  # "not found" was kept as one empty page
        try:
            yield read_answer(operation, subject_id, bodies, kept[0].current_from)
        except FunderError as problem:
            if unreadable is None:
                raise
            unreadable.append(str(problem))


def fingerprint() -> str:
    """How answers become records today, as one short text: the payload types with their members, types and spellings,
    the columns that record sets compare and store, and the rules by which identities are compared."""
    return _fingerprint_of(find_readers(), COMPARISON_REVISION)


@lru_cache(maxsize=8)
def _fingerprint_of(readers: Readers, comparison_revision: int) -> str:
    described = [str(_REVISION), f"identity {comparison_revision}"]
    described += [f"{kind.operation} {kind.reader(readers).rows.description}" for kind in ANSWERS]
    described += [record_set.description for record_set in RECORD_SETS]
    return sha256("\n".join(described).encode()).hexdigest()[:32]
