"""Fixtures of the claim tests."""

from collections.abc import Callable

import pytest

from carefund.records.models import Client
from tests.claim_world import ClaimWorld, settle
from tests.conftest import Sandbox


@pytest.fixture
def claims(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> ClaimWorld:
    """Synchronised clients of one service provider, whose lines can be claimed."""
    return settle(world, add_client, synchronise)
