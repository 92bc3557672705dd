"""How a recipe of CONTRIBUTING is followed: in a copy of the sources, touching exactly the files that it names."""

import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from tests.house.tree import ROOT


def written_recipes() -> dict[str, str]:
    """Return the text of each recipe by its heading."""
    parts = re.split(r"^### ", (ROOT / "CONTRIBUTING.md").read_text(), flags=re.MULTILINE)[1:]
    texts = {part.partition("\n")[0]: re.split(r"^## ", part, flags=re.MULTILINE)[0] for part in parts}
    return {heading: text for heading, text in texts.items() if heading.startswith("Add ")}


class Recipe:
    """One recipe in a copy of the sources; at the end of the `with` block, what was touched is what it names."""

    def __init__(self, heading: str, tree: Path) -> None:
        self.heading, self.tree = heading, tree
        self.named = set(re.findall(r"`(src/[\w./-]+)`", written_recipes()[heading]))
        self.touched: set[str] = set()

    def __enter__(self) -> "Recipe":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            assert self.touched == self.named, f"{self.heading}: the recipe names other files than were touched"

    def insert(self, name: str, beginning: str, more: str) -> None:
        """Write lines after the first one that begins like this; `{rest}` is how that one goes on."""
        path = self._find(name)
        lines = path.read_text().splitlines(keepends=True)
        place = next((number for number, line in enumerate(lines) if line.startswith(beginning)), None)
        assert place is not None, f"{name} has no line {beginning!r} any more"
        rest = lines[place].removeprefix(beginning).rstrip("\n")
        lines.insert(place + 1, more.replace("{rest}", rest) + "\n")
        path.write_text("".join(lines))

    def append(self, name: str, more: str) -> None:
        """Write lines at the end of a file."""
        path = self._find(name)
        path.write_text(path.read_text() + more)

    def create(self, folder: str, name: str, text: str) -> None:
        """Write a new file into a folder that the recipe names."""
        self.touched.add(folder)
        path = self.tree / folder.removeprefix("src/") / name
        assert not path.exists()
        path.write_text(text)

    def make_migrations(self) -> None:
        """Do what `makemigrations` does."""
        subprocess.run(
            [sys.executable, "-m", "django", "makemigrations", "--settings", "carefund.settings"],
            env=os.environ | {"PYTHONPATH": str(self.tree)},
            check=True,
            capture_output=True,
        )

    def _find(self, name: str) -> Path:
        self.touched.add(name)
        return self.tree / name.removeprefix("src/")
