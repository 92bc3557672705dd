"""A dlt pipeline that merges the same rows into DuckDB: one pass per run, five threads that download.

Usage: python -m benchmarks.peers.dlt_pipeline URL PEOPLE FOLDER
"""

import os
import sys
from collections.abc import Iterator
from typing import Any

import dlt
import requests

from benchmarks.peers.shapes import report, rows_of

URL, PEOPLE, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3]
os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
SESSION = requests.Session()
SESSION.trust_env = False


@dlt.resource(name="people")
def people() -> Iterator[int]:
    """The numbers of the people."""
    yield from range(PEOPLE)


@dlt.transformer(
    data_from=people,
    parallelized=True,
    table_name=lambda row: row["table"],
    primary_key="key",
    write_disposition="merge",
)
def rows(number: int) -> Iterator[list[dict[str, Any]]]:
    """All rows about one person, each sent to its table."""
    yield [
        {"table": table, **row}
        for table, row in rows_of(URL, number, lambda address: SESSION.get(address, timeout=30).json())
    ]


def synchronise() -> None:
    """One run of the pipeline."""
    pipeline = dlt.pipeline(
        "peer", pipelines_dir=f"{FOLDER}/state", destination=dlt.destinations.duckdb(f"{FOLDER}/peer.duckdb")
    )
    pipeline.run(people | rows)


if __name__ == "__main__":
    report(PEOPLE, synchronise)
