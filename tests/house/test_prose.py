"""What the prose names exists: every back-ticked path is in the tree, every back-ticked name is in the code."""

import re
from functools import cache
from pathlib import Path

import pytest

from tests.house.tree import ROOT, pages

FOLDERS = ("src", "tests", "tools", "benchmarks", "docs", ".github", ".ci")
WRITTEN = {".py", ".html", ".css", ".js", ".toml", ".sql"}
MADE_BY_USE = ("var/", ".venv/", "htmlcov/")  # folders that a command makes
# What other people's programs and standards call things.
FOREIGN = {
    "pg_dump",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "update_conflicts",
    "application/json",
    "application/problem+json",
    "text/csv",
    "jti",
    "typ",
    "kid",
}


@cache
def tree() -> list[str]:
    """Every file and folder of the tree, from its root."""
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    return [str(path.relative_to(ROOT)) for path in [*ROOT.glob("*"), *inside] if "__pycache__" not in path.parts]


@cache
def words() -> set[str]:
    """Every word of the code, without case and underscores: a field is one word in Python and on the wire."""
    code = "\n".join(
        (ROOT / name).read_text()
        for name in tree()
        if Path(name).suffix in WRITTEN and not {"vendor", "docs"} & set(Path(name).parts)
    )
    return {word.replace("_", "").lower() for word in re.findall(r"\w+", code)}


def exists(name: str) -> bool:
    """Whether a path, perhaps without its beginning or ending, is in the tree."""
    wanted = name.rstrip("/")
    return any(file == wanted or file.endswith(f"/{wanted}") or f"/{wanted}." in f"/{file}" for file in tree())


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_path_in_the_prose_exists(page: Path):
    named = [
        text
        for text in re.findall(r"`([^`\n]+)`", page.read_text())
        if re.fullmatch(r"[a-z.][\w.-]*/[\w./-]*[a-z/_]", text) and "v1" not in text
    ]
    gone = [text for text in named if text not in FOREIGN and not text.startswith(MADE_BY_USE) and not exists(text)]
    assert not gone, f"not in the tree: {gone}"


# A decision may name what it did away with.
PRESENT = [page for page in pages() if page.parent.name != "decisions"]


@pytest.mark.parametrize("page", PRESENT, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_name_in_the_prose_exists(page: Path):
    named = re.findall(r"`([A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_]\w*)*)(?:\(\))?`", page.read_text())
    last = {text: text.split(".")[-1] for text in named if text not in FOREIGN and not text.endswith("_")}
    gone = [text for text, name in last.items() if not name.startswith("_") and is_unknown(name)]
    assert not gone, f"no code has these names: {gone}"


def is_unknown(name: str) -> bool:
    return name.replace("_", "").lower() not in words()
