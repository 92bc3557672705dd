"""Reads of the Support at Home APIs: one method per operation, each giving an `FunderAnswer`. No storing, no rules.

Everything raises a `FunderError`; what "nothing found" means is decided here, per operation.
Source: rules SA-01 to SA-09.
"""

from collections.abc import AsyncIterator, Callable, Container, Mapping
from datetime import UTC, date, datetime
from functools import partial
from typing import Any, TypeVar

import msgspec

from carefund.funders.answers import FunderAnswer, Recognise
from carefund.funders.calls import Calls
from carefund.funders.configuration import FunderConfiguration
from carefund.funders.decoding import Fingerprint
from carefund.funders.errors.access import NotPermitted
from carefund.funders.errors.people import ConsentMissing, NotFound
from carefund.funders.errors.requests import RequestRejected
from carefund.funders.paging import PagedRows, PageGuard, require_few
from carefund.funders.refusals import is_business
from carefund.funders.services_australia import operations
from carefund.funders.services_australia.operations import path_for
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    CareRecipientSummary,
    IndividualContribution,
)
from carefund.funders.services_australia.readers import ListReader, readers_for
from carefund.funders.unreadable import UnreadableRow

Row = TypeVar("Row", bound=msgspec.Struct)
Listed = TypeVar("Listed")

_LONGEST_PAGE = 10_000
_LONGEST_PAGE_OF_SUMMARIES = 1_000  # some 6 MB
_WIDER = 10  # pages of a provider's flat rows, as many times those of a person


class ServicesAustralia:
    """The Support at Home APIs, ready to be asked. Get one from `open_services_australia`.

    Where a method takes `recognise`, an answer recognised by its bytes is only decoded if its value is asked for.
    """

    def __init__(self, caller: Calls, configuration: FunderConfiguration) -> None:
        self.caller = caller
        self.configuration = configuration
        self.readers = readers_for(configuration.spellings, configuration.interfaces.dialect)

    async def fetch_care_recipient_summary(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[CareRecipientSummary]:
        """The person with classifications, approved services, supplements. Raises NotFound when nobody has the id."""
        operation = operations.CARE_RECIPIENT_SUMMARY
        begun = datetime.now(UTC)
        path = path_for(operation, self.configuration.paths, {"careRecipientId": care_recipient_id})
        body = (await self.caller.read(operation, path, subject_id=care_recipient_id)).body
        read = partial(self.readers.summary.read, (body,))
        if recognise is not None and recognise((body,)):
            return FunderAnswer(operation, care_recipient_id, (body,), None, begun, read)
        person = read()
        for listed in (person.classifications, person.approved_services, person.supplements):
            require_few(len(listed), self.configuration.timing.most_rows, operation)
        return FunderAnswer(operation, care_recipient_id, (body,), person, begun)

    async def fetch_individual_contributions(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[tuple[IndividualContribution, ...]]:
        """The person's contribution rows; none when the funder has found nothing."""
        ids = {"careRecipientId": care_recipient_id}
        return await self._fetch_list(self.readers.contributions, ids, recognise=recognise)

    async def fetch_budgets(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> FunderAnswer[tuple[Budget, ...]]:
        """All budgets of one person, without entitlements and usage; none when the funder has found nothing."""
        ids = {"careRecipientId": care_recipient_id}
        return await self._fetch_list(self.readers.budgets, ids, recognise=recognise)

    async def fetch_budget_details(
        self,
        budget_id: str,
        recognise: Recognise | None = None,
        *,
        care_recipient_id: str = "",
        pooled: bool = False,
    ) -> FunderAnswer[BudgetDetails]:
        """One budget with entitlements and usage; `pooled`: one that all people of a provider draw on.

        Raises ConsentMissing when the person has not agreed to share them.

        How a refusal looks is not public, so both likely forms count: 403 from the business behind the gateway, and an
        answer with neither list. Source: rule SA-05.
        """
        operation = operations.BUDGET_DETAILS
        begun = datetime.now(UTC)
        path = path_for(operation, self.configuration.paths, {"budgetId": budget_id})
        try:
            body = (await self.caller.read(operation, path, subject_id=care_recipient_id)).body
        except (NotPermitted, RequestRejected) as problem:
            if _is_about_consent(problem):
                raise ConsentMissing(operation=operation, status=problem.status, details=problem.details) from problem
            raise
        read = partial(self.readers.details.read, (body,))
        if recognise is not None and recognise((body,)):
            return FunderAnswer(operation, budget_id, (body,), None, begun, read)
        value = read()
        if not self.readers.details.rows.mentions(body, "entitlements", "usage"):
            raise ConsentMissing(operation=operation)
        timing = self.configuration.timing
        for listed in (value.entitlements, value.usage):
            require_few(len(listed), timing.most_provider_rows if pooled else timing.most_rows, operation)
        if pooled:
            self.readers.details.rows.require_possible_sum((value,), operation)
        return FunderAnswer(operation, budget_id, (body,), value, begun)

    async def fetch_service_provider_budgets(
        self, service_provider_id: str
    ) -> FunderAnswer[tuple[Budget | UnreadableRow, ...]]:
        """All budgets of one service provider id, pooled care management among them."""
        return await self._fetch_provider_list(self.readers.provider_budgets, service_provider_id)

    async def fetch_budget_summary(self, service_provider_id: str) -> FunderAnswer[tuple[Budget | UnreadableRow, ...]]:
        """The heads of all budgets of one service provider id, with entry dates."""
        return await self._fetch_provider_list(self.readers.provider_budget_heads, service_provider_id)

    @property
    def summaries_as_read(self) -> str:
        """How summaries are read, as one text: where two are equal, equal bytes are read alike."""
        return self.readers.provider_summaries.rows.description

    def walk_summaries(
        self, service_provider_id: str, fingerprint: Fingerprint, known: Container[int]
    ) -> AsyncIterator[list[tuple[int, CareRecipientSummary | UnreadableRow | None]]]:
        """Everybody whom one service provider id cares for, a page at a time, as `RowReader.read_unknown` gives them.
        No page is kept."""
        limit = min(_LONGEST_PAGE_OF_SUMMARIES, self.configuration.page_limit)
        reader = self.readers.provider_summaries
        read = partial(reader.rows.read_unknown, fingerprint=fingerprint, known=known)
        return self._walk(reader, read, service_provider_id, limit, {})

    def walk_contributions(
        self, service_provider_id: str
    ) -> AsyncIterator[list[IndividualContribution | UnreadableRow]]:
        """The contribution rows of everybody of one service provider id, a page at a time; no page is kept."""
        limit = min(_LONGEST_PAGE, _WIDER * self.configuration.page_limit)
        reader = self.readers.provider_contributions
        return self._walk(reader, reader.rows.read_list, service_provider_id, limit, {})

    def walk_budgets(
        self, service_provider_id: str, effective_from: date
    ) -> AsyncIterator[list[Budget | UnreadableRow]]:
        """The heads of the budgets of one service provider id in force on or after a day, a page at a time; no page is
        kept. A funder that does not honour the day lists those in force today."""
        limit = min(_LONGEST_PAGE, _WIDER * self.configuration.page_limit)
        extra = {"effectiveDateFrom": effective_from.isoformat()}
        reader = self.readers.provider_budget_heads
        return self._walk(reader, reader.rows.read_list, service_provider_id, limit, extra)

    async def _walk(
        self,
        reader: ListReader[Any],
        read: Callable[[bytes, str], list[Listed]],
        service_provider_id: str,
        limit: int,
        extra: Mapping[str, object],
    ) -> AsyncIterator[list[Listed]]:
        """The pages of a list, one after the other, as `read` gives them. Raises RepeatedPage."""
        guard = PageGuard[Listed](reader.operation, limit, self.configuration.timing)
        ids = {"serviceProviderId": service_provider_id}
        sort_field = reader.rows.name_of("care_recipient_id")
        is_last = False
        while not is_last:
            query = {"page": guard.number + 1, "limit": limit, "sort": "asc", "sortFields": sort_field, **extra}
            path = path_for(reader.operation, self.configuration.paths, ids, query, self.configuration.interfaces)
            try:
                page = read((await self.caller.read(reader.operation, path)).body, reader.operation)
            except NotFound:
                return
            is_last = not guard.add(page)
            yield page
            page.clear()  # whoever reads it is done with it, and two pages at once would be twice the memory

    async def _fetch_list(
        self,
        reader: ListReader[Row],
        ids: Mapping[str, str],
        *,
        recognise: Recognise | None = None,
    ) -> FunderAnswer[tuple[Row, ...]]:
        """All pages of a list. Raises TooLarge, RepeatedPage."""
        operation, begun = reader.operation, datetime.now(UTC)
        subject_id = next(iter(ids.values()))
        person = ids.get("careRecipientId", "")
        limit = self.configuration.page_limit
        query: dict[str, object] = {"page": 1, "limit": limit}
        pages: list[bytes] = []
        rows = PagedRows[Row](operation, limit, self.configuration.timing, of_person=bool(person))
        while True:
            path = path_for(operation, self.configuration.paths, ids, query, self.configuration.interfaces)
            try:
                body = (await self.caller.read(operation, path, subject_id=person)).body
                if not pages and recognise is not None and _is_short(body, limit) and recognise((body,)):
                    return FunderAnswer(operation, subject_id, (body,), None, begun, partial(reader.read, (body,)))
                page = reader.rows.read_rows(body, operation)
            except NotFound:
                break
            pages.append(body)
            if not rows.add(page, len(body)):
                break
            query["page"] = len(pages) + 1
        return FunderAnswer(operation, subject_id, tuple(pages), reader.join(rows.pages), begun)

    async def _fetch_provider_list(
        self, reader: ListReader[Row], service_provider_id: str
    ) -> FunderAnswer[tuple[Row | UnreadableRow, ...]]:
        """All pages of a list about everybody of a provider. Raises TooLarge, RepeatedPage."""
        begun, limit, ids = datetime.now(UTC), self.configuration.page_limit, {"serviceProviderId": service_provider_id}
        query: dict[str, object] = {
            "page": 1,
            "limit": limit,
            "sort": "asc",
            "sortFields": reader.rows.name_of("care_recipient_id"),
        }
        pages: list[bytes] = []
        rows = PagedRows[Row | UnreadableRow](reader.operation, limit, self.configuration.timing, of_person=False)
        while True:
            path = path_for(reader.operation, self.configuration.paths, ids, query, self.configuration.interfaces)
            try:
                body = (await self.caller.read(reader.operation, path)).body
                page = reader.rows.read_list(body, reader.operation)
            except NotFound:
                break
            pages.append(body)
            if not rows.add(page, len(body)):
                break
            query["page"] = len(pages) + 1
        return FunderAnswer(reader.operation, service_provider_id, tuple(pages), tuple(rows.rows()), begun)


def _is_short(body: bytes, limit: int) -> bool:
    """Whether a page surely holds fewer rows than asked for, and is the last one: each row opens one brace at least."""
    return body.count(b"{") < limit


def _is_about_consent(problem: NotPermitted | RequestRejected) -> bool:
    if isinstance(problem, NotPermitted) and is_business(problem.details):
        return True
    return any("consent" in detail.message.lower() for detail in problem.details)
