"""What came of a trial of the interfaces, at a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from carefund.cli.output import screen
from carefund.sync.trials import list_unread, write_findings, write_line, write_verdict


def print_report(report: Mapping[str, Any]) -> None:
    """Print calls, findings, and the lines to change."""
    for call in report["calls"]:
        took = "" if call["milliseconds"] is None else f", {call['milliseconds']:,} ms"
        rows = "" if call["rows"] is None else f", rows: {call['rows']:,}"
        colour, mark = ("yellow", "?") if call["problem"] else ("green", "✓")
        print_line(colour, mark, f"{call['operation']}{took}{rows}")
        if call["problem"]:
            print_detail("problem", call["problem"])
    screen.print("")
    for title, texts in write_findings(report):
        print_line("yellow", "?", f"{title}: {', '.join(texts)}")
    for line in report["lines"]:
        print_line("yellow", "→", write_line(line))
    if not report["lines"]:
        colour, mark = ("yellow", "?") if list_unread(report) else ("green", "✓")
        print_line(colour, mark, write_verdict(report))


def print_detail(title: str, text: str) -> None:
    """Print something that belongs to the line above."""
    screen.print(f"    {title}: {escape(text)}", highlight=False, soft_wrap=True)


def print_line(colour: str, mark: str, text: str) -> None:
    """Print a line with its mark."""
    screen.print(f"[{colour}]{mark}[/] {escape(text)}", highlight=False, soft_wrap=True)
