"""Reads of the Support at Home APIs: one method per operation, each giving an `Answer`. No storing, no rules.

Everything raises a `FunderError`; what "nothing found" means is decided here, per operation.
Source: rules SA-01 to SA-09.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import TypeVar

import msgspec

from carefund.funders.answers import Answer, Recognise
from carefund.funders.configuration import FunderConfiguration
from carefund.funders.decoding import RowReader
from carefund.funders.errors import ConsentMissing, NotFound, NotPermitted, RepeatedPage, RequestRejected
from carefund.funders.http import Caller
from carefund.funders.refusals import is_business
from carefund.funders.services_australia.operations import path_for
from carefund.funders.services_australia.payloads import (
    Budget,
    BudgetDetails,
    BudgetPeriod,
    CareRecipientSummary,
    IndividualContribution,
)

Row = TypeVar("Row", bound=msgspec.Struct)

MOST_PAGES = 1000
_SMALLEST_ROW = len(b"{},")
_SUMMARIES = RowReader(CareRecipientSummary)
_CONTRIBUTIONS = RowReader(IndividualContribution)
_BUDGETS = RowReader(Budget)
_DETAILS = RowReader(BudgetDetails)
_PERIODS = RowReader(BudgetPeriod)


class ServicesAustralia:
    """The Support at Home APIs, ready to be asked. Get one from `open_services_australia`.

    Where a method takes `recognise`, an answer recognised by its bytes is only decoded if its value is asked for.
    """

    def __init__(self, caller: Caller, configuration: FunderConfiguration) -> None:
        self.caller = caller
        self.configuration = configuration

    async def fetch_care_recipient_summary(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[CareRecipientSummary]:
        """The person with classifications, approved services, supplements. Raises NotFound when nobody has the id."""
        operation = "care_recipient_summary"
        begun = datetime.now(UTC)
        path = path_for(operation, self.configuration.paths, {"careRecipientId": care_recipient_id})
        body = (await self.caller.read(operation, path, subject_id=care_recipient_id)).body
        read = partial(_SUMMARIES.read_one, body, operation)
        if recognise is not None and recognise((body,)):
            return Answer(operation, care_recipient_id, (body,), None, begun, read)
        return Answer(operation, care_recipient_id, (body,), read(), begun)

    async def fetch_care_recipient_summaries(
        self, service_provider_id: str
    ) -> Answer[tuple[CareRecipientSummary, ...]]:
        """Everybody whom one service provider id cares for."""
        return await self._fetch_list(
            "care_recipient_summaries", _SUMMARIES, {"serviceProviderId": service_provider_id}, sort="careRecipientId"
        )

    async def fetch_individual_contributions(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[tuple[IndividualContribution, ...]]:
        """The person's contribution rows; none when the funder has found nothing."""
        ids = {"careRecipientId": care_recipient_id}
        return await self._fetch_list("individual_contribution", _CONTRIBUTIONS, ids, recognise=recognise)

    async def fetch_budgets(
        self, care_recipient_id: str, recognise: Recognise | None = None
    ) -> Answer[tuple[Budget, ...]]:
        """All budgets of one person, without entitlements and usage; none when the funder has found nothing."""
        ids = {"careRecipientId": care_recipient_id}
        return await self._fetch_list("budgets_by_care_recipient", _BUDGETS, ids, recognise=recognise)

    async def fetch_budget_details(
        self, budget_id: str, recognise: Recognise | None = None, *, care_recipient_id: str = ""
    ) -> Answer[BudgetDetails]:
        """One budget with entitlements and usage. Raises ConsentMissing when the person has not agreed to share them.

        How a refusal looks is not public, so both likely forms count: 403 from the business behind the gateway, and an
        answer with neither list. Source: rule SA-05.
        """
        operation = "budget_details"
        begun = datetime.now(UTC)
        path = path_for(operation, self.configuration.paths, {"budgetId": budget_id})
        try:
            body = (await self.caller.read(operation, path, subject_id=care_recipient_id)).body
        except (NotPermitted, RequestRejected) as problem:
            if _is_about_consent(problem):
                raise ConsentMissing(operation=operation, status=problem.status, details=problem.details) from problem
            raise
        read = partial(_DETAILS.read_one, body, operation)
        if recognise is not None and recognise((body,)):
            return Answer(operation, budget_id, (body,), None, begun, read)
        value = read()
        if b'"entitlements"' not in body and b'"usage"' not in body:
            raise ConsentMissing(operation=operation)
        return Answer(operation, budget_id, (body,), value, begun)

    async def fetch_service_provider_budgets(self, service_provider_id: str) -> Answer[tuple[Budget, ...]]:
        """All budgets of one service provider id, pooled care management among them."""
        return await self._fetch_list(
            "budgets_by_service_provider", _BUDGETS, {"serviceProviderId": service_provider_id}, sort="careRecipientId"
        )

    async def fetch_budget_summary(self, service_provider_id: str) -> Answer[tuple[Budget, ...]]:
        """The heads of all budgets of one service provider id, with entry dates."""
        return await self._fetch_list(
            "budget_summary", _BUDGETS, {"serviceProviderId": service_provider_id}, sort="careRecipientId"
        )

    async def _fetch_list(
        self,
        operation: str,
        reader: RowReader[Row],
        ids: Mapping[str, str],
        *,
        sort: str = "",
        recognise: Recognise | None = None,
    ) -> Answer[tuple[Row, ...]]:
        """All pages of a list. The funder gives no total, so a page that is not full is the last one.

        Source: rule SA-06.
        """
        begun = datetime.now(UTC)
        subject_id = next(iter(ids.values()))
        person = ids.get("careRecipientId", "")
        limit = self.configuration.page_limit
        query: dict[str, object] = {"page": 1, "limit": limit}
        if sort:
            query |= {"sort": "asc", "sortFields": sort}
        pages: list[bytes] = []
        rows: list[Row] = []
        first_of_last_page: Row | None = None
        while True:
            path = path_for(operation, self.configuration.paths, ids, query)
            try:
                body = (await self.caller.read(operation, path, subject_id=person)).body
                if not pages and recognise is not None and len(body) < limit * _SMALLEST_ROW and recognise((body,)):
                    return Answer(operation, subject_id, (body,), None, begun, partial(_rows, reader, body, operation))
                page = reader.read_rows(body, operation)
            except NotFound:
                break
            pages.append(body)
            rows += page
            if len(page) < limit:
                break
            if page[0] == first_of_last_page or len(pages) == MOST_PAGES:
                raise RepeatedPage(operation=operation)
            first_of_last_page = page[0]
            query["page"] = len(pages) + 1
        return Answer(operation, subject_id, tuple(pages), tuple(_without_repeats(rows, len(pages))), begun)


def budget_periods(answer: Answer[Sequence[Budget]]) -> Sequence[BudgetPeriod]:
    """The budgets of a list, of one that was recognised without decoding the rest of them."""
    if answer.recognised and answer.pages:
        return _PERIODS.read_rows(answer.pages[0], answer.operation)
    return answer.value


def _rows(reader: RowReader[Row], body: bytes, operation: str) -> tuple[Row, ...]:
    return tuple(reader.read_rows(body, operation))


def _without_repeats(rows: list[Row], page_count: int) -> list[Row]:
    """Rows that slid from one page to the next while they were read, once; rows of one page as they are."""
    return rows if page_count < 2 else list(dict.fromkeys(rows))


def _is_about_consent(problem: NotPermitted | RequestRejected) -> bool:
    if isinstance(problem, NotPermitted) and is_business(problem.details):
        return True
    return any("consent" in detail.message.lower() for detail in problem.details)
