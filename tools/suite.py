"""Everything that says whether this tree is good: checks first, then the tests on each database.

`make test` runs it. On a newcomer's machine it runs what the machine can, and says in one line each what was left out
and how to get it. With CAREFUND_SUITE=everything (that is CI) anything left out, and any skipped test, is a failure.

    python tools/suite.py                  checks, tests on SQLite, tests on PostgreSQL
    python tools/suite.py --checks-only    checks
    python tools/suite.py -k budgets       arguments for pytest: the tests only
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from postgresql import missing_postgresql, running_postgresql

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = Path(sys.executable).parent
BROWSERS = ("chromium", "google-chrome", "google-chrome-stable")
PLAYWRIGHT_BROWSERS = Path.home() / ".cache" / "ms-playwright"
NOTHING_COLLECTED = 5
# Tests wait for processes, locks and clocks about as long as they compute.
AT_ONCE = str((os.cpu_count() or 1) + 1)
# These packages know no database: once is enough.
SAME_ON_EACH_DATABASE = ("tests/domain", "tests/funders", "tests/house", "tests/sandbox")

# What a live deployment sets; Django's deployment check is asked about such a one, not about the demo.
LIVE = {
    "CAREFUND_HTTPS": "true",
    "CAREFUND_ALLOWED_HOSTS": "carefund.example",
    "CAREFUND_SECRET_KEY": "a-long-secret-that-only-this-check-uses-0123456789-abcdefghijklmnopq",
}
CHECKS: dict[str, tuple[Sequence[str], Mapping[str, str]]] = {
    "format": (("ruff", "format", "--check", "--output-format", "concise", "."), {}),
    "templates": (("djangofmt", "--check", "src"), {}),
    "lint": (("ruff", "check", "--output-format", "concise", "."), {}),
    "types": (("mypy",), {}),
    "import contracts": (("lint-imports",), {}),
    "unused code": (("python", "tools/unused.py"), {}),
    "migrations": (("django-admin", "makemigrations", "--check", "--dry-run"), {}),
    "deployment": (("django-admin", "check", "--deploy", "--fail-level", "WARNING"), LIVE),
    "documentation": (("python", "tools/docs.py", "--check"), {}),
}


@dataclass
class Tally:
    """What one pass of pytest came to; `incomplete` when pytest itself did not get through."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    incomplete: bool = False


def main() -> int:
    """Run what was asked; the exit status is 0 only if all of it is good."""
    strict = os.environ.get("CAREFUND_SUITE") == "everything"
    arguments = sys.argv[1:]
    if arguments and arguments != ["--checks-only"]:
        return run_tests(arguments, strict=False)
    checks_failed = run_checks()
    if arguments:
        return 1 if checks_failed else 0
    reminder = "a check above is bad; `make check` runs the checks alone" if checks_failed else ""
    tests_failed = run_tests([], strict=strict, reminder=reminder)
    return 1 if checks_failed or tests_failed else 0


def run_checks() -> bool:
    """Run the checks two at a time, one line each, and the output of those that fail; true if any did."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        results = list(pool.map(run_check, CHECKS))
    print(f"checks: {results.count(True)} of {len(results)} good", flush=True)
    return not all(results)


def run_check(name: str) -> bool:
    """One check in a process of its own."""
    command, settings = CHECKS[name]
    environment = {**clean_environment(), "DJANGO_SETTINGS_MODULE": "carefund.settings", **settings}
    begun = time.monotonic()
    done = subprocess.run(
        [str(PROGRAMS / command[0]), *command[1:]],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    good = done.returncode == 0
    print(f"{'good' if good else 'BAD '}  {name}, {time.monotonic() - begun:.0f} s", flush=True)
    if not good:
        print(done.stdout, flush=True)
    return good


def clean_environment() -> dict[str, str]:
    """The environment without anything that a developer configured for a real or demo Carefund."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CAREFUND_")}
    return {**kept, "CAREFUND_ENVIRONMENT_FILE": os.devnull}


def run_tests(arguments: Sequence[str], *, strict: bool, reminder: str = "") -> bool:
    """All tests on SQLite, those in a browser by themselves (its event loop stays in the process), then all others on
    PostgreSQL; ends with the reminder, if there is one, and a line of totals. True if any failed."""
    left_out: list[str] = []
    has_browser = any(shutil.which(name) for name in BROWSERS) or any(PLAYWRIGHT_BROWSERS.glob("chromium*"))
    if not has_browser:
        left_out.append("browser journeys: Chromium is not installed (apt-get install chromium)")
    tallies = [run_pytest("SQLite", ["-m", "not postgresql and not browser", *arguments], {})]
    if has_browser:
        tallies.append(run_pytest("SQLite, in a browser", ["-m", "browser and not postgresql", *arguments], {}))
    with ExitStack() as stack:
        database_url = os.environ.get("CAREFUND_TEST_DATABASE_URL")
        missing = None if database_url else missing_postgresql()
        if missing:
            left_out.append(f"tests on PostgreSQL: {missing}, or set CAREFUND_TEST_DATABASE_URL")
        else:
            database_url = database_url or stack.enter_context(running_postgresql())
            settings = {"CAREFUND_TEST_DATABASE_URL": database_url, "CAREFUND_DATABASE_URL": database_url}
            once = [f"--ignore={folder}" for folder in SAME_ON_EACH_DATABASE]
            tallies.append(
                run_pytest("PostgreSQL", ["-m", "not browser and not one_database", *once, *arguments], settings)
            )
    for line in left_out:
        print(f"not run: {line}")
    passed, failed, skipped = (
        sum(getattr(tally, name) for tally in tallies) for name in ("passed", "failed", "skipped")
    )
    if reminder:
        print(reminder)
    if skipped:
        print(f"skipped: {skipped}")
    print(f"{passed} passed, {failed} failed", flush=True)
    incomplete = any(tally.incomplete for tally in tallies)
    return bool(failed or incomplete or (strict and (left_out or skipped or not passed)))


def run_pytest(database: str, arguments: Sequence[str], settings: Mapping[str, str]) -> Tally:
    """One pass of pytest over the tests, in several processes; its output goes straight to the terminal."""
    print(f"--- tests on {database}", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        spread = ["-n", AT_ONCE, "--dist", "worksteal", "--durations=25"]
        command = [str(PROGRAMS / "pytest"), "-q", *spread, f"--junitxml={report}", *arguments]
        status = subprocess.run(command, env={**clean_environment(), **settings}, cwd=ROOT).returncode
        return read_report(report, status)


def read_report(report: Path, status: int) -> Tally:
    """The numbers of one pass, from pytest's own report and exit status."""
    tally = Tally(incomplete=status not in (0, 1, NOTHING_COLLECTED))
    if report.is_file():
        for suite in ElementTree.parse(report).getroot().iter("testsuite"):
            count = {name: int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")}
            tally.failed += count["failures"] + count["errors"]
            tally.skipped += count["skipped"]
            tally.passed += count["tests"] - count["failures"] - count["errors"] - count["skipped"]
    return tally


if __name__ == "__main__":
    sys.exit(main())
