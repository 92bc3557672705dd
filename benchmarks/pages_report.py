"""The pages' figures as a section of the report: every page, pages beside a bulk run, and the aims that were missed."""

from typing import Any

AIM_MS, AIM_BESIDE_MS = 100, 100
_NAMES = {"ada": "an administrator", "ben": "a coordinator with two clients in five"}
Figures = dict[str, Any]


def write_section(pages: dict[str, Figures]) -> str:
    """The section, by database; empty when nothing was measured."""
    if not pages:
        return ""
    clients = next(iter(pages.values()))["clients"]
    parts = [
        f"## Pages with {clients:,} clients and three years of history",
        "",
        "Each client has 12 quarters of budgets with some 200 draws, 170 own invoice lines, claimed and paid, 500 "
        "entries in the change log and 90 stored answers; there are 30 nightly runs of everybody. Milliseconds from "
        "the request to the last byte over loopback, one request at a time, from `carefund serve`; the aim is "
        f"{AIM_MS} for the 95th percentile. A new process took "
        + ", ".join(f"{found['first']['/']:.0f} ms on {name}" for name, found in pages.items())
        + " for its first Home.",
    ]
    parts += [_table_of_pages(person, pages) for person in _NAMES]
    parts += [_table_beside(found["beside"]) for found in pages.values() if "beside" in found]
    return "\n".join(parts)


def _table_of_pages(person: str, pages: dict[str, Figures]) -> str:
    heads = " | ".join(f"{name}, median | 95 % | longest" for name in pages)
    lines = ["", f"As {_NAMES[person]}:", "", f"| page | {heads} |", f"|---|{'--:|' * 3 * len(pages)}"]
    addresses = next(iter(pages.values()))["pages"][person]
    for address in sorted(
        addresses, key=lambda page: -max(found["pages"][person][page]["p95"] for found in pages.values())
    ):
        figures = [found["pages"][person][address] for found in pages.values()]
        told = " | ".join(f"{figure['p50']:.0f} | {figure['p95']:.0f} | {figure['max']:.0f}" for figure in figures)
        lines.append(f"| `{address}` | {told} |")
    return "\n".join(lines)


def _table_beside(beside: Figures) -> str:
    lines = [
        "",
        f"While the engine beside SQLite made a first sync of {beside['people']:,} people, with the upstream on the "
        f"same cores; the aim is {AIM_BESIDE_MS} ms more than idle:",
        "",
        "| page | idle, median | 95 % | during the run, median | 95 % | longest | more (95 %) |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for address, idle in beside["idle"].items():
        during = beside["during"].get(address)
        if during:
            lines.append(
                f"| `{address}` | {idle['p50']:.0f} | {idle['p95']:.0f} | {during['p50']:.0f} | {during['p95']:.0f} "
                f"| {during['max']:.0f} | {during['p95'] - idle['p95']:.0f} |"
            )
    return "\n".join(lines)


def list_missed(pages: dict[str, Figures]) -> list[str]:
    """Each aim of a page that was not reached, and by how much."""
    missed = []
    for name, found in pages.items():
        for person, figures in found["pages"].items():
            missed += [
                f"- `{address}` as {_NAMES[person]} on {name}: {measured['p95']:.0f} ms instead of {AIM_MS}."
                for address, measured in figures.items()
                if measured["p95"] > AIM_MS
            ]
        beside = found.get("beside", {"idle": {}, "during": {}})
        for address, measured in beside["during"].items():
            more = measured["p95"] - beside["idle"][address]["p95"]
            if more > AIM_BESIDE_MS:
                missed.append(
                    f"- `{address}` beside a bulk run on {name}: {more:.0f} ms more instead of {AIM_BESIDE_MS}."
                )
    return missed
