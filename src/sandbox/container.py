"""Everything that the sandbox holds, in one object that all handlers share: world, PRODA, gateway, faults, journal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from sandbox.dialect import PLAIN, Dialect
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.journal import Journal
from sandbox.pools import Pools
from sandbox.proda import Proda
from sandbox.switches import Switches, changed
from sandbox.world import World


class Container:
    """The parts, and what concerns several of them: switches, reset, saved state."""

    def __init__(
        self,
        world: World,
        switches: Switches | None = None,
        *,
        journal_size: int = 2_000,
        dialect: Dialect = PLAIN,
    ) -> None:
        self.world = world
        self.dialect = dialect
        self.initial_switches = switches or Switches()
        self.switches = self.initial_switches
        self.pools = Pools(world)
        self.proda = Proda(world.clock.proda_now, lambda: self.switches)
        self.gateway = Gateway(self.proda.tokens.is_valid)
        self.journal = Journal(journal_size)
        self.faults = Faults()
        # What is to be done when the clock was turned.
        self.on_time: list[Callable[[], None]] = []
        # Grows when answers differ for a reason outside the world.
        self.switch_generation = 0
        self._obey()

    def switch(self, values: dict[str, Any]) -> Switches:
        """Change some switches. Raises msgspec.ValidationError."""
        self.switches = changed(self.switches, values)
        self._obey()
        return self.switches

    def reset(self, values: dict[str, Any]) -> None:
        """World, switches, faults and journal back to the beginning; devices stay, unless `devices` is true."""
        self.switches = self.initial_switches
        self._obey()
        self.faults.remove()
        self.journal.clear()
        self.world.clock.skew = 0.0
        if values.get("devices"):
            self.proda.devices.clear()
            self.proda.tokens.forget()

    def save(self, path: Path) -> None:
        """Write all state that should outlive the process."""
        self.world.save(path, {"devices": self.proda.saved(), "switches": msgspec.to_builtins(self.switches)})

    def load(self, path: Path) -> None:
        """Take over the state of a file."""
        document = msgspec.json.decode(path.read_bytes())
        self.world.load(document)
        self.proda.load(document["devices"])
        self.switch(document["switches"])

    def _obey(self) -> None:
        self.gateway.is_lenient = self.switches.lenient_headers
        self.gateway.refuse_duplicates = self.switches.refuse_duplicate_messages
        self.switch_generation += 1
