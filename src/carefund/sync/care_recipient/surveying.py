"""Surveys: read what a provider's lists say of many people, and check a person's own answers against it. No SQL.

What is kept of a row is a digest, never the row. Source: rule SYNC-19.
"""

from collections.abc import AsyncIterator, Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Protocol

import msgspec

from carefund.domain.care_recipient.clients import name_key
from carefund.domain.care_recipient.surveys import (
    Listing,
    Sighting,
    compare_figures,
    digest_of,
    figure_of,
    is_of,
)
from carefund.funders.answers import FunderAnswer
from carefund.funders.decoding import Fingerprint
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.errors.root import FunderError
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.funders.unreadable import UnreadableRow
from carefund.sync.care_recipient.answers import BUDGET_DETAILS, BUDGET_LIST, CONTRIBUTIONS, SUMMARY
from carefund.sync.care_recipient.fetching import Fetched, OpenBudgets

_encode = msgspec.msgpack.Encoder(decimal_format="string").encode


class ListSource(Protocol):
    """What a survey asks of the funder's client: pages, one after the other."""

    @property
    def summaries_as_read(self) -> str: ...

    def walk_summaries(
        self, service_provider_id: str, fingerprint: Fingerprint, known: Container[int]
    ) -> AsyncIterator[list[tuple[int, CareRecipientSummary | UnreadableRow | None]]]: ...

    def walk_contributions(
        self, service_provider_id: str
    ) -> AsyncIterator[list[IndividualContribution | UnreadableRow]]: ...

    def walk_budgets(
        self, service_provider_id: str, effective_from: date
    ) -> AsyncIterator[list[Budget | UnreadableRow]]: ...


class SeenRow(NamedTuple):
    """What the bytes of a client's summary in a list said when they were read: its digest, and the digest of those
    bytes. It holds whatever else is known, for equal bytes say the same."""

    care_recipient_id: str
    fingerprint: int
    digest: int


@dataclass(slots=True)
class Lists:
    """What the lists have said so far: a sighting per client, how many calls that took, how many rows were
    of nobody here, and how many ids' lists were refused.

    `client_ids` has our key by care recipient id without leading zeros. `names` are those of clients whose id is not
    known; `maybe_clients` are people listed under such a name. `known` are summaries read in earlier surveys, as (our
    key, digest) by the fingerprint of their bytes, and `read` are those that had to be read now, by our key.
    """

    client_ids: Mapping[str, int]
    names: Collection[str] = ()
    known: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    read: dict[int, SeenRow] = field(default_factory=dict)
    recognised: int = 0
    maybe_clients: list[CareRecipientSummary] = field(default_factory=list)
    sightings: dict[int, Sighting] = field(default_factory=dict)
    calls: int = 0
    strangers: int = 0
    refused: int = 0

    def add(self, other: "Lists") -> None:
        """Add what another id's lists have said."""
        self.calls += other.calls
        self.strangers += other.strangers
        self.refused += other.refused
        self.recognised += other.recognised
        self.read |= other.read
        self.maybe_clients += other.maybe_clients
        for client_id, sighting in other.sightings.items():
            if (found := self.sightings.get(client_id)) is None:
                self.sightings[client_id] = sighting
            else:
                found.add(sighting)

    def of(self, care_recipient_id: str) -> Sighting | None:
        """The sighting that a row belongs to; None for somebody who is no client here."""
        client_id = self.client_ids.get(care_recipient_id.lstrip("0"))
        if client_id is None:
            self.strangers += bool(care_recipient_id)  # pooled budgets name nobody
            return None
        return self.of_client(client_id)

    def of_client(self, client_id: int) -> Sighting:
        """The sighting of a client by our key."""
        found = self.sightings.get(client_id)
        if found is None:
            found = self.sightings[client_id] = Sighting()
        return found


async def read_lists(
    source: ListSource, service_provider_ids: Sequence[str], open_budgets: OpenBudgets, lists: Lists
) -> None:
    """Read the three lists of these ids into `lists`. Where one is refused, that id's other lists count for nothing,
    since half of what is said of a person would look like the whole; any other failed call fails it all. Raises
    FunderError, also when nothing could be read."""
    refusal: FunderError | None = None
    for service_provider_id in service_provider_ids:
        of_one = Lists(lists.client_ids, lists.names, known=lists.known)
        try:
            await _read_lists_of(source, service_provider_id, open_budgets, of_one)
        except (NotPermitted, RequestRejected) as problem:
            refusal, of_one.sightings, of_one.refused = problem, {}, 1
        lists.add(of_one)
    if refusal is not None and lists.refused == len(service_provider_ids):
        raise refusal


async def _read_lists_of(source: ListSource, service_provider_id: str, open_budgets: OpenBudgets, lists: Lists) -> None:
    async for summaries in source.walk_summaries(service_provider_id, digest_of, lists.known):
        lists.calls += 1
        for fingerprint, person in summaries:
            if person is None:
                client_id, digest = lists.known[fingerprint]
                lists.of_client(client_id).add_summary(digest)
                lists.recognised += 1
            else:
                _add_summary(lists, person, fingerprint)
    async for contributions in source.walk_contributions(service_provider_id):
        lists.calls += 1
        for row in contributions:
            if (sighting := lists.of(row.care_recipient_id)) is not None:
                sighting.add_contribution(digest_of(_content_of(row)))
    async for budgets in source.walk_budgets(service_provider_id, open_budgets.first_end_date):
        lists.calls += 1
        for budget in budgets:
            if (sighting := lists.of(budget.care_recipient_id)) is not None:
                _add_budget(sighting, budget)


def _add_summary(lists: Lists, person: CareRecipientSummary | UnreadableRow, fingerprint: int) -> None:
    number = person.care_recipient_id
    if (sighting := lists.of(number)) is not None:
        digest = digest_of(_content_of(person))
        sighting.add_summary(digest)
        if fingerprint and isinstance(person, CareRecipientSummary):
            lists.read[lists.client_ids[number.lstrip("0")]] = SeenRow(number.lstrip("0"), fingerprint, digest)
    elif (
        isinstance(person, CareRecipientSummary)
        and lists.names
        and name_key(person.first_name, person.last_name) in lists.names
    ):
        lists.maybe_clients.append(person)


def _content_of(row: msgspec.Struct) -> bytes:
    """What of a row is compared. One that cannot be read differs from before, so its person is read, and says why."""
    return row.content if isinstance(row, UnreadableRow) else _encode(row)


def _add_budget(sighting: Sighting, budget: Budget | UnreadableRow) -> None:
    if isinstance(budget, UnreadableRow):
        sighting.add_budget(digest_of(budget.content), digest_of(budget.content))
        return
    steady, drawn = _parts_of(budget)
    rest = _encode((budget.entry_date, budget.entitlements))
    sighting.add_budget(digest_of(steady + drawn), digest_of(steady + rest))


def _parts_of(budget: Budget) -> tuple[bytes, bytes]:
    """What claims do not move of a budget, and what they do; without what lists alone, or answers alone, carry."""
    steady = (
        budget.budget_id, budget.service_provider_id, budget.care_recipient_id, budget.care_recipient_name,
        budget.budget_type_code, budget.budget_type, budget.start_date, budget.end_date, budget.total,
        budget.write_off, budget.rollover_deduction, budget.status, budget.created_at_date_time,
    )  # fmt: skip
    return _encode(steady), _encode((budget.used, budget.available, budget.updated_at_date_time))


def _figure(budget: Budget) -> int:
    return figure_of(b"".join(_parts_of(budget)), Listing.BUDGETS)


def list_heads(budgets: Sequence[Budget]) -> dict[str, str]:
    """A digest of each budget's head by its id; duplicates count together."""
    found: dict[str, int] = {}
    for budget in budgets:
        found[budget.budget_id] = found.get(budget.budget_id, 0) + _figure(budget)
    return {budget_id: f"{figure:x}" for budget_id, figure in found.items()}


@dataclass(frozen=True, slots=True)
class Expected:
    """What a survey saw of one person before they were read, and what was known then.

    `details` has, by budget id, the head under which details were last read; a narrow read asks for those of budgets
    whose head is another by now.
    """

    figures: Sequence[int]
    details: Mapping[str, str]
    is_narrow: bool = False
    consent_missing: bool = False

    def choose(self, open_ones: Sequence[Budget]) -> Collection[str]:
        """The ids of the open budgets whose details a narrow read asks for; without consent one will tell."""
        if self.consent_missing:
            return [budget.budget_id for budget in open_ones[:1]]
        return [budget_id for budget_id, head in list_heads(open_ones).items() if self.details.get(budget_id) != head]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a person's answers stand to what was listed. `details` are the heads under which details are now known."""

    agrees: bool
    hides_budgets: bool
    details: Mapping[str, str]


def check(
    expected: Expected, fetched: Fetched, open_budgets: OpenBudgets, service_provider_ids: Collection[str]
) -> Agreement:
    """Hold a person's answers, just fetched or archived, against what was listed before they were asked for.

    A narrow read says nothing of summary and contributions, which a survey found unmoved. Ended budgets may be left out
    of the lists; one in force today that is not listed was taken away since, or the list was early.
    """
    budgets = _value_of(fetched.find(BUDGET_LIST))
    in_step = [budget for budget in budgets if budget in open_budgets]
    listed: Sequence[int] = expected.figures
    required: list[int] = []
    if fetched.find(SUMMARY) is None:
        listed = [figure for figure in listed if is_of(Listing.BUDGETS, figure)]
    else:
        required = list(_required_figures(fetched, service_provider_ids))
    ours = [budget for budget in in_step if budget.service_provider_id in service_provider_ids]
    required += [_figure(budget) for budget in ours if _is_in_force(budget, open_budgets.today)]
    agrees, hides = compare_figures(listed, required, map(_figure, budgets), map(_figure, ours))
    read = {answer.subject_id for answer in fetched.list_all(BUDGET_DETAILS)}
    heads = list_heads(in_step)
    kept = {key: head for key, head in heads.items() if expected.details.get(key) == head}
    return Agreement(agrees, hides, kept | {key: head for key, head in heads.items() if key in read})


def _is_in_force(budget: Budget, today: date) -> bool:
    begun = budget.start_date is None or budget.start_date <= today
    return begun and (budget.end_date is None or today <= budget.end_date)


def _value_of(answer: FunderAnswer[Sequence[Budget]] | None) -> Sequence[Budget]:
    return answer.value if answer else ()


def _required_figures(fetched: Fetched, service_provider_ids: Collection[str]) -> list[int]:
    summary, contributions = fetched.find(SUMMARY), fetched.find(CONTRIBUTIONS)
    found = [figure_of(_encode(summary.value), Listing.SUMMARIES)] if summary else []
    rows: Sequence[IndividualContribution] = contributions.value if contributions else ()
    listed = [row for row in rows if row.service_provider_id in ("", *service_provider_ids)]
    return found + [figure_of(_encode(row), Listing.CONTRIBUTIONS) for row in listed]


def knows_all_details(fetched: Fetched, open_budgets: OpenBudgets) -> bool:
    """Whether archived answers hold the details of every open budget, under the head that the list of budgets shows.

    A part of a sync that left details out shows by another head.
    """
    budgets = [budget for budget in _value_of(fetched.find(BUDGET_LIST)) if budget in open_budgets]
    read: dict[str, BudgetDetails] = {answer.subject_id: answer.value for answer in fetched.list_all(BUDGET_DETAILS)}
    heads = list_heads([read[budget.budget_id] for budget in budgets if budget.budget_id in read])
    return heads == list_heads(budgets)
