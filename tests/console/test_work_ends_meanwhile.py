"""Work that ends while a page about it is being made: the page shows what came of it, or goes on watching.

A page that reads its records first and the work afterwards shows old records beside work that is over, and never looks
again.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.urls import reverse

from carefund.records.models import Claim, Client
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, settle
from tests.conftest import Sandbox
from tests.console import world as cast_world

Browse = Callable[[User | None], Browser]
WATCHES = 'hx-trigger="every 1s"'


@pytest.fixture
def claims(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> ClaimWorld:
    return settle(world, add_client, synchronise)


@pytest.fixture
def people(transactional_db: None) -> cast_world.Cast:
    return cast_world.make_cast()


@contextmanager
def ending_after_read_of(table: str, run: Run) -> Iterator[None]:
    """The engine ends a run between the page's first read of a table and whatever the page asks next."""
    was_read = ended = False

    def watch(execute: Callable[..., Any], sql: str, *arguments: Any) -> Any:
        nonlocal was_read, ended
        if was_read and not ended:
            ended = True
            engine = threading.Thread(target=finish_now, args=[run])
            engine.start()
            engine.join(60)
        was_read = was_read or f'FROM "{table}"' in sql
        return execute(sql, *arguments)

    with connection.execute_wrapper(watch):
        yield
    run.refresh_from_db()
    assert run.status == Run.Status.FINISHED


def test_a_claim_that_was_checked_meanwhile(claims: ClaimWorld, people: cast_world.Cast, browse: Browse):
    claims.deliver(claims.clients[0])
    fay = browse(people.fay)
    fay.post(reverse("console:batch-send", args=[claims.prepare().pk]))
    finish_now(Run.objects.get(kind="claim-batch"))
    claim = Claim.objects.get()
    claims.turn(advanceDays=3)
    fay.post(reverse("console:claim-check", args=[claim.claim_id]))
    with ending_after_read_of("records_claim", Run.objects.get(kind="claim-check")):
        page = fay.get(reverse("console:claim", args=[claim.claim_id])).content.decode()
    assert WATCHES in page or "Completed</span></h1>" in page


def test_a_batch_that_was_sent_meanwhile(claims: ClaimWorld, people: cast_world.Cast, browse: Browse):
    claims.deliver(claims.clients[0])
    fay = browse(people.fay)
    batch = claims.prepare()
    fay.post(reverse("console:batch-send", args=[batch.pk]))
    with ending_after_read_of("records_claimbatch", Run.objects.get(kind="claim-batch")):
        page = fay.get(reverse("console:batch", args=[batch.pk])).content.decode()
    assert WATCHES in page or "Submitted" in page
