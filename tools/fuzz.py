"""Fuzz whatever takes bytes from outside: `make fuzz ARGS="--seconds 600 --seed 7"`, or one target by its name.

Led by coverage where atheris is installed in .venv (it is not in the lock file: not every machine has a wheel of it),
by chance where it is not. A finding ends it with the bytes and a traceback.
"""

import argparse
import os
import random
import sys
import time
from pathlib import Path

import django

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")

try:
    import atheris
except ImportError:
    atheris = None

if atheris is not None:
    with atheris.instrument_imports(include=["carefund.funders", "carefund.domain"]):
        import carefund.domain.claims.invoice_file
        import carefund.funders.decoding
        import carefund.funders.ndia.envelopes
        import carefund.funders.proda_answers
        import carefund.funders.response_body  # noqa: F401

django.setup()

from tests.fuzz_targets import PIECES, TARGETS, WHOLE  # noqa: E402  models need Django to be set up


def main() -> None:
    """Fuzz each target for its share of the time."""
    options = argparse.ArgumentParser()
    options.add_argument("target", nargs="?", choices=[*TARGETS, "all"], default="all")
    options.add_argument("--seconds", type=float, default=120)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    names = list(TARGETS) if given.target == "all" else [given.target]
    share = given.seconds / len(names)
    if atheris is None:
        for name in names:
            print(f"{name}: {splice(name, share, given.seed):,} inputs, nothing found", flush=True)
        return
    for name in names:
        # libFuzzer ends its process, so each target has one.
        child = os.fork()
        if not child:
            lead(name, share, given.seed)
        _, status = os.waitpid(child, 0)
        if status:
            sys.exit(f"{name}: found something, see above")


def lead(name: str, seconds: float, seed: int) -> None:
    """Let coverage choose the inputs."""
    folder = Path("var") / "fuzz" / name.replace(" ", "-")
    folder.mkdir(parents=True, exist_ok=True)
    for number, piece in enumerate(PIECES):
        (folder / f"piece-{number}").write_bytes(piece)
    arguments = [
        f"-max_total_time={int(seconds) or 1}",
        f"-seed={seed}",
        "-max_len=8192",
        "-artifact_prefix=var/fuzz/found-",
    ]
    atheris.Setup([sys.argv[0], *arguments, str(folder)], TARGETS[name])
    atheris.Fuzz()


def splice(name: str, seconds: float, seed: int) -> int:
    """Put pieces and chance together; gives how many inputs were tried."""
    chance, target = random.Random(seed), TARGETS[name]
    until, tried = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        parts = [
            chance.choice(PIECES) if chance.random() < 0.7 else chance.randbytes(chance.randrange(12))
            for _ in range(chance.randrange(1, 9))
        ]
        content = b"".join(parts)
        if chance.random() < 0.5:
            whole = chance.choice(PIECES[:WHOLE])
            cut = chance.randrange(len(whole))
            content = whole[:cut] + content + whole[cut + chance.randrange(12) :]
        try:
            target(content)
        except BaseException:
            print(f"{name}, seed {seed}: {content!r}", file=sys.stderr)
            raise
        tried += 1
    return tried


if __name__ == "__main__":
    main()
