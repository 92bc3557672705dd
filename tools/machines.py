"""Run the state machines for long, seed after seed: `make machines ARGS="--seconds 3600 --seed 7"`.

A finding ends it with the steps that lead to it. The suite runs each machine for a few examples, always the same.
"""

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MACHINES = ("tests/sync/claims/test_claim_machine.py", "tests/runs/test_lease_machine.py")


def main() -> None:
    """Give each machine some examples per seed, until the time is over."""
    options = argparse.ArgumentParser()
    options.add_argument("machine", nargs="*", default=MACHINES, help="test files; all of them unless given")
    options.add_argument("--seconds", type=float, default=600)
    options.add_argument("--seed", type=int, default=1, help="the first; each round takes the next one")
    options.add_argument("--examples", type=int, default=50, help="of each machine per seed")
    given = options.parse_args()
    begun, seed = time.monotonic(), given.seed
    while time.monotonic() - begun < given.seconds:
        for machine in given.machine:
            command = [sys.executable, "-m", "pytest", "-q", "-n", "0", machine, f"--hypothesis-seed={seed}"]
            done = subprocess.run(
                command,
                cwd=ROOT,
                env=os.environ | {"MACHINE_EXAMPLES": str(given.examples)},
                capture_output=True,
                text=True,
            )
            if done.returncode:
                sys.exit(f"{machine}, seed {seed}:\n{done.stdout}{done.stderr}")
            passed = time.monotonic() - begun
            print(f"{passed:7,.0f} s  {machine}, seed {seed}: {given.examples} examples, no finding", flush=True)
        seed += 1


if __name__ == "__main__":
    main()
