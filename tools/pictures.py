"""Photograph the main pages of the demo world into docs/pictures: `make pictures`.

Starts `carefund demo` in a folder that is thrown away, signs in as its administrator, and takes each page on a desktop,
some in the dark theme and on a phone. Needs Chromium. Everybody in the pictures is fictitious.
"""

import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

TARGET = Path(__file__).parent.parent / "docs" / "pictures"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
PASSWORD = "wattle-grove-demo"
DESKTOP, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 800}

# name of the picture: (address, what to press before it is taken)
PAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "home": ("/", ()),
    "clients": ("/clients", ()),
    "client": ("/clients/1", ()),
    "synchronise": ("/clients/1", ("Synchronise Budget Information",)),
    "plan": ("/clients/1/plan", ()),
    "run": ("/runs/1?only=", ()),
}
IN_THE_DARK = ("client",)
ON_A_PHONE = ("client", "clients")


@contextmanager
def demo() -> Iterator[str]:
    """A running demo; gives the console's address."""
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", "carefund.cli.main", "demo"], cwd=folder, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        try:
            line = next((line for line in process.stdout if "console is on" in line), "")
            found = re.search(r"http://[\d.:]+\d", line)
            if found is None:
                sys.exit("The demo did not start; try `make demo` to see why.")
            wait_for(found.group())
            yield found.group()
        finally:
            process.terminate()
            process.wait(60)


def wait_for(address: str) -> None:
    """Wait until the console answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/sign-in", timeout=5)
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
        else:
            return
    sys.exit("The console did not answer.")


def sign_in(page: Page) -> None:
    """Sign in as the demo's administrator."""
    page.goto("/sign-in")
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def photograph(page: Page, name: str, suffix: str = "") -> None:
    """Take one page as it fits the window."""
    address, steps = PAGES[name]
    page.goto(address)
    for step in steps:
        page.get_by_role("link", name=step).first.click()
        page.get_by_role("dialog").get_by_role("button").first.wait_for()
    page.evaluate("document.fonts.ready")
    page.screenshot(path=TARGET / f"{name}{suffix}.png", animations="disabled")


def main() -> None:
    """All pictures."""
    if not Path(CHROMIUM).exists():
        sys.exit("pictures: Chromium is not installed (apt-get install chromium)")
    TARGET.mkdir(parents=True, exist_ok=True)
    with demo() as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        for names, window, theme, suffix in (
            (tuple(PAGES), DESKTOP, "light", ""),
            (IN_THE_DARK, DESKTOP, "dark", "-dark"),
            (ON_A_PHONE, PHONE, "light", "-phone"),
        ):
            context = browser.new_context(base_url=address, viewport=window, color_scheme=theme)  # type: ignore[arg-type]
            page = context.new_page()
            sign_in(page)
            for name in names:
                photograph(page, name, suffix)
            context.close()
        browser.close()
    print(f"{len(list(TARGET.glob('*.png')))} pictures in {TARGET.relative_to(Path.cwd())}")


if __name__ == "__main__":
    main()
