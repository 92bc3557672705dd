"""`make scale-demo`: PostgreSQL, three workers, 5,000 people; one worker is killed half-way, and nobody is lost.

Uses the PostgreSQL that CAREFUND_DATABASE_URL names (`make` starts one of its own). Exit status 0: all are done once.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from tests.runs.installation import Installation, kill, running_sandbox

_POLL_SECONDS = 1.0


def main() -> int:
    """Run the demonstration; the exit status says whether everybody was done once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--care-recipients", type=int, default=5000, help="how many fictitious people")
    parser.add_argument("--workers", type=int, default=3, help="how many workers share the work")
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="carefund-scale-") as folder,
        running_sandbox(options.care_recipients) as url,
    ):
        carefund = Installation(Path(folder) / "data", url, os.environ["CAREFUND_DATABASE_URL"])
        try:
            return demonstrate(carefund, options.care_recipients, options.workers)
        finally:
            carefund.stop()


def demonstrate(carefund: Installation, total: int, workers: int) -> int:
    """Start everything, kill one worker half-way, wait for the end, and look into the ledger."""
    say(f"1. A PostgreSQL of its own, a sandbox with {total:,} fictitious people, a PRODA device.")
    carefund.prepare(total)
    say(f"2. {workers} workers start.")
    processes = [carefund.start("worker") for _ in range(workers)]
    begun = time.monotonic()
    carefund.carefund("runs", "start", "--no-watch")
    killed = False
    while (status := carefund.run_status()) not in ("finished", "cancelled", "paused"):
        done = carefund.count("done")
        say(f"   {done:>6,} of {total:,} done, {time.monotonic() - begun:.0f} s, by {list_holders(carefund)} workers")
        if done >= total / 2 and not killed:
            held = held_by_most(carefund)
            kill(next(process for process in processes if f":{process.pid}:" in held))
            killed = True
            say("3. One worker is killed (SIGKILL) half-way, with people in its hands. The others take over.")
        time.sleep(_POLL_SECONDS)
    seconds = time.monotonic() - begun
    try:
        carefund.assert_each_once(total)
    except AssertionError as problem:
        say(f"FAILED: the run is {status}, but the ledger does not say that everybody is done once.\n{problem}")
        return 1
    say(f"4. All {total:,} are done, each exactly once; nobody lost, nothing left under way ({seconds:.0f} s).")
    failed = carefund.rows("SELECT message, count(*) FROM runs_runitem WHERE outcome = 'failed' GROUP BY 1")
    for message, number in failed:
        say(f"   {number:,} of them failed, as the sandbox means them to: {message}")
    return 0


def held_by_most(carefund: Installation) -> str:
    """The worker that has most people in its hands."""
    query = "SELECT holder FROM runs_runitem WHERE status = 'running' GROUP BY 1 ORDER BY count(*) DESC LIMIT 1"
    while not (rows := carefund.rows(query)):
        time.sleep(0.01)
    return str(rows[0][0])


def list_holders(carefund: Installation) -> int:
    """How many workers have people in their hands."""
    return int(carefund.rows("SELECT count(DISTINCT holder) FROM runs_runitem WHERE status = 'running'")[0][0])


def say(line: str) -> None:
    """One line, at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
