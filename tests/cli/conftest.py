"""The command line, used as a person would."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from typer.testing import CliRunner

from carefund.records.models import Client
from tests.claim_world import ClaimWorld, settle
from tests.conftest import Sandbox


@dataclass
class Terminal:
    """Types commands of one group and reads what comes back."""

    app: Any

    def type(self, *words: str, status: int = 0) -> str:
        result = CliRunner().invoke(self.app, list(words))
        assert result.exit_code == status, result.output
        return result.output

    def ask(self, *words: str, status: int = 0) -> Any:
        """The JSON that a command prints."""
        return json.loads(self.type(*words, "--json", status=status))


@pytest.fixture
def claims(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> ClaimWorld:
    """Synchronised clients of one service provider, whose lines can be claimed."""
    return settle(world, add_client, synchronise)
