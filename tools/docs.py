"""Build the documentation as a searchable site: `make docs`. A dead link, a missing page or an orphan fails it.

The pages are those of docs, CONTRIBUTING and CHANGELOG. What docs/index.md links under a heading is that heading's part
of the navigation, so a page that nobody can find is an error. The site is plain files: it opens from a disk, its
search included, and loads nothing from elsewhere.

    python tools/docs.py             into site/
    python tools/docs.py --check     into a folder that is thrown away
"""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from sphinx.cmd.build import build_main

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
TARGET = ROOT / "site"
CONFIGURATION = Path(__file__).resolve().parent / "site"
AT_THE_ROOT = ("CONTRIBUTING.md", "CHANGELOG.md")
FOLDERS = {"decisions.md": "decisions", "rules/README.md": "rules"}  # pages that stand for all pages of a folder
ELSEWHERE = re.compile(
    r'<(?:script|link|img|iframe|source)\b[^>]*?\b(?:src|href)="((?:https?:)?//[^"]+)"|url\((https?:[^)]+)\)'
)


def main() -> int:
    """Build, and return the exit status."""
    with tempfile.TemporaryDirectory() as folder:
        pages, target = Path(folder) / "pages", TARGET if "--check" not in sys.argv else Path(folder) / "site"
        stage(pages)
        arguments = ["-W", "--keep-going", "-q", "-b", "html", "-d", f"{folder}/doctrees", "-c", str(CONFIGURATION)]
        failed = build_main([*arguments, str(pages), str(target)])
        foreign = sorted(set(find_foreign(target)))
    for line in foreign:
        print(f"loaded from elsewhere: {line}")
    if failed or foreign:
        return 1
    print("documentation: good" if "--check" in sys.argv else f"documentation: {TARGET.relative_to(ROOT)}/index.html")
    return 0


def stage(pages: Path) -> None:
    """Lay out the pages as the site has them, with the navigation that the index describes."""
    shutil.copytree(DOCS, pages)
    for name in AT_THE_ROOT:
        text = (ROOT / name).read_text().replace("](docs/", "](")
        (pages / name).write_text(text)
    for page in DOCS.rglob("*.md"):
        staged = pages / page.relative_to(DOCS)
        text = staged.read_text()
        for name in AT_THE_ROOT:
            text = text.replace(f"](../{name}", f"]({name}").replace(f"](../../{name}", f"](../{name}")
        staged.write_text(text)
    for page in (pages / "rules").glob("*.md"):
        page.write_text(name_followers(page.read_text(), find_followers()))
    index = pages / "index.md"
    index.write_text(index.read_text() + "".join(navigation(index.read_text())))
    for name, folder in FOLDERS.items():
        below = [f"/{folder}/{page.stem}" for page in sorted((DOCS / folder).glob("*.md")) if page != DOCS / name]
        with (pages / name).open("a") as page:
            page.write(toctree(below, maxdepth="1"))


def find_followers() -> dict[str, list[str]]:
    """Return the modules that follow each rule: those that name it as their source."""
    followers: dict[str, list[str]] = {}
    for path in sorted((ROOT / "src").rglob("*.py")):
        text = path.read_text()
        for source in re.findall(r"\bSource: (rules? [^.]*)", text):
            for series, first, last in re.findall(r"\b([A-Z]+)-(\d\d)(?: to (?:[A-Z]+-)?(\d\d))?", source):
                for number in range(int(first), int(last or first) + 1):
                    places = followers.setdefault(f"{series}-{number:02}", [])
                    if (name := str(path.relative_to(ROOT))) not in places:
                        places.append(name)
    return followers


def name_followers(text: str, followers: dict[str, list[str]]) -> str:
    """Return a page of rules with the modules that follow each one below its heading."""
    return re.sub(
        r"^### ([A-Z]+-\d\d): .*$",
        lambda rule: f"{rule.group()}\n\nFollowed in {', '.join(f'`{name}`' for name in followers.get(rule[1], []))}.",
        text,
        flags=re.MULTILINE,
    )


def navigation(index: str) -> Iterator[str]:
    """Return one part per heading of the index: the pages that are linked below it."""
    seen: set[str] = set()
    for part in re.split(r"^## ", index, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        linked = [page for page in re.findall(r"\]\(([^)#:]+)\.md\)", text) if page not in seen]
        seen.update(linked)
        yield toctree([page.removeprefix("../") for page in linked], caption=heading, hidden="")


def toctree(pages: Iterable[str], **options: str) -> str:
    """Return the directive by which Sphinx puts pages below the one that it stands on."""
    lines = [*(f":{name}: {value}".rstrip() for name, value in options.items()), "", *pages]
    return "\n```{toctree}\n" + "\n".join(lines) + "\n```\n"


def find_foreign(target: Path) -> Iterator[str]:
    """Return what the built pages and style sheets would load from another host."""
    for path in target.rglob("*"):
        if path.suffix in {".html", ".css"}:
            for found in ELSEWHERE.finditer(path.read_text()):
                yield f"{path.relative_to(target)}: {found.group(1) or found.group(2)}"


if __name__ == "__main__":
    sys.exit(main())
