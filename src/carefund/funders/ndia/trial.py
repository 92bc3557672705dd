"""Each PACE operation asked once, about one participant: what came back, byte for byte, and how long it took.

Nothing is understood here and nothing is kept.
"""

import time
from collections.abc import AsyncIterator

from carefund.funders.answers import TrialAnswer, says_nothing
from carefund.funders.errors.root import FunderError
from carefund.funders.ndia.client import Ndia
from carefund.funders.ndia.partner import PartnerGateway
from carefund.funders.ndia.source import Identity


async def ask_each(source: Ndia | PartnerGateway, identity: Identity) -> AsyncIterator[TrialAnswer]:
    """Ask each question once. Raises FunderError when this installation is not let in, or the funder is down."""
    for operation in source.contract.operations:
        begun = time.monotonic()
        try:
            body = await source.ask(operation, identity)
            answer = TrialAnswer(operation, (time.monotonic() - begun) * 1000, body)
        except FunderError as problem:
            if says_nothing(problem):
                raise
            answer = TrialAnswer(operation, (time.monotonic() - begun) * 1000, problem=problem)
        yield answer
