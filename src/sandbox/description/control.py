"""The addresses under which the sandbox describes itself: a list of products, and one document for each."""

from __future__ import annotations

from typing import Any

from sandbox.container import Container
from sandbox.control_routes import control_routes
from sandbox.description.documents import Document, write_documents
from sandbox.description.in_dialect import describe_in
from sandbox.description.products import PRODUCTS
from sandbox.description.rehearsal import rehearse
from sandbox.description.stage import AllRoutes
from sandbox.wire import Call, Route

_ADDRESS = "/sandbox/openapi"


class Descriptions:
    """Handlers of the descriptions. They are made when first asked for, and anew when a switch was changed."""

    def __init__(self, container: Container, all_routes: AllRoutes) -> None:
        self._container = container
        self._all_routes = all_routes
        self._made: tuple[int, dict[str, Document]] = (-1, {})

    def routes(self) -> list[Route]:
        """The control API's lines of the route table."""
        return control_routes(_ADDRESS, [("GET", "", self.products), ("GET", "/{product}", self.document)])

    def products(self, _call: Call) -> Any:
        """Every product with its title and the address of its description."""
        return [
            {"product": name, "title": product.title, "description": f"{_ADDRESS}/{name}"}
            for name, product in PRODUCTS.items()
        ]

    def document(self, call: Call) -> Any:
        """The description of one product in OpenAPI 2.0."""
        generation = self._container.switch_generation
        if self._made[0] != generation:
            stage = rehearse(self._all_routes, self._container.switches)
            dialect, plain = self._container.dialect, write_documents(stage.table.routes, stage.witnesses)
            self._made = generation, {name: describe_in(dialect, document) for name, document in plain.items()}
        return self._made[1][call.args["product"]]
