"""The command line of the sandbox: read the options, build it, serve until told to stop, keep the state."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import signal
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from aiohttp import web

from sandbox.app import App
from sandbox.container import Container
from sandbox.dialect import PLAIN
from sandbox.dialect_file import read_dialect
from sandbox.ndia.deliveries import Deliveries
from sandbox.ndia.state import NdiaState
from sandbox.switches import Switches
from sandbox.world import World


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options of carefund-sandbox."""
    parser = argparse.ArgumentParser(
        prog="carefund-sandbox", description="A local stand-in for PRODA, Services Australia and the NDIA."
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=8765, help="port to listen on; 0 chooses a free port")
    parser.add_argument("--care-recipients", type=int, default=60, help="number of people")
    parser.add_argument("--seed", default="carefund", help="seed for the people; another seed gives other people")
    parser.add_argument("--today", type=date.fromisoformat, default=None, help="first day, YYYY-MM-DD")
    parser.add_argument(
        "--state", type=Path, default=None, help="file to load at the start, if it exists, and to save at the end"
    )
    parser.add_argument("--auth", action=argparse.BooleanOptionalAction, default=True, help="check headers and tokens")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="milliseconds to wait before each response")
    parser.add_argument("--journal", type=int, default=2_000, help="number of requests to remember")
    parser.add_argument("--cached-answers", type=int, default=40_000, help="number of encoded responses to keep")
    parser.add_argument("--interfaces", type=Path, default=None, help="interfaces file whose dialect to speak")
    return parser.parse_args(arguments)


def build_app(options: argparse.Namespace) -> App:
    """The sandbox as the options describe it, with its saved state if there is any."""
    world = World(options.care_recipients, options.seed, options.today)
    container = Container(
        world,
        Switches(auth=options.auth, latency_ms=options.latency_ms),
        journal_size=options.journal,
        dialect=read_dialect(options.interfaces) if options.interfaces else PLAIN,
    )
    if options.state is not None and options.state.exists():
        container.load(options.state)
    return App(container, cached_answers=options.cached_answers)


async def serve(app: App, host: str, port: int, state: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT; says on standard output where it listens."""
    runner = web.ServerRunner(web.Server(app.handle, access_log=None), access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, port, backlog=1024, shutdown_timeout=1.0)
    await site.start()
    _, bound_port = runner.addresses[0][:2]
    print(f"sandbox listening on http://{host}:{bound_port}", flush=True)
    deliveries = asyncio.create_task(Deliveries(NdiaState(app.container.world)).run())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(name, stopped.set)
    try:
        await stopped.wait()
    finally:
        deliveries.cancel()
        await asyncio.gather(deliveries, return_exceptions=True)
        await runner.cleanup()
        if state is not None:
            app.container.save(state)


def main(arguments: Sequence[str] | None = None) -> None:
    """Entry point of carefund-sandbox."""
    options = parse_options(arguments)
    # Answers are kept for long and hold no cycles: looking for garbage often would only cost time.
    gc.set_threshold(100_000, 20, 50)
    try:
        app = build_app(options)
    except (OSError, ValueError) as wrong:
        sys.exit(f"Error: {wrong}")
    asyncio.run(serve(app, options.host, options.port, options.state))
