"""What nothing uses: functions, methods, properties and classes of src that no code and no template names.

Tests do not count as use: what only a test calls is dead as well. Columns, attributes of payloads and members of enums
are left out, because they are read by name. What a library calls, by its name or its decorator, stands in
pyproject.toml under [tool.vulture]; what is kept on purpose under [tool.carefund.kept], with the reason. A reason that
nothing needs any more is reported too.

    python tools/unused.py
"""

import re
import sys
import tomllib
from pathlib import Path

from vulture.core import Vulture

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("src", "benchmarks", "tools")
KINDS = {"function", "method", "property", "class", "import", "unreachable_code"}
DOTTED = re.compile(r"""["']carefund\.[\w.]+\.(\w+)["']""")
TAG = re.compile(r"\{[{%](.*?)[%}]\}", re.DOTALL)
WORD = re.compile(r"[A-Za-z_]\w*")


def main() -> int:
    """Print what is unused, a line each; the exit status is 0 if nothing is."""
    tools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]
    kept: dict[str, str] = tools["carefund"]["kept"]
    finder = Vulture(
        ignore_names=tools["vulture"]["ignore_names"], ignore_decorators=tools["vulture"]["ignore_decorators"]
    )
    finder.scavenge([ROOT / folder for folder in FOLDERS], exclude=["*/migrations/*"])
    finder.used_names |= words_of_templates() | names_in_settings()
    unused = [item for item in finder.get_unused_code(min_confidence=60) if item.typ in KINDS]
    lines = [
        f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno} unused {item.typ} {item.name}"
        for item in unused
        if item.name not in kept
    ]
    needless = kept.keys() - {item.name for item in unused}
    lines += [f"pyproject.toml keeps {name}, which is in use or gone" for name in sorted(needless)]
    print("\n".join(lines) or "nothing is unused")
    return 1 if lines else 0


def words_of_templates() -> set[str]:
    """Every name inside the tags of the templates: fields, properties, filters and tags that a page uses."""
    return {
        word
        for path in (ROOT / "src").rglob("*.html")
        for tag in TAG.findall(path.read_text())
        for word in WORD.findall(tag)
    }


def names_in_settings() -> set[str]:
    """What is named by a dotted path in a string: middleware, error pages, log handlers."""
    return {name for path in (ROOT / "src").rglob("*.py") for name in DOTTED.findall(path.read_text())}


if __name__ == "__main__":
    sys.exit(main())
