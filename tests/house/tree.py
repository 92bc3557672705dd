"""What the house rules look at: the tree itself. No database, no server."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
SAYS_NOTHING = {"each", "one", "thing", "stuff", "elem", "element", "obj", "entity", "it", "item2"}  # names of loops


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python module in the folders, migrations apart, as (path from the root, syntax tree)."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in path.parts:
                yield path.relative_to(ROOT), ast.parse(path.read_text())


def strings(tree: ast.AST) -> Iterator[str]:
    """Every string constant in a syntax tree."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def pages() -> list[Path]:
    """Every page of prose: those at the root and those in docs."""
    return [*sorted(ROOT.glob("*.md")), *sorted(DOCS.rglob("*.md"))]
