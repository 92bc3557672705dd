"""A plain script: requests for the download, SQLAlchemy that merges row by row into SQLite, a commit per person.

Usage: python -m benchmarks.peers.plain_script URL PEOPLE FOLDER
"""

import re
import sys
from typing import Any

import requests
from sqlalchemy import String, create_engine
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column

from benchmarks.peers.shapes import report, rows_of

URL, PEOPLE, FOLDER = sys.argv[1], int(sys.argv[2]), sys.argv[3]
WEB = requests.Session()
WEB.trust_env = False


class Base(DeclarativeBase):
    """All tables."""


MODELS: dict[str, type[Base]] = {}


def fetch(address: str) -> Any:
    """One answer."""
    return WEB.get(address, timeout=30).json()


def model_of(table: str, row: dict[str, Any]) -> type[Base]:
    """The table's class, made from the members of a row."""
    if table not in MODELS:
        columns = {_snake(name): mapped_column(String, primary_key=name == "key", nullable=True) for name in row}
        columns["end_date"] = mapped_column(String, nullable=True)
        MODELS[table] = type(table.title(), (Base,), {"__tablename__": table, **columns})
    return MODELS[table]


def _snake(name: str) -> str:
    return re.sub("(?<!^)([A-Z])", r"_\1", name).lower()


def main() -> None:
    """Make the tables from the first person's rows, then measure."""
    for table, row in rows_of(URL, 0, fetch):
        model_of(table, row)
    engine = create_engine(f"sqlite:///{FOLDER}/peer.sqlite3")
    Base.metadata.create_all(engine)

    def synchronise() -> None:
        with Session(engine) as session:
            for number in range(PEOPLE):
                for table, row in rows_of(URL, number, fetch):
                    session.merge(MODELS[table](**{_snake(name): str(value) for name, value in row.items()}))
                session.commit()

    report(PEOPLE, synchronise)


if __name__ == "__main__":
    main()
