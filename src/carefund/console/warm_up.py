"""What a serving process does before its first page, so that nobody is the one who waits for imports and templates.

No database and no request is touched here: a process must come up whatever the state of the database.
"""

import gc
from pathlib import Path
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.template.loader import get_template
from django.urls import get_resolver, reverse

_TEMPLATES = Path(__file__).with_name("templates")
_MAPPED_BYTES = 2_147_418_112  # the most that SQLite maps


def warm_up() -> None:
    """Import every view, compile every template, and keep both out of the garbage collector's rounds from now on.

    A full round looks at everything that a process ever imported, which costs a page some 50 ms now and then.
    """
    _ = get_resolver().url_patterns
    reverse("console:home")
    for path in sorted(_TEMPLATES.rglob("*.html")):
        get_template(str(path.relative_to(_TEMPLATES)))
    connection_created.connect(_map_file)
    gc.collect()
    gc.freeze()


def _map_file(connection: BaseDatabaseWrapper, **_: Any) -> None:
    """Let SQLite read the file where the system keeps it. Each write of another process empties SQLite's own cache, and
    pages would have to be copied anew. Here alone: a worker's memory is counted, and it reads little twice.
    """
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA mmap_size = {_MAPPED_BYTES}")
