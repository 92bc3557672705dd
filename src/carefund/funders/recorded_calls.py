"""Calls that a trial looks over the shoulder of: each answer as received, its time, or what it failed with.

Nothing is understood here and nothing is kept.
"""

import time
from collections.abc import Awaitable, Callable, Mapping

from carefund.funders.answers import TrialAnswer
from carefund.funders.calls import Calls
from carefund.funders.errors.root import FunderError
from carefund.funders.http import Method, Response


class RecordedCalls:
    """The same calls; `on_answer` is given what came of each before anybody decodes it."""

    def __init__(self, calls: Calls, on_answer: Callable[[TrialAnswer], Awaitable[None]]) -> None:
        self._calls = calls
        self._on_answer = on_answer

    async def read(
        self, operation: str, path: str, *, subject_id: str = "", headers: Mapping[str, str] | None = None
    ) -> Response:
        """As the calls read."""
        return await self._record(operation, self._calls.read(operation, path, subject_id=subject_id, headers=headers))

    async def send(
        self,
        operation: str,
        method: Method,
        path: str,
        *,
        body: bytes = b"",
        subject_id: str = "",
        if_match: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """As the calls send: once."""
        sending = self._calls.send(
            operation, method, path, body=body, subject_id=subject_id, if_match=if_match, headers=headers
        )
        return await self._record(operation, sending)

    async def _record(self, operation: str, call: Awaitable[Response]) -> Response:
        begun = time.monotonic()
        try:
            answer = await call
        except FunderError as problem:
            await self._on_answer(TrialAnswer(operation, (time.monotonic() - begun) * 1000, problem=problem))
            raise
        await self._on_answer(TrialAnswer(operation, (time.monotonic() - begun) * 1000, answer.body))
        return answer
