"""The surveys' figures as a section of the report, from counts; and the same put into a page that is there already."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_HEADING, _MISSED_HEADING = "## Surveys", "## Aims not reached, or not measured"
_CALLS_OF_A_FULL_READ, _CALLS_PER_SECOND, _EVERY_MINUTES = 6, 5, 15
_ALONE_AIM, _DAY_AIM, _DRAWS_AIM, _CPU_AIM, _NIGHT_AIM_MINUTES, _HOME_AIM_MINUTES, _MEMORY_AIM_MB = (
    5, 250, 2.2, 1.0, 10, 16, 250,
)  # fmt: skip
Figures = dict[str, Any]


def write_section(surveys: list[Figures]) -> str:
    """The section, a column for each number of clients; empty when nothing was measured."""
    if not surveys:
        return ""
    heads = " | ".join(f"{figures['people']:,} clients" for figures in surveys)
    lines = [
        _HEADING,
        "",
        "The upstream lists all clients under one service provider ID, and counts the calls. A night has the lists,",
        "the clients who moved (one in a hundred, new draws alone) and one client in 28 in turn. Measured on "
        f"{datetime.now(UTC):%-d %B %Y} on SQLite.",
        "",
        f"| | full pass | {heads} | aim |",
        f"|---|--:|{'--:|' * (len(surveys) + 1)}",
    ]
    for words, full, aim, _, tell in _ROWS:
        told = " | ".join(_tell(tell(figures)) for figures in surveys)
        lines.append(f"| {words} | {full} | {told} | {aim:g} |")
    notes = [f"{figures['people']:,}" for figures in surveys if figures["ready_made"]]
    if notes:
        lines += ["", f"With {' and '.join(notes)} clients the lists alone were measured."]
    return "\n".join(lines)


def _tell(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 10 else f"{value:.1f}"


def _alone(figures: Figures) -> float:
    return float(1000 * figures["alone"]["calls"] / figures["people"])


def _cpu(figures: Figures) -> float:
    return float(10_000 * figures["alone"]["cpu"] / figures["people"])


def _draws(figures: Figures) -> float | None:
    draws = figures.get("draws")
    return (draws["calls"] - figures["alone"]["calls"]) / draws["read"] if draws else None


def _day(figures: Figures) -> float | None:
    """A night in which nobody moved: without the calls for those who drew."""
    night, draws = figures.get("night"), _draws(figures)
    if not night or draws is None:
        return None
    moved = figures["draws"]["read"] * draws
    return float(1000 * (night["calls"] - moved) / figures["people"])


def _night(figures: Figures) -> float | None:
    night = figures.get("night")
    return night["calls"] / _CALLS_PER_SECOND / 60 if night else None


def _home(figures: Figures) -> float | None:
    draws = figures.get("draws")
    return _EVERY_MINUTES + draws["calls"] / _CALLS_PER_SECOND / 60 if draws else None


_ROWS: tuple[tuple[str, str, float, str, Any], ...] = (
    ("calls per 1,000 unchanged clients, lists alone", "6,000", _ALONE_AIM, "calls per 1,000 unchanged", _alone),
    ("calls a day per 1,000 clients, with rotation", "6,000", _DAY_AIM, "calls a day per 1,000", _day),
    ("calls per client of whom only draws are new", "6", _DRAWS_AIM, "calls per client with new draws", _draws),
    ("CPU seconds per 10,000 unchanged clients", "", _CPU_AIM, "CPU seconds per 10,000 unchanged", _cpu),
    (
        f"minutes of a quiet night at {_CALLS_PER_SECOND} calls per second (1% drew)",
        "",
        _NIGHT_AIM_MINUTES,
        "minutes of a quiet night",
        _night,
    ),
    (
        f"minutes until a change shows on Home, surveys every {_EVERY_MINUTES} minutes (1% drew at once)",
        "",
        _HOME_AIM_MINUTES,
        "minutes until Home",
        _home,
    ),
    ("memory in MB", "", _MEMORY_AIM_MB, "MB of memory", lambda figures: figures["memory"]),
)


def list_missed(surveys: list[Figures]) -> list[str]:
    """Each aim of surveys that was not reached."""
    missed = []
    for figures in surveys:
        for _, _, aim, name, tell in _ROWS:
            value = tell(figures)
            if value is not None and value > aim:
                missed.append(f"- Surveys of {figures['people']:,} clients: {_tell(value)} {name} instead of {aim:g}.")
    return missed


def merge(surveys: list[Figures], page: Path) -> str:
    """Put the section and the missed aims into a page of an earlier bench, in place of those of an earlier survey."""
    text, section = page.read_text(), write_section(surveys)
    text = re.sub(rf"{_HEADING}\n.*?(?=\n## )", "", text, flags=re.DOTALL).replace("\n\n\n", "\n\n")
    text = re.sub(r"- Surveys of [^\n]*\n", "", text)
    before, heading, after = text.partition(_MISSED_HEADING)
    missed = "".join(f"{line}\n" for line in list_missed(surveys))
    page.write_text(f"{before}{section}\n\n{heading}\n\n{missed}{after.lstrip()}")
    return section
