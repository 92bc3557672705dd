"""From figures to the table that is printed and the page that is kept. Ratios, since absolute times are a machine's."""

import os
import platform
import statistics
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from benchmarks import exports, surveys_report
from benchmarks.pages_report import list_missed, write_section

Figures = list[dict[str, float]]
AIMS = {
    ("same", "SQLite"): 0.9,
    ("same", "PostgreSQL"): 0.9,
    ("first", "SQLite"): 0.35,
    ("first", "PostgreSQL"): 0.35,
}
NAMES = {"first": "first sync", "changed": "5 % changed", "same": "nothing changed"}
_DISTANT_AIM, _DLT_AIM, _MEMORY_AIM_MB, _AIM_PEOPLE = 0.95, 20, 250, 100_000
_ALONE_AIM_MS = 2 * 50 + 40  # two round trips and what is ours
_BOUNDS = Path(__file__).with_name("bounds.md")


@dataclass
class Report:
    """All figures of one run; what was left out is empty."""

    cycles: dict[str, dict[str, Figures]] = field(default_factory=dict)
    distant: dict[str, dict[str, Figures]] = field(default_factory=dict)
    alone: dict[str, float] = field(default_factory=dict)
    workers: dict[str, float] = field(default_factory=dict)
    sessions: dict[str, dict[str, float]] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    peers: dict[str, Any] = field(default_factory=dict)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    surveys: list[dict[str, Any]] = field(default_factory=list)
    exports: dict[str, Any] = field(default_factory=dict)


def write_report(report: Report, people: int, page: Path) -> str:
    """Write the page; gives its tables."""
    tables = "\n\n".join(
        part
        for part in (
            _table_of_cycles(report, people),
            _table_of_distance(report),
            _table_of_peers(report),
            _others(report),
            write_section(report.pages),
            surveys_report.write_section(report.surveys),
            exports.write_section(report.exports),
            _missed(report),
        )
        if part
    )
    page.write_text(f"{_HEAD}\n{_machine(report)}\n\n{tables}\n\n{_BOUNDS.read_text()}")
    return tables


_HEAD = """# Performance

What a sync costs beside a bare download of the same answers. `make bench` measures it and writes this page;
`make bench ARGS="--help"` tells the sizes. The upstream is a process of its own that sends ready-made answers: six
calls, 20 kB and 80 rows in 8 tables per person. A bare download is the same HTTP client asking for the same
addresses with the same headers and as many calls at once, doing nothing with the answers. Everything else goes through
the run ledger, with archive and change log. Shares are medians over the rounds, each against the bare downloads
of its own round: of the rate (wall time) and of CPU time in the measuring process.
"""


def _machine(report: Report) -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("django", "aiohttp", "msgspec", "psycopg"))
    peers = "".join(f", {name} {number}" for name, number in report.peers.get("versions", {}).items())
    busy = os.getloadavg()[1] / (os.cpu_count() or 1)
    shared = f" Other work ran beside it: {busy:.1f} processes waited per core." if busy > 1.5 else ""
    return (
        f"Measured on {datetime.now(UTC):%d %B %Y} on {os.cpu_count()} cores ({platform.machine()}), "
        f"CPython {platform.python_version()}, {packages}{peers}.{shared}"
    )


def shares(cycle: dict[str, Figures], name: str, kind: str) -> list[float]:
    """Per round, the bare download's time over this work's time; `kind` is wall or cpu."""
    bare = _per_round(cycle["bare"], len(cycle[name]), kind)
    return [alone / figure[kind] for alone, figure in zip(bare, cycle[name], strict=True)]


def _per_round(bare: Figures, rounds: int, kind: str) -> list[float]:
    each = len(bare) // rounds
    return [statistics.mean(figure[kind] for figure in bare[each * n : each * (n + 1)]) for n in range(rounds)]


def _share(cycle: dict[str, Figures], name: str, kind: str) -> float:
    return statistics.median(shares(cycle, name, kind))


def _per_thousand(figures: Figures, kind: str) -> float:
    return statistics.median(1000 * figure[kind] / figure["people"] for figure in figures)


def _table_of_cycles(report: Report, people: int) -> str:
    lines = [
        f"## Beside a bare download ({people:,} people)",
        "",
        "| database | work | share of the rate | share by CPU | aim | s per 1,000 | CPU s per 1,000 |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for database, cycle in report.cycles.items():
        lines.append(
            f"| {database} | bare download | 1 | 1 | | {_per_thousand(cycle['bare'], 'wall'):.2f} "
            f"| {_per_thousand(cycle['bare'], 'cpu'):.2f} |"
        )
        for name, label in NAMES.items():
            aim = AIMS.get((name, database))
            lines.append(
                f"| {database} | {label} | {_share(cycle, name, 'wall'):.2f} | {_share(cycle, name, 'cpu'):.2f} "
                f"| {aim or ''} | {_per_thousand(cycle[name], 'wall'):.2f} "
                f"| {_per_thousand(cycle[name], 'cpu'):.2f} |"
            )
    return "\n".join(lines)


def _table_of_distance(report: Report) -> str:
    if not report.distant:
        return ""
    lines = [
        "## With 50 ms to the upstream",
        "",
        "| database | first sync | 5 % changed | nothing changed | aim | one person | its aim |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for database, cycle in report.distant.items():
        told = " | ".join(f"{_share(cycle, name, 'wall'):.2f}" for name in NAMES)
        lines.append(f"| {database} | {told} | {_DISTANT_AIM} | {report.alone[database]:.0f} ms | {_ALONE_AIM_MS} ms |")
    return "\n".join([*lines, "", "Shares of the bare download's rate with 100 calls at once."])


def _table_of_peers(report: Report) -> str:
    if not report.peers:
        return ""
    ours = report.cycles["SQLite"]
    lines = [
        f"## Beside others doing the same work ({report.peers['people']} people)",
        "",
        f"How many times as long as Carefund on SQLite they take per person; the aim is {_DLT_AIM} for dlt.",
        "",
        "| peer | first sync | by CPU | nothing changed | by CPU |",
        "|---|--:|--:|--:|--:|",
    ]
    for peer, figures in report.peers["figures"].items():
        ratios = [
            _per_thousand([figures[name]], kind) / _per_thousand(ours[name], kind)
            for name in ("first", "same")
            for kind in ("wall", "cpu")
        ]
        lines.append(f"| {peer} | {' | '.join(f'{ratio:.1f}' for ratio in ratios)} |")
    return "\n".join(lines)


def _others(report: Report) -> str:
    lines = []
    if report.memory:
        first, same = report.memory["first"], report.memory["same"]
        lines.append(
            f"- Memory with {report.memory['people']:,} people: at most {first['peak']:.0f} MB in a first sync and "
            f"{same['peak']:.0f} MB with nothing changed, {same['before']:.0f} MB of it before anything began "
            f"(aim: {_MEMORY_AIM_MB} MB at {_AIM_PEOPLE:,})."
        )
    if report.workers:
        reached = report.workers["reached"] / report.workers["allowed"]
        lines.append(
            f"- {report.workers['workers']:.0f} workers on PostgreSQL with 100 ms to the upstream, sharing one limit "
            f"on calls per second: {reached:.2f} of what the limit allows (aim: 0.9)."
        )
    if report.sessions:
        empty, full = report.sessions["empty"], report.sessions["full"]
        ratio = empty["wall"] / full["wall"]
        lines.append(
            f"- A first sync by PostgreSQL sessions that began with empty tables took {ratio:.2f} times as long as one "
            f"by sessions that began with full ones; {empty['scanned'] / empty['people']:.0f} and "
            f"{full['scanned'] / full['people']:.0f} rows per person were read without an index."
        )
    return "\n".join(["## Memory and workers", "", *lines]) if lines else ""


def _missed(report: Report) -> str:
    """Each aim that was not reached, and by how much."""
    lines = []
    for (name, database), aim in AIMS.items():
        if database in report.cycles:
            wall, cpu = (_share(report.cycles[database], name, kind) for kind in ("wall", "cpu"))
            if wall < aim:
                lines.append(f"- {NAMES[name]} on {database}: {wall:.2f} (by CPU {cpu:.2f}) instead of {aim}.")
    for database, cycle in report.distant.items():
        for name in ("first", "same"):
            share = _share(cycle, name, "wall")
            if share < _DISTANT_AIM:
                lines.append(f"- {NAMES[name]} on {database} with 50 ms: {share:.2f} instead of {_DISTANT_AIM}.")
        if report.alone[database] > _ALONE_AIM_MS:
            over = report.alone[database] - _ALONE_AIM_MS
            lines.append(f"- one person on demand on {database}: {over:.0f} ms more than {_ALONE_AIM_MS} ms.")
    if report.peers:
        ours, dlt = report.cycles["SQLite"], report.peers["figures"]["dlt pipeline"]
        for kind in ("first", "same"):
            times = _per_thousand([dlt[kind]], "wall") / _per_thousand(ours[kind], "wall")
            if times < _DLT_AIM:
                lines.append(f"- {times:.1f} × dlt ({NAMES[kind]}) instead of {_DLT_AIM} ×.")
    if report.memory and report.memory["people"] < _AIM_PEOPLE:
        lines.append(f"- Memory was not measured at {_AIM_PEOPLE:,} people (`--memory-people` does).")
    lines += (
        list_missed(report.pages) + surveys_report.list_missed(report.surveys) + exports.list_missed(report.exports)
    )
    return "\n".join(["## Aims not reached, or not measured", "", *lines]) if lines else ""
