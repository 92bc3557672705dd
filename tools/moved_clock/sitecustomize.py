"""Loaded by every Python process under a moved clock (tools/clocks.py): let `time.sleep` wait without an absolute time.

libfaketime moves the deadline that Python's own sleep hands to the system, and the system refuses it.
"""

import select
import time


def sleep(seconds: float) -> None:
    """Wait for as long, by a timeout that is relative."""
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = sleep
