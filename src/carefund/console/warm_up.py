"""What a serving process does before its first page, so that nobody is the one who waits for imports and templates.

No database and no request is touched here: a process must come up whatever the state of the database.
"""

import gc
from pathlib import Path

from django.template.loader import get_template
from django.urls import get_resolver, reverse

from carefund.records.sqlite.mapping import map_files

_TEMPLATES = Path(__file__).with_name("templates")


def warm_up() -> None:
    """Import every view, compile every template, and keep both out of the garbage collector's rounds from now on.

    A full round looks at everything that a process ever imported, which costs a page some 50 ms now and then.
    """
    _ = get_resolver().url_patterns
    reverse("console:home")
    for path in sorted(_TEMPLATES.rglob("*.html")):
        get_template(str(path.relative_to(_TEMPLATES)))
    map_files()
    gc.collect()
    gc.freeze()
