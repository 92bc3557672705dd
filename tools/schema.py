"""Writes docs/schema.md: the SQL views for BI tools with their columns, as sync/report_views.py makes them.

python -m tools.schema            into docs
python -m tools.schema --check    whether it is there as it should be
"""

import os
import sys
from itertools import groupby
from pathlib import Path

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")
django.setup()

from carefund.sync.exports import EXPORTS  # noqa: E402 Django must be set up before its models are imported

PAGE = Path(__file__).resolve().parent.parent / "docs" / "schema.md"
_BEGINNING = Path(__file__).with_suffix(".md")
_TYPES = {
    "text": "text", "whole number": "integer", "amount": "numeric", "date": "date", "instant": "timestamptz",
    "true or false": "boolean",
}  # fmt: skip


def write_page() -> str:
    """Return the page as it should be."""
    text = [_BEGINNING.read_text()]
    stored = [export for export in EXPORTS.values() if export.worked_out is None]
    for subject, exports in groupby(stored, lambda export: export.subject.value):
        text.append(f"## {subject}\n")
        for export in exports:
            text.append(f"### `reporting.{export.kind}`\n\n{export.about}\n\n| Column | Type |\n|---|---|")
            text += [f"| `{name}` | {_TYPES[cell_type.value]} |" for name, cell_type in export.types.items()]
            text.append("")
    return "\n".join(text)


def main() -> None:
    """Write or check, as the command line says."""
    if "--check" not in sys.argv:
        PAGE.write_text(write_page())
    elif PAGE.read_text() != write_page():
        sys.exit("docs/schema.md is not what the views are: run .venv/bin/python -m tools.schema")


if __name__ == "__main__":
    main()
