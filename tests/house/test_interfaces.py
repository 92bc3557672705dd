"""Interfaces build no query: pages, the API and commands ask a package below for records.

import-linter sees modules only, so that is read from the syntax here. A package below may return a list that is read
lazily; what an interface may do with it is to count it, cut it and walk through it.
"""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import modules

INTERFACES = ("src/carefund/console", "src/carefund/rest", "src/carefund/cli")
DATABASE = re.compile(r"^django\.(db|contrib\.auth\.models\.UserManager)\b")
NAMES = {"QuerySet", "Q", "F", "Exists", "OuterRef", "Prefetch", "get_object_or_404", "get_list_or_404"}
ATTRIBUTES = {"objects", "_default_manager", "_base_manager"}
# What only a manager or a query has, whatever it is called on.
QUERY_CALLS = {
    "aggregate", "annotate", "bulk_create", "bulk_update", "create_superuser", "create_user", "defer", "distinct",
    "exclude", "exists", "filter", "first", "get_or_create", "in_bulk", "last", "only", "order_by", "prefetch_related",
    "refresh_from_db", "select_for_update", "select_related", "update_or_create", "using", "values_list",
}  # fmt: skip
# What others have as well: a query's is called without arguments, a model's without `commit=False`.
BARE = {"all", "delete", "get", "none", "save"}


# What packages below raise when there is nothing, when somebody may not, or when a funder refuses; who translates it.
RAISED_BELOW = {"NotHere", "PermissionDenied", "FunderError", "Http404", "DatabaseError", "WorkFailed"}
TRANSLATORS = {
    "src/carefund/console/page_access.py",
    "src/carefund/rest/refusals.py",
    "src/carefund/cli/refusals.py",
}
THROUGH_THE_GATE = re.compile(r"^find_(client|care_recipient|contract_to|match|invoice)")


def uses(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Every use of the database's language in a module."""
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(module)) if DATABASE.match(module):
                yield node.lineno, f"imports {module}"
            case ast.Import(names=names) if any(DATABASE.match(alias.name) for alias in names):
                yield node.lineno, "imports the database"
            case ast.Name(id=name) if name in NAMES:
                yield node.lineno, name
            case ast.Attribute(attr=name) if name in ATTRIBUTES:
                yield node.lineno, f".{name}"
            case ast.Call(func=ast.Attribute(attr=name)) if name in QUERY_CALLS:
                yield node.lineno, f".{name}(…)"
            case ast.Call(func=ast.Attribute(attr=name), args=[], keywords=[]) if name in BARE:
                yield node.lineno, f".{name}()"


def test_interfaces_build_no_queries() -> None:
    found = [f"{path}:{line} {what}" for path, tree in modules(*INTERFACES) for line, what in sorted(set(uses(tree)))]
    listed = "\n".join(found)
    assert not found, f"say it as a function of records, runs or access, whose name says what is asked:\n{listed}"


def test_what_an_interface_may_not_do_is_recognised() -> None:
    forbidden = """
from django.db import transaction
from django.db.models import Q
Client.objects.get(pk=1)
batch.claims.all()
clients.filter(name="x")
get_object_or_404(Client, pk=1)
person.save()
"""
    allowed = "form.save(commit=False)\n[1].count(1)\nlist(list_claims()[:5])\n{}.values()\n"
    assert {line for line, _ in uses(ast.parse(forbidden))} == set(range(2, 9))
    assert not list(uses(ast.parse(allowed)))


def test_each_interface_translates_refusals_in_one_place() -> None:
    elsewhere = [
        f"{path}:{node.lineno} {ast.unparse(node.type)}"
        for path, tree in modules(*INTERFACES)
        if str(path) not in TRANSLATORS
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler) and node.type is not None
        if RAISED_BELOW & set(re.findall(r"\w+", ast.unparse(node.type)))
    ]
    assert not elsewhere, f"let it pass; {sorted(TRANSLATORS)} say it once for each interface: {elsewhere}"


def test_a_record_of_somebody_is_had_through_the_gate() -> None:
    around = [
        f"{path}:{node.lineno} {alias.name} of {node.module}"
        for path, tree in modules(*INTERFACES)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module != "carefund.access.gate"
        for alias in node.names
        if THROUGH_THE_GATE.match(alias.name)
    ]
    assert not around, f"obtaining one means being allowed to; ask carefund.access.gate: {around}"
