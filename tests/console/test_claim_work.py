"""Claims as pages ask for them: nothing is asked of the funder in a request; the page watches the work."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from carefund.records.models import Claim, Client
from carefund.runs.foreground import finish_now
from carefund.runs.models import Run
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, settle
from tests.conftest import Sandbox
from tests.console import world as cast_world

FRAGMENT = {"HX-Request": "true"}
Browse = Callable[[User | None], Browser]


@pytest.fixture
def claims(world: Sandbox, add_client: Callable[..., Client], synchronise: Callable[..., object]) -> ClaimWorld:
    return settle(world, add_client, synchronise)


@pytest.fixture
def people(transactional_db: None) -> cast_world.Cast:
    return cast_world.make_cast()


def asked(claims: ClaimWorld) -> int:
    return len(claims.sandbox.ask("GET", "/journal")["requests"])


def test_a_batch_is_sent_in_the_background_and_its_page_watches(
    claims: ClaimWorld, people: cast_world.Cast, browse: Browse
):
    claims.deliver(claims.clients[0], lines=2)
    batch = claims.prepare()
    fay = browse(people.fay)
    claims.sandbox.ask("DELETE", "/journal")
    address = reverse("console:batch", args=[batch.pk])
    asking = fay.get(reverse("console:batch-send", args=[batch.pk])).content.decode()
    assert f"Submit batch {batch.pk} and claim?" in asking
    for fact in (batch.service_provider_id, "2 for 1 client", "<dd>1</dd>", "<dt>Sent to</dt><dd>Services Australia"):
        assert fact in asking
    assert f"{sum(line.amount for line in batch.payment_requests.all()):,}" in asking
    assert not Run.objects.filter(kind="claim-batch").exists(), "asked, not sent"
    page = fay.post(reverse("console:batch-send", args=[batch.pk]), follow=True).content.decode()
    assert asked(claims) == 0
    assert "Sending…" in page
    assert "You can leave this page" in page
    run = Run.objects.get(kind="claim-batch")
    fay.post(reverse("console:batch-send", args=[batch.pk]))
    assert Run.objects.filter(kind="claim-batch").count() == 1
    watch = reverse("console:run-watch", args=[run.pk])
    assert "HX-Refresh" not in fay.get(watch, headers=FRAGMENT).headers
    finish_now(run)
    assert fay.get(watch, headers=FRAGMENT).headers["HX-Refresh"] == "true"
    assert "Claim submitted." in fay.get(address).content.decode()
    assert fay.get(reverse("console:batch-send", args=[batch.pk])).headers["Location"] == address, "nothing to ask"
    assert f"claim batch {batch.pk}" in fay.get(reverse("console:runs")).content.decode().lower()
    assert f"Batch {batch.pk}" in fay.get(reverse("console:run", args=[run.pk]) + "?only=").content.decode()
    assert f"Batch {batch.pk}" in fay.get(reverse("console:run-csv", args=[run.pk])).getvalue().decode()


def test_check_status_is_asked_for_and_what_came_of_it_is_shown(
    claims: ClaimWorld, people: cast_world.Cast, browse: Browse
):
    claims.deliver(claims.clients[0])
    fay = browse(people.fay)
    fay.post(reverse("console:batch-send", args=[claims.prepare().pk]))
    finish_now(Run.objects.get(kind="claim-batch"))
    claim = Claim.objects.get()
    claims.turn(advanceDays=3)
    claims.sandbox.ask("DELETE", "/journal")
    fay.post(reverse("console:claim-check", args=[claim.claim_id]))
    assert asked(claims) == 0
    finish_now(Run.objects.get(kind="claim-check"))
    page = fay.get(reverse("console:claim", args=[claim.claim_id])).content.decode()
    assert "Status: Completed. Related Data Updates: 1 client is being synchronised, as the claim was approved." in page
    claims.sandbox.ask("DELETE", "/journal")
    fay.post(reverse("console:claims-check"))
    assert asked(claims) == 0
    finish_now(Run.objects.get(kind="claim-check", status=Run.Status.QUEUED))
    assert "3 of 3 done" in fay.get(reverse("console:claims")).content.decode()


def test_only_whoever_may_claim_watches_and_steers(claims: ClaimWorld, people: cast_world.Cast, browse: Browse):
    claims.deliver(claims.clients[0])
    browse(people.fay).post(reverse("console:batch-send", args=[claims.prepare().pk]))
    run = Run.objects.get(kind="claim-batch")
    for who in (people.ben, people.rex):
        assert browse(who).get(reverse("console:run-watch", args=[run.pk])).status_code == 403
        assert browse(who).post(reverse("console:run-steer", args=[run.pk, "cancel"])).status_code == 403
    browse(people.fay).post(reverse("console:run-steer", args=[run.pk, "pause"]))
    run.refresh_from_db()
    assert run.status == Run.Status.PAUSED
