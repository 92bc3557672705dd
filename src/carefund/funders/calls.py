"""What a client makes its calls with, whoever stands in between. No network."""

from collections.abc import Mapping
from typing import Protocol

from carefund.funders.http import Method, Response


class Calls(Protocol):
    """What a client makes its calls with."""

    async def read(
        self, operation: str, path: str, *, subject_id: str = "", headers: Mapping[str, str] | None = None
    ) -> Response: ...

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
    ) -> Response: ...
