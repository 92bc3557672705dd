"""A polite stop: SIGTERM and SIGINT become an event that the engines look at between people."""

import asyncio
import contextlib
import signal
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def stop_on_signals(stopping: asyncio.Event) -> Iterator[None]:
    """Set the event on SIGTERM or SIGINT; elsewhere than in the main thread, signals are left to others."""
    loop = asyncio.get_running_loop()
    names = (signal.SIGTERM, signal.SIGINT) if threading.current_thread() is threading.main_thread() else ()
    for name in names:
        loop.add_signal_handler(name, stopping.set)
    try:
        yield
    finally:
        for name in names:
            loop.remove_signal_handler(name)
