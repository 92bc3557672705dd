"""What people read: one name for each figure, everywhere; no word of ours where the trade has one."""

import ast
import re
from pathlib import Path

import pytest
from django.db.models import Model

from carefund.console.care_recipient.clients import COLUMNS
from carefund.records import models
from carefund.records.models.columns import label_of
from tests.house.tree import ROOT, modules, pages

# Figure and identifier → its one name for people, and what it is not called. Its name for programs is the key.
FIGURES = {
    "total": ("Total", r"grand total"),
    "used": ("Used", r"amount used|used amount"),
    "available": ("Available", r"available balance|available amount"),
    "rollover_deduction": ("Rollover deduction", r"roll(ed)?[- ]?(over|out)[- ](?!deduction)(amount|sum)|roll-over"),
    "write_off": ("Write off", r"write-off|writeoff|written-off"),
    "committed": ("Committed", r"commitments? total|reserved amount"),
    "safe_to_spend": ("Safe to spend", r"left over to spend|remaining to spend"),
    "rollover_received": ("Rollover received", r"rolled[- ]in\b"),
    "rollover": ("Rollover", r"\broll(s|ed|ing)? on\b|\b(goe?s?|went|move[sd]?) on (in)?to (the|this|that) next"),
    "clinical_percentage": ("Clinical", r"clinical share|clinical rate"),
    "independence_percentage": ("Independence", r"independence share"),
    "everyday_living_percentage": ("Everyday living", r"everyday share"),
    "care_recipient_id": ("Care Recipient ID", r"recipient number|client number of Services"),
    "service_provider_id": ("Service Provider ID", r"provider number"),
}
TEMPLATES = sorted((ROOT / "src/carefund/console/templates").rglob("*.html"))
INTERFACES = ("src/carefund/console", "src/carefund/cli", "src/carefund/rest")


# Sentences of ours that an Australian coordinator would not say.
DIALECT = (
    r"by itself|by themselves|let go|taken? away|wants? a (person|look)|log[- ]?(in|out)\b|made elsewhere|found now"
    r"|\d %|in your name|half an hour"
)

# What the product calls its own things, and how it does not call them: pages, messages and documents.
OWN_WORDS = {
    "email": r"\be-mail",
    "username": r"\buser names?\b",
    "turn on, turn off": r"\bswitch(es|ed|ing)?( it)? (on|off)\b",
    "paid but not drawn": r"\bpaid without (usage|a draw)\b",
}


def read(path: Path) -> str:
    """A page's text as people meet it: without what a class, an address or a name of a file says."""
    text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", " ", path.read_text(), flags=re.DOTALL)
    text = re.sub(r'\b(class|id|href|name|value|for|hx-[a-z]+|aria-labelledby|src|d)="[^"]*"', " ", text)
    return re.sub(r"\s+", " ", text)


def prose(path: Path) -> str:
    """A document's text without its code."""
    return re.sub(r"```.*?```|`[^`\n]*`|\]\([^)]*\)", " ", path.read_text(), flags=re.DOTALL)


def names_other_words(page: Path) -> bool:
    """Whether a document names what something is not called: the decisions and the glossary."""
    return page.parent.name == "decisions" or page.name == "glossary.md"


def is_read_by_people(node: ast.AST) -> bool:
    """Whether a docstring is a command's help, an endpoint's description or an error's message."""
    if isinstance(node, ast.ClassDef):
        return any(
            isinstance(item, ast.Assign)
            and ast.unparse(item.targets[0]) == "advice"
            and isinstance(item.value, ast.Constant)
            for item in node.body
        )
    decorators = [ast.unparse(decorator) for decorator in getattr(node, "decorator_list", [])]
    return any(re.match(r"\w+\.(command|callback|get|post)\b", decorator) for decorator in decorators)


def sentences(*packages: str) -> list[tuple[str, str]]:
    """The texts in these packages' Python that have more than one word, docstrings apart that only engineers read."""
    found = []
    for path, tree in modules(*packages):
        if "models" in path.parts or path.stem == "models":
            continue  # the notes at columns are for engineers
        documented = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
            and isinstance(node.body[0], ast.Expr)
            and not is_read_by_people(node)
        }
        found += [
            (str(path), node.value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and " " in node.value
            and id(node) not in documented
        ]
    return found


@pytest.mark.parametrize("figure", FIGURES)
def test_a_stored_figure_has_its_one_name_in_every_table(figure: str):
    tables = [
        model
        for model in vars(models).values()
        if isinstance(model, type) and issubclass(model, Model) and figure in {f.attname for f in model._meta.fields}
    ]
    assert {label_of(model, figure) for model in tables} <= {FIGURES[figure][0]}


@pytest.mark.parametrize("figure", FIGURES)
def test_nobody_calls_a_figure_otherwise(figure: str):
    _, others = FIGURES[figure]
    texts = [(str(path.relative_to(ROOT)), read(path)) for path in TEMPLATES]
    texts += [(str(page.relative_to(ROOT)), prose(page)) for page in pages() if not names_other_words(page)]
    wrong = [
        (where, found[0])
        for where, text in [*texts, *sentences(*INTERFACES)]
        if (found := re.search(others, text, re.I))
    ]
    assert not wrong, f"this is called {FIGURES[figure][0]!r}: {wrong}"


def test_only_a_pool_is_carried_over():
    """The funder rolls a client's budget over; the rule of a pool is another one (SAH-09)."""
    of_pools = r"care[-_]management|page_terms|glossary|support-at-home"
    texts = [(str(path.relative_to(ROOT)), read(path)) for path in TEMPLATES]
    texts += [(str(page.relative_to(ROOT)), prose(page)) for page in pages() if page.parent.name != "decisions"]
    wrong = [
        (where, text)
        for where, text in [*texts, *sentences(*INTERFACES)]
        if re.search(r"carr(y|ied|ies)[- ]over", text, re.I) and not re.search(of_pools, where)
    ]
    assert not wrong, f"a client's budget rolls over: {wrong}"


def test_headings_of_the_list_of_clients_are_those_names():
    names = {name for name, _ in FIGURES.values()}
    assert {"Care Recipient ID", "Service Provider ID", "Safe to spend"} <= names & set(COLUMNS.values())


def test_headings_of_files_and_fields_of_the_api_are_the_figures_own_names():
    roots = ("rollover_", "roll_over", "write_off", "writeoff", "written_off", "left_to", "service_provider_id")
    names = {
        node.value
        for _, tree in modules(*INTERFACES)
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"[a-z_]+", node.value)
    }
    assert {name.removesuffix("s") for name in names if name.startswith(roots)} <= set(FIGURES)


@pytest.mark.parametrize("page", TEMPLATES, ids=lambda page: page.stem)
def test_no_page_speaks_a_dialect(page: Path):
    found = re.search(DIALECT, read(page), re.I)
    assert not found, f"say it in plain words: {found and found[0]!r}"


def test_no_message_speaks_a_dialect():
    found = [(where, text) for where, text in sentences("src/carefund") if re.search(DIALECT, text, re.I)]
    assert not found, f"say it in plain words: {found}"


@pytest.mark.parametrize("word", OWN_WORDS)
def test_the_product_has_one_word_for_each_of_its_things(word: str):
    texts = [(str(path.relative_to(ROOT)), read(path)) for path in TEMPLATES]
    texts += [(str(page.relative_to(ROOT)), prose(page)) for page in pages() if page.parent.name != "decisions"]
    wrong = [
        (where, found[0])
        for where, text in [*texts, *sentences("src/carefund")]
        if (found := re.search(OWN_WORDS[word], text, re.I))
    ]
    assert not wrong, f"write {word!r}: {wrong}"


def test_the_two_ids_are_spelled_in_one_way():
    """Decision 0025: on pages, in messages, help and headings, and in the documents except the decisions."""
    texts = [(str(path.relative_to(ROOT)), read(path)) for path in TEMPLATES]
    texts += [(str(page.relative_to(ROOT)), prose(page)) for page in pages() if page.parent.name != "decisions"]
    spelled = re.compile(r"\b(?:care recipient|service provider)s?\W+id(?:s|entifiers?)?\b", re.I)
    right = re.compile(r"(Care Recipient|Service Provider)\sIDs?")
    wrong = [
        (where, found)
        for where, text in [*texts, *sentences("src/carefund", "src/sandbox")]
        for found in spelled.findall(text)
        if not right.fullmatch(found)
    ]
    assert not wrong, f"write Care Recipient ID, Service Provider ID: {wrong}"


def test_no_text_writes_a_date_in_figures():
    of_the_wire = "src/carefund/funders/dialect.py"
    found = [
        str(path)
        for path, _ in modules("src/carefund")
        if str(path) != of_the_wire and re.search(r"%-?d[./]%-?m[./]%", (ROOT / path).read_text())
    ]
    assert not found, f"write 3 November 2026, with write_day: {found}"
