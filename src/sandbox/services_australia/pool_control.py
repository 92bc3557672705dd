"""The control API for care management pools, per service provider. No funder has these addresses."""

from __future__ import annotations

from typing import Any

from sandbox.control_routes import body_of, control_routes
from sandbox.pool_edits import change_pool, pool_edits, undo_pool
from sandbox.wire import Call, Route
from sandbox.world import World


class PoolControl:
    """Handlers of the control API for service providers."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        table = [
            ("GET", "", self.providers),
            ("POST", "/{serviceProviderId}/{change}", self.change),
            ("DELETE", "/{serviceProviderId}", self.undo),
        ]
        return control_routes("/sandbox/service-providers", table)

    def providers(self, _call: Call) -> Any:
        """Every service provider id with the changes to its pools."""
        return [
            {"serviceProviderId": provider_id, "edits": pool_edits(self._world, provider_id)}
            for provider_id in self._world.provider_ids()
        ]

    def change(self, call: Call) -> Any:
        """Change a provider's pools: empty, refuse, other-types, second-budget, closed-budget, next-quarter, use."""
        return change_pool(self._world, call.args["serviceProviderId"], call.args["change"], body_of(call))

    def undo(self, call: Call) -> Any:
        """Forget the changes to a provider's pools."""
        undo_pool(self._world, call.args["serviceProviderId"])
        return {}
