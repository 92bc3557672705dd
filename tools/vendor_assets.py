"""Copy the console's icons and typeface out of their npm packages into the tree, so that no page loads from elsewhere.

Run it by hand (`.venv/bin/python tools/vendor_assets.py`, needs npm) after adding a name to ICONS or moving a version.
The result is committed: icons.svg (one sprite of Lucide symbols), the typeface, and the licences of both.
"""

import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

LUCIDE = "lucide-static@1.62.0"
TYPEFACE = "@fontsource-variable/atkinson-hyperlegible-next@5.3.0"
TYPEFACE_FILE = "files/atkinson-hyperlegible-next-latin-wght-normal.woff2"
TARGET = Path(__file__).parent.parent / "src/carefund/console/static/console"

_NAMES = """
activity arrow-down arrow-left arrow-right arrow-up arrow-up-down ban building-2 calendar calendar-clock check
chevron-down chevron-left chevron-right circle-alert circle-check circle-help circle-stop circle-x clipboard-list clock
cloud-off columns-3 download external-link eye file-check file-text filter hand-coins heart-handshake history house info
key-round landmark layers link list-checks list-filter lock log-in log-out menu minus moon pause play plug plus printer
receipt refresh-cw rotate-ccw scale search settings shield-alert shield-check smartphone sun sun-moon trending-down
trending-up triangle-alert unplug upload user user-cog user-plus users wallet x
"""
ICONS = _NAMES.split()


def unpack(package: str, folder: Path) -> Path:
    """Download one package with npm and unpack it; gives the folder of its content."""
    folder.mkdir()
    subprocess.run(["npm", "pack", "--silent", package], cwd=folder, check=True, stdout=subprocess.DEVNULL)
    with tarfile.open(next(folder.glob("*.tgz"))) as archive:
        archive.extractall(folder, filter="data")
    return folder / "package"


def as_symbol(name: str, drawing: str) -> str:
    """One Lucide drawing as a symbol of the sprite; colour and width of the line come from the style sheet."""
    found = re.search(r"<svg[^>]*>(.*)</svg>", drawing, re.DOTALL)
    if found is None:
        sys.exit(f"{name} is not a drawing")
    content = re.sub(r"\s*\n\s*", "", found.group(1))
    return f'<symbol id="{name}" viewBox="0 0 24 24">{content}</symbol>'


def main() -> None:
    """Write the sprite, the typeface and the licences."""
    TARGET.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        lucide = unpack(LUCIDE, Path(scratch, "lucide"))
        typeface = unpack(TYPEFACE, Path(scratch, "typeface"))
        missing = [name for name in ICONS if not (lucide / "icons" / f"{name}.svg").is_file()]
        if missing:
            sys.exit(f"Lucide has no: {' '.join(missing)}")
        symbols = [as_symbol(name, (lucide / "icons" / f"{name}.svg").read_text()) for name in ICONS]
        sprite = '<svg xmlns="http://www.w3.org/2000/svg">\n' + "\n".join(symbols) + "\n</svg>\n"
        (TARGET / "icons.svg").write_text(sprite)
        shutil.copy(typeface / TYPEFACE_FILE, TARGET / "atkinson-hyperlegible-next.woff2")
        licences = [
            f"{package}\n\n{(folder / 'LICENSE').read_text()}"
            for package, folder in ((LUCIDE, lucide), (TYPEFACE, typeface))
        ]
        (TARGET / "LICENCES.txt").write_text("\n\n".join(licences))


if __name__ == "__main__":
    main()
