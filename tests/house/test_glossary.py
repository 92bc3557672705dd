"""The glossary is true: each term's place exists, and what is not called so is not called so, in code or on a page."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from carefund.console.page_terms import PAGE_TERMS
from tests.house.tree import DOCS, ROOT, modules

TEMPLATES = ROOT / "src/carefund/console/templates"
# A payload type and the model that keeps it carry one name on purpose: CONTRIBUTING's recipes rely on it.
PAYLOAD_AND_MODEL = {
    "ApprovedService", "BudgetUsage", "Classification", "Entitlement", "IndividualContribution", "Supplement",
}  # fmt: skip


class Entry(NamedTuple):
    """One line of the glossary."""

    term: str
    meaning: str
    where: str
    not_called: str


def entries() -> list[Entry]:
    """Return the lines of all tables."""
    rows = re.findall(r"^\| (.+) \|$", (DOCS / "glossary.md").read_text(), re.MULTILINE)
    cells = [[cell.strip() for cell in f"{row} ".split(" | ")] for row in rows if not row.startswith(("Term", "---"))]
    return [Entry(*row) for row in cells]


def refused_words(where: str) -> dict[str, str]:
    """Return the words that are not used in this place ("in code", "on pages"), each with the term that is."""
    words = {}
    for entry in entries():
        for text in filter(None, entry.not_called.split(", ")):
            word, _, only = text.partition(" (")
            if only in ("", f"{where})"):
                words[word] = entry.term
    return words


def public_names() -> Iterator[tuple[str, str]]:
    """Return the name of every public module, class and function as (where, its words in lower case)."""
    for path, tree in modules("src/carefund"):
        yield str(path), " ".join(path.stem.split("_"))
        for node in ast.walk(tree):
            if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if not node.name.startswith("_"):
                words = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", node.name)
                yield f"{path}:{node.lineno} {node.name}", " ".join(words).lower()


def page_texts() -> Iterator[tuple[Path, str]]:
    """Return what people read on each template, without tags and what the server puts in."""
    for path in sorted(TEMPLATES.rglob("*.html")):
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", " ", path.read_text(), flags=re.DOTALL)
        yield path.relative_to(TEMPLATES), re.sub(r"\s+", " ", text)


def test_each_term_stands_once_and_is_complete() -> None:
    terms = Counter(entry.term for entry in entries())
    assert len(terms) > 50
    assert [term for term, number in terms.items() if number > 1] == []
    assert [entry.term for entry in entries() if not (entry.meaning and entry.where)] == []


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: entry.term)
def test_where_a_term_is_used_exists(entry: Entry) -> None:
    named = re.findall(r"`([^`]+)`", entry.where)
    linked = re.findall(r"\]\(([^)#]+)", entry.where)
    gone = [name for name in named if not (ROOT / "src/carefund" / name).is_file() and not (ROOT / name).is_file()]
    gone += [link for link in linked if not (DOCS / link).is_file()]
    assert not gone
    assert named or linked


def test_the_help_page_gives_the_meaning_that_stands_here() -> None:
    meanings = {entry.term: entry.meaning.replace("*", "") for entry in entries()}
    assert {term: meanings.get(term) for term, _ in PAGE_TERMS} == dict(PAGE_TERMS)


def test_no_public_name_has_a_word_that_the_glossary_replaces() -> None:
    refused = refused_words("in code")
    found = [
        f"{where}: say {refused[word]}, not {word}"
        for where, words in public_names()
        for word in refused
        if re.search(rf"\b{re.escape(word)}\b", words)
    ]
    assert not found, "\n".join(found)


def test_no_page_has_a_word_that_the_glossary_replaces() -> None:
    refused = refused_words("on pages")
    found = [
        f"{path}: say {refused[word]}, not {word}"
        for path, text in page_texts()
        for word in refused
        if re.search(rf"\b[{word[0]}{word[0].upper()}]{re.escape(word[1:])}\b", text)
    ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("package", ["src/carefund", "src/sandbox"])
def test_a_public_class_name_stands_for_one_thing(package: str) -> None:
    places: dict[str, list[str]] = {}
    for path, tree in modules(package):
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(str(path))
    twice = {name: where for name, where in places.items() if len(where) > 1 and name not in PAYLOAD_AND_MODEL}
    assert not twice, f"two things of one name: {twice}"
