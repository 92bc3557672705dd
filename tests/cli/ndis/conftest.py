"""The NDIA and its clients."""

from tests.pace_world import ndia, pace_sandbox_process

__all__ = ["ndia", "pace_sandbox_process"]
