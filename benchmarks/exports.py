"""Exports of many people, each by `carefund export` in a process of its own: time, processor and the peak of memory.

`make bench ARGS=--exports` puts the table into the page as it is. People and their budgets are copied by the database;
nobody is synchronised, since an export only reads tables.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_HEADING, _MISSED_HEADING = "## Exports", "## Aims not reached, or not measured"
_AIM_MB, BUDGETS = 300, 2
KINDS, FORMATS = ("clients", "budgets"), ("csv", "xlsx", "parquet")
Figures = dict[str, Any]


def measure(people: int) -> Figures:
    """Fill a database of its own on SQLite, and export each kind in each format."""
    with tempfile.TemporaryDirectory(prefix="carefund-exports-") as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "carefund.settings",
            "CAREFUND_DATA_FOLDER": folder,
            "CAREFUND_ENVIRONMENT_FILE": os.devnull,
            "CAREFUND_LOG_LEVEL": "ERROR",
            "CAREFUND_FUNDER_ENVIRONMENT": "sandbox",
        }
        environment.pop("CAREFUND_DATABASE_URL", None)
        subprocess.run(
            [sys.executable, "-m", "benchmarks.exports_world", str(people), str(BUDGETS)], env=environment, check=True
        )
        carefund = Path(sys.executable).with_name("carefund")
        rows = []
        for kind in KINDS:
            for file_format in FORMATS:
                file = Path(folder) / f"{kind}.{file_format}"
                rows.append(
                    {"kind": kind, "format": file_format} | _time([carefund, "export", kind, file], environment)
                )
                rows[-1]["file_mb"] = file.stat().st_size / 1e6
                file.unlink()
    return {"people": people, "rows": rows}


def _time(command: list[Any], environment: dict[str, str]) -> Figures:
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"bench: an export ended with status {process.returncode}")
    lines = int(re.sub(r"\D", "", said))
    peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    return {"lines": lines, "wall": time.monotonic() - begun, "cpu": used.ru_utime + used.ru_stime, "memory": peak}


def write_section(figures: Figures) -> str:
    """The section; empty when nothing was measured."""
    if not figures:
        return ""
    is_busy = os.getloadavg()[1] / (os.cpu_count() or 1) > 1.5
    beside = " Other work ran beside it, and took most of the time." if is_busy else ""
    lines = [
        _HEADING,
        "",
        f"{figures['people']:,} people with {BUDGETS} budgets each, on SQLite, by `carefund export`,",
        "which writes the file as page and API do before they send it.",
        f"Memory is the peak of the whole process. Measured on {datetime.now(UTC):%-d %B %Y}.{beside}",
        "",
        "| export | lines | MB of memory | aim | CPU s | s | MB of file |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| `{row['kind']}` as {row['format'].upper() if row['format'] != 'parquet' else 'Parquet'} | {row['lines']:,} "
        f"| {row['memory']:.0f} | {_AIM_MB} | {row['cpu']:.1f} | {row['wall']:.1f} | {row['file_mb']:.1f} |"
        for row in figures["rows"]
    ]
    return "\n".join(lines)


def list_missed(figures: Figures) -> list[str]:
    """Each export that took more memory than it should."""
    return [
        f"- Export of {row['kind']} as {row['format']}: {row['memory']:.0f} MB of memory instead of {_AIM_MB}."
        for row in figures.get("rows", ())
        if row["memory"] > _AIM_MB
    ]


def merge(people: int, page: Path) -> str:
    """Measure, and put the section and the missed aims into a page of an earlier bench in place of earlier ones."""
    figures = measure(people)
    section = write_section(figures)
    text = re.sub(rf"{_HEADING}\n.*?(?=\n## )", "", page.read_text(), flags=re.DOTALL).replace("\n\n\n", "\n\n")
    text = re.sub(r"- Export of [^\n]*\n", "", text)
    before, heading, after = text.partition(_MISSED_HEADING)
    missed = "".join(f"{line}\n" for line in list_missed(figures))
    page.write_text(f"{before}{section}\n\n{heading}\n\n{missed}{after.lstrip()}")
    return section
