"""A digital partner's gateway as another source of the same three calls: one flat list of budgets per participant.

The gateway knows participants by their number alone and asks the NDIA itself, so surname and date of birth are not
checked by this road. It tells no plan dates of its own: they follow from the budgets. Rows that the gateway deleted
count nowhere.
Source: rules NDIS-03 and NDIS-06; docs/decisions/0010-pace.md.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import groupby
from typing import TypeVar
from urllib.parse import quote

import aiohttp
from yarl import URL

from carefund.funders.answers import FunderAnswer
from carefund.funders.configuration import Timing
from carefund.funders.counting import count_answer
from carefund.funders.dialect import Interfaces
from carefund.funders.errors.configuring import NotConfigured
from carefund.funders.errors.outages import Unavailable
from carefund.funders.errors.people import IdentityNotMatched
from carefund.funders.http import back_off, exchange, open_session
from carefund.funders.ndia.contract import PARTNER
from carefund.funders.ndia.envelopes import sorted_refusal
from carefund.funders.ndia.partner_payloads import KEY_HEADER, OPERATION, ORGANISATION_HEADER, PATHS, PartnerBudget
from carefund.funders.ndia.payloads import (
    BudgetTree,
    BudgetTypeLevel,
    Determination,
    ManagementLevel,
    PlanRow,
    SupportCategory,
    SupportTypeLevel,
)
from carefund.funders.ndia.readers import pace_readers_for
from carefund.funders.ndia.source import Identity
from carefund.funders.paging import require_few
from carefund.funders.refusals import refusal

_FUNDER = "ndia"
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Partner:
    """Where the gateway is and what it knows us by."""

    base_url: str
    organisation: str
    key: str = field(repr=False)
    interfaces: Interfaces = field(default_factory=Interfaces)


class PartnerGateway:
    """A `PaceSource` over a partner's gateway. One question serves the three calls about a participant."""

    def __init__(self, session: aiohttp.ClientSession, partner: Partner, timing: Timing) -> None:
        self._session = session
        self._partner = partner
        self._timing = timing
        self.contract = PARTNER
        self.interfaces = partner.interfaces
        self._rows = pace_readers_for(partner.interfaces.dialect).partner
        self._known: dict[str, FunderAnswer[tuple[PartnerBudget, ...]]] = {}

    async def fetch_determination(self, identity: Identity) -> FunderAnswer[Determination]:
        """Whether any row is on PACE, a deleted one too. Raises IdentityNotMatched, AuthorityMissing."""
        # The first call about a participant begins anew: this gateway may be open for as long as its process lives.
        self._known.pop(identity.ndis_number, None)
        answer = await self._fetch(identity)
        rows = _on_pace(answer.value)
        return _with_value(answer, Determination(is_pace_plan=bool(rows), plan_first_start_date=None))

    async def fetch_plans(self, identity: Identity) -> FunderAnswer[tuple[PlanRow, ...]]:
        """One plan, from the first day of any budget to the last; none where every budget was deleted."""
        answer = await self._fetch(identity)
        rows = _counting(answer.value)
        plan = PlanRow(
            is_pace_plan=True,
            participant_plan_id="0",
            plan_start_date=min((row.start_date for row in rows if row.start_date), default=None),
            plan_end_date=max((row.end_date for row in rows if row.end_date), default=None),
        )
        return _with_value(answer, (plan,) if rows else ())

    async def fetch_budget(self, identity: Identity) -> FunderAnswer[BudgetTree]:
        """The rows as the NDIA's own tree; the gateway tells no funding periods and no totals."""
        answer = await self._fetch(identity)
        self._known.pop(identity.ndis_number, None)
        return _with_value(answer, as_tree(_counting(answer.value)))

    async def _fetch(self, identity: Identity) -> FunderAnswer[tuple[PartnerBudget, ...]]:
        known = self._known.get(identity.ndis_number)
        if known is None:
            begun = datetime.now(UTC)
            body = await self.ask(OPERATION, identity)
            rows = tuple(self._rows.read_rows(body, OPERATION))
            require_few(len(rows), self._timing.most_rows, OPERATION)
            self._rows.require_possible_sum(rows, OPERATION)
            if not rows:
                raise IdentityNotMatched(operation=OPERATION)
            known = self._known[identity.ndis_number] = FunderAnswer(
                OPERATION, identity.ndis_number, (body,), rows, begun
            )
        return known

    async def ask(self, operation: str, identity: Identity) -> bytes:
        """The question about a participant: the body as received, not understood. Raises what a refusal stands for."""
        template = self.interfaces.paths.get(operation, PATHS[operation])
        return await self._read(template.format(ndisNumber=quote(identity.ndis_number)))

    async def _read(self, path: str) -> bytes:
        called = self.interfaces.parameters_of(OPERATION)
        headers = {
            "Accept": "application/json",
            called.get(ORGANISATION_HEADER, ORGANISATION_HEADER): self._partner.organisation,
            called.get(KEY_HEADER, KEY_HEADER): self._partner.key,
        }
        url = URL(self._partner.base_url.rstrip("/") + path, encoded=True)
        attempt = 1
        while True:
            try:
                call = exchange(self._session, OPERATION, "GET", url, headers, largest=self._timing.largest_answer)
                answer = await count_answer(_FUNDER, OPERATION, call)
                if answer.status == HTTPStatus.OK:
                    return answer.body
                raise sorted_refusal(refusal(OPERATION, answer.status, answer.headers, answer.body))
            except Unavailable as problem:
                if attempt >= self._timing.attempts or problem.retry_after:
                    raise
            await asyncio.sleep(back_off(attempt, self._timing))
            attempt += 1


def _on_pace(rows: Iterable[PartnerBudget]) -> list[PartnerBudget]:
    return [row for row in rows if row.type.upper() == "PACE"]


def _counting(rows: Iterable[PartnerBudget]) -> list[PartnerBudget]:
    return [row for row in _on_pace(rows) if row.counts]


def _with_value(answer: FunderAnswer[tuple[PartnerBudget, ...]], value: Value) -> FunderAnswer[Value]:
    return FunderAnswer(answer.operation, answer.subject_id, answer.pages, value, answer.fetched_at)


def as_tree(rows: Iterable[PartnerBudget]) -> BudgetTree:
    """The gateway's flat rows as a tree: one level of each kind per management and support type."""

    def place(row: PartnerBudget) -> tuple[str, str, str]:
        return row.budget_type, row.management, row.support

    levels = [
        BudgetTypeLevel(
            budget_type=budget_type,
            plan_management=(
                ManagementLevel(
                    fund_management_type=management,
                    supp_typ_lvl_dtls=(
                        SupportTypeLevel(support_type_text=support, supp_cat_lvl_dtls=tuple(map(_category, group))),
                    ),
                ),
            ),
        )
        for (budget_type, management, support), group in groupby(sorted(rows, key=place), key=place)
    ]
    return BudgetTree(use_funding_periods=False, bgt_typ_lvl_dtls=tuple(levels))


def _category(row: PartnerBudget) -> SupportCategory:
    return SupportCategory(
        support_category_text=row.support_category_pace or row.support_category_api,
        start_date=row.start_date,
        end_date=row.end_date,
        approved_amount=row.approved_amount,
        released_amount=row.released_amount,
        spent_amount=row.spent_amount,
        remaining_amount=row.remaining_amount,
    )


def missing_partner_values(partner: Partner) -> list[tuple[str, str]]:
    """What still has to be set beside the gateway's address: (variable, one sentence)."""
    needed = (
        (
            "CAREFUND_NDIA_PARTNER_ORGANISATION",
            partner.organisation,
            "the name by which the gateway knows this organisation",
        ),
        ("CAREFUND_NDIA_PARTNER_KEY", partner.key, "the key that the partner issued"),
    )
    return [(variable, f"{variable} is not set: {what}.") for variable, value, what in needed if not value]


@asynccontextmanager
async def open_partner(partner: Partner, timing: Timing) -> AsyncIterator[PartnerGateway]:
    """A ready gateway. Raises NotConfigured when organisation or key is missing."""
    if missing := missing_partner_values(partner):
        raise NotConfigured("\n".join(sentence for _, sentence in missing))
    async with open_session(timing) as session:
        yield PartnerGateway(session, partner, timing)
