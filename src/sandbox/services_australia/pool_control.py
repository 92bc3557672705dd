"""The hand from above on care management pools, per service provider. No funder has these addresses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from sandbox.pool_edits import change_pool, pool_edits, undo_pool
from sandbox.wire import Answer, Call, Route, json_answer
from sandbox.world import World


class PoolControl:
    """Handlers of the control API for service providers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table: list[tuple[str, str, Callable[[Call], Answer]]] = [
            ("GET", "", self.providers),
            ("POST", "/{serviceProviderId}/{change}", self.change),
            ("DELETE", "/{serviceProviderId}", self.undo),
        ]
        return [Route("control", method, f"/sandbox/service-providers{path}", work) for method, path, work in table]

    def providers(self, _call: Call) -> Answer:
        """Every service provider id with the changes to its pools."""
        return json_answer(
            [{"serviceProviderId": one, "edits": pool_edits(self._world, one)} for one in self._world.provider_ids()]
        )

    def change(self, call: Call) -> Answer:
        """Change a provider's pools: empty, refuse, other-types, second-budget, next-quarter, use."""
        values: dict[str, Any] = msgspec.convert(call.json() if call.body else {}, dict[str, Any])
        try:
            edits = change_pool(self._world, call.args["serviceProviderId"], call.args["change"], values)
        except (ValueError, ArithmeticError) as wrong:
            return json_answer({"error": str(wrong)}, 400)
        return json_answer(edits)

    def undo(self, call: Call) -> Answer:
        """Forget the changes to a provider's pools."""
        undo_pool(self._world, call.args["serviceProviderId"])
        return json_answer({})
