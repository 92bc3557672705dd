"""Run the tests under other wall clocks, since no test may depend on the hour or the day on which it is run.

The clock of every process is moved by libfaketime, the sandbox's too. Browsers and PostgreSQL are left out: both have
clocks of their own.

    python tools/clocks.py                    all tests but those, under each of the clocks below
    python tools/clocks.py tests/sync -x      arguments for pytest
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from suite import NOTHING_COLLECTED, PROGRAMS, ROOT, clean_environment

SYDNEY = ZoneInfo("Australia/Sydney")
# Business days turn at midnight in Sydney, and quarters with them; each of these once made a test fail, or could.
CLOCKS = {
    "the first minutes of a financial year": datetime(2026, 7, 1, 0, 5, tzinfo=SYDNEY),
    "the hour that comes twice, on a day of 25": datetime(2027, 4, 4, 2, 30, fold=1, tzinfo=SYDNEY),
    "late on the last evening of a year": datetime(2026, 12, 31, 22, 30, tzinfo=SYDNEY),
    "a leap day, as a day begins in UTC": datetime(2028, 2, 29, 10, 50, tzinfo=SYDNEY),
}
LIBRARIES = (
    *Path("/usr/lib").glob("*/faketime/libfaketime.so.1"),
    Path("/usr/lib/faketime/libfaketime.so.1"),
)


def main() -> int:
    """Run pytest under each clock; the exit status is 0 only if all are good."""
    library = next((path for path in LIBRARIES if path.exists()), None)
    if library is None:
        print("clocks: libfaketime is not installed (apt-get install libfaketime; Linux only)")
        return 1
    bad = [name for name, instant in CLOCKS.items() if not run_under(name, instant, library, sys.argv[1:])]
    print(f"clocks: {len(CLOCKS) - len(bad)} of {len(CLOCKS)} good" + "".join(f"\nbad: {name}" for name in bad))
    return 1 if bad else 0


def run_under(name: str, instant: datetime, library: Path, arguments: Sequence[str]) -> bool:
    """One pass of pytest at an instant, from which the clock goes on; true if it is good."""
    print(f"--- {name}: {instant:%-d %B %Y, %H:%M}", flush=True)
    settings = {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{instant.timestamp() - time.time():+.0f}",  # from the machine's clock, so all processes agree
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",  # what waits, waits as long as ever
        "NO_FAKE_STAT": "1",
        "PYTHONPATH": str(ROOT / "tools" / "moved_clock"),
    }
    command = [PROGRAMS / "pytest", "-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"]
    command += ["-m", "not postgresql and not browser", *arguments]
    status = subprocess.run(command, env=os.environ | clean_environment() | settings, cwd=ROOT).returncode
    return status in (0, NOTHING_COLLECTED)


if __name__ == "__main__":
    sys.exit(main())
