"""Run `carefund` and photograph its database at each flush to the disk: `photographed.py FOLDER claims submit 1`.

What a photograph holds is what a power cut right after it would leave, or less: SQLite's own flushes are not noticed.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from carefund.cli.main import main

folder = Path(sys.argv.pop(1))
database = Path(os.environ["CAREFUND_DATA_FOLDER"]) / "carefund.sqlite3"
flush = os.fsync


def flush_and_photograph(descriptor: int) -> None:
    flush(descriptor)
    photograph = folder / f"{time.time():.6f}"
    photograph.mkdir(parents=True)
    # By another process: SQLite loses its locks when its own closes a second descriptor of the file.
    subprocess.run(["cp", str(database), f"{database}-wal", str(photograph)], check=True)


os.fsync = flush_and_photograph
main()
