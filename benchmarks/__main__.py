"""`make bench`: measure Carefund against a bare download and two peers, print the ratios, write docs/performance.md.

Each measurement is a process of its own, so that memory and CPU time are its own. Ratios are of one run only; a busy
machine spoils wall times more than CPU times, which is why both are told.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from benchmarks import explanations, exports, surveys_report
from benchmarks.report import Report, write_report
from benchmarks.upstream import running_upstream
from tools.bootstrap import Stopped, make_environment
from tools.postgresql import missing_postgresql, running_postgresql

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "performance.md"
_LATENCY, _LATENCY_AT_ONCE = 0.05, 100
_WORKERS, _WORKERS_LATENCY, _WORKERS_RATE = 4, 0.1, 100
_PEER_PACKAGES = ("dlt[duckdb]", "requests", "sqlalchemy")
_PATIENCE_SECONDS = 3600
_MOST_READ_FIRST = 20_000


def main() -> None:
    """Read the options, and do what they ask for."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--people", type=int, default=1000, help="people per sync")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; the median counts")
    parser.add_argument("--memory-people", type=int, default=5000, help="people of the memory measurement")
    parser.add_argument("--peer-people", type=int, default=300, help="people of the peers")
    parser.add_argument(
        "--without",
        nargs="*",
        default=[],
        help="parts to leave out: postgresql memory peers workers pages surveys exports",
    )
    parser.add_argument("--clients", type=int, default=10_000, help="clients of the pages' measurement")
    parser.add_argument(
        "--pages", nargs="*", default=[], metavar="DATABASE=FILE", help="pages' figures measured before"
    )
    parser.add_argument("--surveys", action="store_true", help="surveys alone; their table goes into the page as it is")
    parser.add_argument(
        "--survey-people", type=int, nargs="*", default=[1000, 10_000, 100_000], help="clients of each survey"
    )
    parser.add_argument(
        "--explanations", action="store_true", help="how many budgets are explained, alone; goes into the page as it is"
    )
    parser.add_argument("--exports", action="store_true", help="exports alone; their table goes into the page as it is")
    parser.add_argument("--export-people", type=int, default=100_000, help="people of each export")
    parser.add_argument("--page", type=Path, default=PAGE, help="where the report goes")
    options = parser.parse_args()
    if options.explanations:
        print(explanations.merge(options.clients, options.page))
    elif options.exports:
        print(exports.merge(options.export_people, options.page))
    else:
        measure(options)


def measure(options: argparse.Namespace) -> None:
    """Measure everything that the options ask for, in order."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("bench: stopped"))  # so that servers are stopped, too
    report = Report()
    with tempfile.TemporaryDirectory(prefix="carefund-bench-") as folder, ExitStack() as servers:
        databases = {"SQLite": ""}
        missing = missing_postgresql()
        if missing is None and "postgresql" not in options.without:
            databases["PostgreSQL"] = servers.enter_context(running_postgresql())
        elif missing:
            say(f"without PostgreSQL: {missing}")
        bench = Bench(Path(folder), options)
        if options.surveys:
            print(surveys_report.merge(bench.measure_surveys(), options.page))
            return
        for name, database_url in databases.items():
            bench.measure_database(report, name, database_url)
            keep(report, options)
        if "peers" not in options.without:
            try:
                report.peers = bench.measure_peers()
            except Stopped as stopped:
                say(f"without peers: {stopped}")
            keep(report, options)
        if "workers" not in options.without and "PostgreSQL" in databases:
            report.workers = bench.measure_workers(databases["PostgreSQL"])
            report.sessions = bench.measure_sessions(databases["PostgreSQL"])
            keep(report, options)
        if "memory" not in options.without:
            report.memory = bench.measure_memory()
            keep(report, options)
        if "surveys" not in options.without:
            report.surveys = bench.measure_surveys()
            keep(report, options)
        if "exports" not in options.without:
            say(f"exports of {options.export_people:,} people")
            report.exports = exports.measure(options.export_people)
            keep(report, options)
        report.pages = find_pages(bench, options, databases)
    print(keep(report, options))


def find_pages(bench: "Bench", options: argparse.Namespace, databases: dict[str, str]) -> dict[str, Any]:
    """The pages' figures by database: measured before, or now, unless they are left out."""
    if options.pages:
        given = (page.partition("=") for page in options.pages)
        return {name: json.loads(Path(file).read_text()) for name, _, file in given}
    if "pages" in options.without:
        return {}
    return {name: bench.measure_pages(name, database_url) for name, database_url in databases.items()}


def keep(report: Report, options: argparse.Namespace) -> str:
    """Write what there is, so that an interrupted bench leaves what it has measured; gives the tables."""
    return write_report(report, options.people, options.page)


def say(text: str) -> None:
    """Tell the person who waits."""
    print(text, file=sys.stderr, flush=True)


class Bench:
    """Starts the measuring processes, each with a database that it finds empty unless told otherwise."""

    def __init__(self, folder: Path, options: argparse.Namespace) -> None:
        self._folder, self._options = folder, options
        self._count = 0

    def measure_database(self, report: Report, name: str, database_url: str) -> None:
        """Everything that is measured on each database."""
        options = self._options
        say(f"{name}: download, first sync, 5 % changed, nothing changed, {options.rounds} times")
        with running_upstream() as url:
            report.cycles[name] = self._run(
                database_url, "cycle", f"--url={url}", f"--people={options.people}", f"--rounds={options.rounds}"
            )
        say(f"{name}: the same with a distant upstream; one person on demand")
        with running_upstream(_LATENCY) as url:
            report.distant[name] = self._run(
                self._fresh(database_url),
                "cycle",
                f"--url={url}",
                f"--people={options.people}",
                "--rounds=1",
                f"--at-once={_LATENCY_AT_ONCE}",
            )
            report.alone[name] = self._run(self._fresh(database_url), "alone", f"--url={url}")["milliseconds"]

    def measure_workers(self, database_url: str) -> dict[str, float]:
        """Four processes that share one run and one rate; gives calls per second allowed and reached."""
        say(f"{_WORKERS} workers at {_WORKERS_RATE} calls per second")
        people = _WORKERS_RATE * 6  # 36 seconds' worth of calls
        database_url = self._fresh(database_url)
        with running_upstream(_WORKERS_LATENCY) as url:
            self._run(database_url, "request", f"--url={url}", f"--people={people}")
            arguments = ("part", f"--url={url}", "--at-once=64", f"--rate={_WORKERS_RATE}")
            parts = [self._start(database_url, *arguments) for _ in range(_WORKERS)]
            figures = [self._finish(part) for part in parts]
        seconds = max(figure["ended"] for figure in figures) - min(figure["begun"] for figure in figures)
        return {"allowed": _WORKERS_RATE, "reached": people * 6 / seconds, "workers": _WORKERS}

    def measure_sessions(self, database_url: str) -> dict[str, dict[str, float]]:
        """First syncs by sessions that began when PostgreSQL's tables were empty, and when they were full."""
        say("sessions that begin with empty tables and with full ones")
        with running_upstream() as url:
            return self._run(self._fresh(database_url), "sessions", f"--url={url}", f"--people={self._options.people}")

    def measure_memory(self) -> dict[str, Any]:
        """The peak of a first sync and of one with nothing changed, each in a new process on the same database."""
        people = self._options.memory_people
        say(f"memory with {people:,} people")
        folder = self._new_folder()
        with running_upstream() as url:
            arguments = ("memory", f"--url={url}", f"--people={people}")
            first = self._finish(self._start("", *arguments, folder=folder))
            same = self._finish(self._start("", *arguments, "--prepared", folder=folder))
        return {"people": people, "first": first, "same": same}

    def measure_pages(self, name: str, database_url: str) -> dict[str, Any]:
        """The console's pages over HTTP, with many clients; some ten minutes."""
        say(f"{name}: pages with {self._options.clients:,} clients")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        environment.pop("CAREFUND_DATABASE_URL", None)
        if database_url:
            environment["CAREFUND_DATABASE_URL"] = self._fresh(database_url)
        command = [sys.executable, "-m", "benchmarks.pages", f"--clients={self._options.clients}"]
        return self._finish(
            subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        )

    def measure_surveys(self) -> list[dict[str, Any]]:
        """Surveys on SQLite, for each number of clients with an upstream of its own; many are not read first."""
        found = []
        for people in self._options.survey_people:
            say(f"surveys of {people:,} clients")
            is_ready_made, folder = people > _MOST_READ_FIRST, self._new_folder()
            figures: dict[str, Any] = {"people": people, "ready_made": is_ready_made}
            with running_upstream() as url:
                arguments = [f"--url={url}", f"--people={people}"]
                for step in (["--ready-made"] if is_ready_made else [], ["--prepared"]):
                    started = self._start("", *arguments, *step, folder=folder, module="benchmarks.surveys")
                    figures |= self._finish(started)
            found.append(figures)
        return found

    def measure_peers(self) -> dict[str, Any]:
        """The same work by others, in an environment of their own that is thrown away."""
        say("peers: their packages")
        environment = self._folder / "peers"
        make_environment(environment, _PEER_PACKAGES)
        python = environment / "bin" / "python"
        found: dict[str, Any] = {"people": self._options.peer_people, "figures": {}}
        with running_upstream() as url:
            for name, module in (("dlt pipeline", "dlt_pipeline"), ("plain script", "plain_script")):
                say(f"peers: {name}")
                arguments = [url, str(self._options.peer_people), str(self._new_folder())]
                command = [str(python), "-m", f"benchmarks.peers.{module}", *arguments]
                found["figures"][name] = _read(command, {**os.environ, "PYTHONPATH": str(ROOT)})
        versions = "import importlib.metadata as m; print(m.version('dlt'), m.version('sqlalchemy'))"
        told = subprocess.run([str(python), "-c", versions], capture_output=True, text=True, check=True)
        found["versions"] = dict(zip(("dlt", "sqlalchemy"), told.stdout.split(), strict=True))
        return found

    def _run(self, database_url: str, *arguments: str) -> dict[str, Any]:
        return self._finish(self._start(database_url, *arguments))

    def _start(
        self, database_url: str, *arguments: str, folder: Path | None = None, module: str = "benchmarks.measuring"
    ) -> "subprocess.Popen[str]":
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "carefund.settings",
            "CAREFUND_DATA_FOLDER": str(folder or self._new_folder()),
            "CAREFUND_LOG_LEVEL": "ERROR",
            "CAREFUND_FUNDER_ENVIRONMENT": "sandbox",
            "PYTHONPATH": str(ROOT),
        }
        environment.pop("CAREFUND_DATABASE_URL", None)
        if database_url:
            environment["CAREFUND_DATABASE_URL"] = database_url
        command = [sys.executable, "-m", module, *arguments]
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)

    @staticmethod
    def _finish(process: "subprocess.Popen[str]") -> dict[str, Any]:
        output, _ = process.communicate(timeout=_PATIENCE_SECONDS)
        if process.returncode:
            raise SystemExit(f"bench: a measurement ended with status {process.returncode}")
        figures: dict[str, Any] = json.loads(output)
        return figures

    def _new_folder(self) -> Path:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        return folder

    def _fresh(self, database_url: str) -> str:
        """Another, empty database on the same PostgreSQL; SQLite's is new with its folder."""
        if not database_url:
            return ""
        self._count += 1
        name = f"bench_{self._count}"
        statement = "import psycopg, sys; psycopg.connect(sys.argv[1], autocommit=True).execute(sys.argv[2])"
        subprocess.run([sys.executable, "-c", statement, database_url, f"CREATE DATABASE {name}"], check=True)
        return f"{database_url.rpartition('/')[0]}/{name}"


def _read(command: list[str], environment: dict[str, str]) -> Any:
    done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {command[2]} failed\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


if __name__ == "__main__":
    main()
