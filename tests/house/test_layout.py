"""Packages, names and sizes stay as CONTRIBUTING.md describes them. Each message says what to do instead."""

import ast
import re
import sys
from pathlib import Path

from tests.house.tree import ROOT, SAYS_NOTHING, modules

DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "services", "managers", "shared"}
TEST_PACKAGES = {
    "domain", "funders", "sandbox", "records", "sync", "runs", "access", "console", "cli", "rest", "journeys", "house",
    "benchmarks", "tools",
}  # fmt: skip
LONGEST_MODULE = 300
LONGEST_FUNCTION = 60
WRITTEN = {".py", ".md", ".html", ".css", ".js", ".toml", ".yaml", ".yml", ".txt", ".sh", ".env", ""}


def test_no_drawer_collects_what_has_no_package():
    found = [
        str(path) for path, _ in modules("src", "tools", "tests") if DRAWERS & {part.lower() for part in stems(path)}
    ]
    assert not found, f"name the package that this belongs to instead: {found}"


def stems(path: Path) -> list[str]:
    return [*path.parts[:-1], path.stem]


def test_a_module_fits_in_one_head():
    lengths = {str(path): len((ROOT / path).read_text().splitlines()) for path, _ in modules("src")}
    long = [path for path, lines in lengths.items() if lines > LONGEST_MODULE]
    assert not long, (
        f"more than {LONGEST_MODULE} lines hold more than one subject, give the second its own module: {long}"
    )


def test_a_function_fits_on_a_screen():
    long = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in modules("src")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno >= LONGEST_FUNCTION
    ]
    assert not long, f"more than {LONGEST_FUNCTION} lines: name its steps: {long}"


def test_no_import_hides_in_a_function():
    hidden = [
        f"{path}:{inner.lineno}"
        for path, tree in modules("src", "tools", "tests")
        if path.name != "apps.py"  # Django itself wants models imported only when it says that it is ready
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for inner in ast.walk(node)
        if isinstance(inner, ast.Import | ast.ImportFrom)
    ]
    assert not hidden, f"import at the top; if that makes a circle, a package is missing: {hidden}"


def test_rules_import_only_the_standard_library():
    foreign = [
        f"{path}: {name}"
        for path, tree in modules("src/carefund/domain")
        for name in imported(tree)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("carefund.domain")
    ]
    assert not foreign, f"a rule takes what it needs as arguments: {foreign}"


def imported(tree: ast.AST) -> list[str]:
    """The full names of what a module imports."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return names


def test_rules_have_no_clock():
    clocks = re.compile(r"\b(date\.today|datetime\.now|datetime\.utcnow|time\.time|timezone\.now)\(")
    found = [str(path) for path, _ in modules("src/carefund/domain") if clocks.search((ROOT / path).read_text())]
    assert not found, f"pass today or the instant as an argument: {found}"


def test_only_the_settings_read_the_environment():
    readers = [
        f"{path}:{node.lineno}"
        for path, tree in modules("src/carefund")
        if path.name != "settings.py"
        for node in ast.walk(tree)
        if reads_environment(node)
    ]
    assert not readers, f"add a setting to settings.py and hand its value on: {readers}"


def reads_environment(node: ast.AST) -> bool:
    """Whether a piece of syntax reads one environment variable; handing on or changing all of them is not reading."""
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="os"), attr="getenv")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="environ"), attr="get")):
            return True
        case ast.Subscript(value=ast.Attribute(attr="environ"), ctx=ast.Load()):
            return True
    return False


def test_every_test_folder_mirrors_a_package():
    folders = {path.parts[1] for path, _ in modules("tests") if len(path.parts) > 2}
    assert folders <= TEST_PACKAGES, (
        f"tests live where the code that they prove lives: {sorted(folders - TEST_PACKAGES)}"
    )


def test_no_banner_divides_a_module():
    banner = re.compile(r"^ *# [-=]{3,}", re.MULTILINE)
    found = [str(path) for path, _ in modules("src", "tests", "tools") if banner.search((ROOT / path).read_text())]
    assert not found, f"a part that needs a banner is a module of its own: {found}"


def test_every_note_to_self_has_a_number():
    note = re.compile(r"\b(?:TO" r"DO|FIX" r"ME)\b(?!\(#\d+\))")
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in written_files()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if note.search(line)
    ]
    assert not found, f"write down the number of the matter: TODO(#12): {found}"


def written_files() -> list[Path]:
    """The files that people wrote, data of packages apart."""
    folders = ("src", "tests", "tools", "docs", "benchmarks", ".ci")
    inside = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    files = [path for path in [*ROOT.glob("*"), *inside] if path.is_file() and path.suffix in WRITTEN]
    unwritten = {"LICENSE", "uv.lock", ".git"}  # in a worktree, .git is a file
    return [path for path in files if path.name not in unwritten and not {"vendor", "__pycache__"} & set(path.parts)]


def test_what_is_money_is_said_by_the_columns_alone():
    """A list of amounts written by hand is one that the next amount is missing from."""
    amounts = {"total", "available", "used", "write_off", "rollover_deduction"}
    lists = [
        f"{path}:{node.lineno}"
        for path, tree in modules("src/carefund")
        for node in ast.walk(tree)
        if isinstance(node, ast.Tuple | ast.Set | ast.List)
        and len(amounts & {constant.value for constant in node.elts if isinstance(constant, ast.Constant)}) > 2
    ]
    assert not lists, f"ask records/models/columns.py by the model's own column: {lists}"


def test_a_loop_variable_says_what_it_holds():
    """A reader of `for each in found` has to look up what was found, one of `for claim in found` does not."""
    found = [
        f"{path}:{name.lineno} {name.id}"
        for path, tree in modules("src", "tests", "tools", "benchmarks")
        for node in ast.walk(tree)
        for target in targets(node)
        for name in ast.walk(target)
        if isinstance(name, ast.Name) and name.id in SAYS_NOTHING
    ]
    parameters = [
        f"{path}:{parameter.lineno} {parameter.arg}"
        for path, tree in modules("src", "tests", "tools", "benchmarks")
        for node in ast.walk(tree)
        if isinstance(node, ast.Lambda)
        for parameter in ast.walk(node.args)
        if isinstance(parameter, ast.arg) and parameter.arg in SAYS_NOTHING
    ]
    assert not found + parameters, f"name it after what it holds (budget, line, client, draw): {found + parameters}"


def targets(node: ast.AST) -> list[ast.AST]:
    """What a loop or a comprehension names, part by part."""
    if isinstance(node, ast.For | ast.AsyncFor | ast.comprehension):
        return [node.target]
    return []
