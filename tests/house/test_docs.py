"""The documentation lists what there is: each command, setting, error and address, and no link leads nowhere."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from tests.house.tree import DOCS, ROOT, modules, pages, strings

# Read by tools and tests, not by the product.
SETTINGS_OF_THE_SUITE = {"CAREFUND_SUITE", "CAREFUND_TEST_DATABASE_URL"}


def optional_module(name: str) -> Any:
    """The module, or None while that package is still empty."""
    return importlib.import_module(name) if importlib.util.find_spec(name) else None


def text(name: str) -> str:
    """The text of a page in docs, empty if it does not exist."""
    path = DOCS / name
    return path.read_text() if path.exists() else ""


def settings() -> set[str]:
    """The names of all environment variables that settings.py reads."""
    names = {name for path, tree in modules("src/carefund") if path.name == "settings.py" for name in strings(tree)}
    return {name for name in names if re.fullmatch(r"CAREFUND_[A-Z0-9_]+", name)}


def test_every_setting_is_documented():
    missing = settings() - set(re.findall(r"`(CAREFUND_[A-Z0-9_]+)`", text("settings.md")))
    assert not missing, f"add a row to docs/settings.md for {sorted(missing)}"


def test_every_documented_setting_exists():
    mentioned = {
        name for page in pages() for name in re.findall(r"\b(CAREFUND_[A-Z0-9_]*[A-Z0-9])\b", page.read_text())
    }
    gone = mentioned - settings() - SETTINGS_OF_THE_SUITE
    assert not gone, f"no longer read by settings.py: {sorted(gone)}"


def commands() -> Iterator[tuple[str, Any]]:
    """Every command that can be typed, as («carefund runs list», its description)."""
    main = optional_module("carefund.cli.main")
    if main is not None:
        yield from walk("carefund", typer.main.get_command(main.app))


def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """A command and what lies below it; a group itself is nothing that one types."""
    below = getattr(command, "commands", {})
    if not below:
        yield name, command
    for word, inner in below.items():
        if not inner.hidden:
            yield from walk(f"{name} {word}", inner)


def test_every_command_and_option_is_documented():
    page = text("commands.md")
    missing = []
    for name, command in commands():
        section = re.search(rf"^## `{re.escape(name)}\b[^\n]*\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
        if section is None:
            missing.append(name)
            continue
        options = [option for parameter in command.params for option in parameter.opts if option.startswith("--")]
        missing += [
            f"{name} {option}" for option in options if option != "--help" and f"`{option}" not in section.group()
        ]
    assert not missing, f"docs/commands.md has no section or option for {missing}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_command_in_the_prose_exists(page: Path):
    known = {name for name, _ in commands()}
    beginnings = {" ".join(name.split()[:length]) for name in known for length in (2, 3)}
    typed = re.findall(r"`(?:\.venv/bin/)?(carefund [a-z-]+(?: [a-z-]+)?)", page.read_text())
    gone = {line for line in typed if line not in beginnings and " ".join(line.split()[:2]) not in known}
    assert not (known and gone), f"{page.name} names commands that do not exist: {sorted(gone)}"


def test_every_make_target_in_the_prose_exists_and_describes_itself():
    makefile = (ROOT / "Makefile").read_text()
    described = set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    declared = set(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split())
    typed = {target for page in pages() for target in re.findall(r"`make ([a-z-]+)", page.read_text())}
    assert declared == described
    assert typed <= described


def test_every_error_is_documented():
    errors = optional_module("carefund.funders.errors.tree")
    codes = [leaf.code for leaf in errors.all_leaves()] if errors else []
    missing = [code for code in codes if f"`{code}`" not in text("errors.md")]
    assert not missing, f"docs/errors.md does not list {missing}"


def test_every_sandbox_control_address_is_documented():
    addresses = {name for _, tree in modules("src/sandbox") for name in strings(tree) if name.startswith("/sandbox/")}
    described = text("sandbox.md")
    missing = [
        address for address in sorted(addresses)
        if f"{address}`" not in described and not (address.endswith("/") and f"{address}{{" in described)
    ]  # fmt: skip
    assert not missing, f"docs/sandbox.md does not list {missing}"


def test_every_rest_endpoint_is_documented():
    rest = optional_module("carefund.rest.api")
    paths = rest.api.get_openapi_schema()["paths"] if rest else {}
    missing = [path for path in paths if f"{path}`" not in text("rest.md")]
    assert not missing, f"docs/rest.md does not list {missing}"


def test_every_kind_of_refusal_is_documented():
    problems = optional_module("carefund.rest.problems")
    kinds = problems.KINDS if problems else {}
    missing = [code for code, kind in kinds.items() if f"| {kind.status} | `{code}` |" not in text("rest.md")]
    assert not missing, f"docs/rest.md does not list {missing}"


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_link_leads_nowhere(page: Path):
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", page.read_text())
    gone = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert not gone, f"{page.name}: {gone}"


def test_decisions_are_numbered_without_gaps():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [int(page.name[:4]) for page in pages]
    assert numbers == list(range(len(pages)))
    wrong = [page.name for page in pages[1:] if not page.read_text().startswith(f"# {page.name[:4]}: ")]
    assert not wrong, f"the heading has another number: {wrong}"


@pytest.mark.parametrize("page", sorted(DOCS.glob("for-*.md")), ids=lambda page: page.name)
def test_what_readers_are_asked_to_choose_is_on_a_page(page: Path):
    """In the pages by reader, bold words are those of the console."""
    code = [path for pattern in ("*.html", "*.py") for path in (ROOT / "src/carefund").rglob(pattern)]
    said = " ".join(re.sub(r"\s+", " ", path.read_text()) for path in code)
    named = [re.sub(r"\s+", " ", words) for words in re.findall(r"\*\*([^*]+)\*\*", page.read_text())]
    gone = [words for words in named if words not in said and words not in {"Fetch", "Compare", "Apply"}]
    assert not gone, f"{page.name} names what no page says: {gone}"
