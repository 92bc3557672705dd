"""From method and path to a line of the route table, by a tree of path parts. A literal part wins over an argument."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.wire import Route


class _Node:
    __slots__ = ("argument", "literal", "routes")

    def __init__(self) -> None:
        self.literal: dict[str, _Node] = {}
        self.argument: _Node | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class RouteTable:
    """All routes of the sandbox."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._root = _Node()
        self.routes = list(routes)
        for route in self.routes:
            self._add(route)

    def find(self, method: str, path: str) -> tuple[Route, dict[str, str]] | None:
        """The route and its arguments, still percent-encoded, or None."""
        values: list[str] = []
        node = self._walk(self._root, path.strip("/").split("/"), values)
        found = node.routes.get(method) if node is not None else None
        if found is None:
            return None
        return found[0], dict(zip(found[1], values, strict=True))

    def _walk(self, node: _Node, parts: list[str], values: list[str]) -> _Node | None:
        for part in parts:
            following = node.literal.get(part)
            if following is None:
                if node.argument is None or not part:
                    return None
                following = node.argument
                values.append(part)
            node = following
        return node

    def _add(self, route: Route) -> None:
        node, names = self._root, []
        for part in route.template.strip("/").split("/"):
            if part.startswith("{"):
                names.append(part[1:-1])
                node.argument = node.argument or _Node()
                node = node.argument
            else:
                node = node.literal.setdefault(part, _Node())
        if route.method in node.routes:
            raise ValueError(f"two routes for {route.method} {route.template}")
        node.routes[route.method] = (route, tuple(names))
