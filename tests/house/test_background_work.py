"""Background work has one lease, one clock, no funder by name. Each message says what to do instead."""

import ast
import re
from collections.abc import Iterator

from tests.house.tree import modules

# Two are no work: the one writer of the device's key, and the limit on calls that all processes share.
LEASES = {"RunItem.held_until", "ProdaDevice.lease_until", "CallLimit.closed_until"}
LEASE = re.compile(r"^(held|busy|lease|closed|taken|locked)_until$")
PREVIEWS = {"Preview"}
PARTICULAR = re.compile(r"carefund\.funders\.(services_australia|ndia|opening|proda|http)\b")
WAITING = re.compile(
    r"(asyncio|aiohttp)\b|carefund\.runs\.foreground\b|carefund\.funders\.(sessions|http|proda|services_australia\.client)\b"
    r"|carefund\.runs\.funder_sessions\.open_"
)
CLIENTS = re.compile(r"ServicesAustralia|Ndia|PaceSource|Partner|Proda")


def classes(folder: str) -> Iterator[ast.ClassDef]:
    for _, tree in modules(folder):
        yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def columns(model: ast.ClassDef) -> Iterator[str]:
    """The names that a class gives a column of a model."""
    for node in model.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)], value=ast.Call(func=ast.Attribute(value=ast.Name(id="models")))
            ):
                yield name


def test_work_is_held_by_one_lease():
    held = {
        f"{model.name}.{column}"
        for model in classes("src/carefund")
        for column in columns(model)
        if LEASE.search(column)
    }
    assert held >= LEASES, f"a lease was renamed; name it here: {sorted(LEASES - held)}"
    assert held == LEASES, f"make it a kind of work, whose items are held by RunItem: {sorted(held - LEASES)}"


def test_no_loop_watches_for_work_of_its_own():
    loops = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in modules("src/carefund")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if re.search(r"_when_(due|asked)$", node.name)
    ]
    assert not loops, f"what recurs is an entry of runs/schedule.py, what is asked for is a run: {loops}"


def test_background_work_knows_no_particular_funder():
    known = []
    for path, tree in modules("src/carefund/runs"):
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=str(module)) if PARTICULAR.match(module):
                    known.append(f"{path}:{node.lineno} imports {module}")
                case ast.Import(names=names) if any(PARTICULAR.match(alias.name) for alias in names):
                    known.append(f"{path}:{node.lineno} imports a funder")
                case ast.Call(func=ast.Name(id="isinstance"), args=[_, kinds]) if CLIENTS.search(ast.unparse(kinds)):
                    known.append(f"{path}:{node.lineno} asks which client it has")
    assert not known, f"say it in the table of funders, funders/registry.py: {known}"


def test_previews_do_not_multiply():
    previews = {model.name for model in classes("src/carefund") if "Preview" in model.name and list(columns(model))}
    assert previews == PREVIEWS, f"keep what was shown in runs.models.Preview: {sorted(previews - PREVIEWS)}"


def test_no_page_and_no_call_waits_for_a_funder():
    """Four people at a page that waited for a funder that hung once stopped the whole console."""
    asking = []
    for path, tree in modules("src/carefund/console", "src/carefund/rest"):
        for node in ast.walk(tree):
            match node:
                case ast.ImportFrom(module=str(module), names=names):
                    found = {f"{module}.{alias.name}" for alias in names}
                case ast.Import(names=names):
                    found = {alias.name for alias in names}
                case _:
                    continue
            asking += [f"{path}:{node.lineno} {name}" for name in found if WAITING.match(name)]
    assert not asking, f"ask for background work, which is watched: {asking}"
    assert all(WAITING.match(name) for name in ("asyncio", "carefund.runs.foreground.finish_now"))
