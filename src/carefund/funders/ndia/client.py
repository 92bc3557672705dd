"""The NDIA itself, asked over its gateway: the three calls of `PaceSource`. No storing, no rules.

PRODA device and token are shared with the other funder; the audience of the token differs.
Source: rules NDIS-01 and NDIS-04.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TypeVar

import msgspec

from carefund.funders.answers import FunderAnswer
from carefund.funders.configuration import FunderConfiguration
from carefund.funders.decoding import RowReader
from carefund.funders.devices import DeviceStore
from carefund.funders.dialect import Interfaces
from carefund.funders.errors.answers import WrongType
from carefund.funders.errors.configuring import WrongAddress
from carefund.funders.errors.people import IdentityNotMatched
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Caller
from carefund.funders.limiter import CallLimiter
from carefund.funders.ndia.contract import NDIA
from carefund.funders.ndia.envelopes import open_envelope, sorted_refusal
from carefund.funders.ndia.operations import (
    BUDGET,
    BUDGET_ALIAS,
    DETERMINE,
    PATHS,
    PLANS,
    SETTING,
    IdentityChannel,
    call_for,
)
from carefund.funders.ndia.payloads import BudgetTree, Determination, PlanRow
from carefund.funders.ndia.readers import pace_readers_for
from carefund.funders.ndia.source import Identity
from carefund.funders.paging import require_few
from carefund.funders.paths import require_right_paths
from carefund.funders.sessions import open_caller

Row = TypeVar("Row", bound=msgspec.Struct)


class Ndia:
    """The NDIA's PACE APIs, ready to be asked. Get one from `open_ndia`."""

    def __init__(
        self, caller: Caller, configuration: FunderConfiguration, identity_channel: IdentityChannel = "query"
    ) -> None:
        self._caller = caller
        self._paths = configuration.paths
        self.interfaces: Interfaces = configuration.interfaces
        self._envelopes = dict(self.interfaces.dialect.envelopes)
        self._readers = pace_readers_for(self.interfaces.dialect)
        self.contract = NDIA
        self._channel = identity_channel
        self._most_rows = configuration.timing.most_rows
        self._budget_operation = BUDGET

    async def fetch_determination(self, identity: Identity) -> FunderAnswer[Determination]:
        """Whether the participant is on PACE. Raises IdentityNotMatched."""
        reader = self._readers.determination
        answer = await self._fetch_one(DETERMINE, reader, identity)
        if not reader.mentions(answer.pages[0], "is_pace_plan"):
            # Nothing is required of these types, yet this is the answer.
            raise WrongType("The field is_pace_plan is missing.", field="is_pace_plan", operation=DETERMINE)
        return answer

    async def fetch_plans(self, identity: Identity) -> FunderAnswer[tuple[PlanRow, ...]]:
        """The current plan and the one before. Raises AuthorityMissing, IdentityNotMatched."""
        begun = datetime.now(UTC)
        body, result = await self._fetch(PLANS, identity)
        rows = tuple(self._readers.plans.read_rows(_as_list(result), PLANS))
        require_few(len(rows), self._most_rows, PLANS)
        if not rows:
            raise IdentityNotMatched(operation=PLANS)
        return FunderAnswer(PLANS, identity.ndis_number, (body,), rows, begun)

    async def fetch_budget(self, identity: Identity) -> FunderAnswer[BudgetTree]:
        """The money of the PACE plan, from 5.0 or, where the gateway has only that, 4.0.

        Raises AuthorityMissing, IdentityNotMatched.
        """
        try:
            return await self._fetch_one(self._budget_operation, self._readers.budget, identity)
        except WrongAddress:
            if self._budget_operation == BUDGET_ALIAS:
                raise
        answer = await self._fetch_one(BUDGET_ALIAS, self._readers.budget, identity)
        self._budget_operation = BUDGET_ALIAS
        return answer

    async def _fetch_one(self, operation: str, reader: RowReader[Row], identity: Identity) -> FunderAnswer[Row]:
        begun = datetime.now(UTC)
        body, result = await self._fetch(operation, identity)
        require_few(result.count(b"{"), self._most_rows, operation)
        rows = reader.read_rows(_as_list(result), operation)
        if len(rows) != 1:
            raise WrongType("One record was expected, but the funder returned several.", operation=operation)
        reader.require_possible_sum(rows, operation)
        return FunderAnswer(operation, identity.ndis_number, (body,), rows[0], begun)

    async def _fetch(self, operation: str, identity: Identity) -> tuple[bytes, bytes]:
        """The body as received, and what its envelope held."""
        body = await self.ask(operation, identity)
        return body, open_envelope(body, operation, self._envelopes.get(operation, ""))

    async def ask(self, operation: str, identity: Identity) -> bytes:
        """One question about a participant: the body as received, not understood. Raises what a refusal stands for."""
        path, headers = call_for(operation, self._paths, identity, self._channel, self.interfaces)
        try:
            return (await self._caller.read(operation, path, headers=headers)).body
        except FunderError as problem:
            raise sorted_refusal(problem) from None


def _as_list(result: bytes) -> bytes:
    """An object as a list of one: nothing in these types is required, so alone it could be taken for an envelope."""
    return result if result.lstrip()[:1] == b"[" else b"[" + result + b"]"


@asynccontextmanager
async def open_ndia(
    configuration: FunderConfiguration,
    device_store: DeviceStore,
    *,
    identity_channel: IdentityChannel = "query",
    limiter: CallLimiter | None = None,
) -> AsyncIterator[Ndia]:
    """Yield a client of the NDIA. Raise NotConfigured, a line per missing value or wrong path, before any call."""
    require_right_paths(SETTING, configuration.paths, PATHS)
    async with open_caller(configuration, device_store, limiter) as caller:
        yield Ndia(caller, configuration, identity_channel)
