"""The proof: whatever changes, also between the pages of a list, a survey and its reads end where a full pass ends.

One installation beside one sandbox: after each round of edits surveys are made, and then a full pass that writes
nothing says what it would change. That must be nothing, for what lists show. `make survey-proof` runs as many rounds as
`CAREFUND_PROOF_ROUNDS` says; the name of a failed test has its seed. Source: rule SYNC-19.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.utils import timezone

from carefund.records.models import Client, SurveySuspect, SyncState
from carefund.runs.care_recipient.surveying import request_survey
from carefund.runs.execution import Worker
from carefund.runs.models import Run, RunItem
from tests.conftest import Sandbox

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ROUNDS = int(os.environ.get("CAREFUND_PROOF_ROUNDS", "2"))
PEOPLE = 40
PAGE_LIMIT = 2
Edit = tuple[str, dict[str, Any]]
KINDS: list[Callable[[Random], Edit]] = [
    lambda r: ("add-usage", {"amount": f"-{r.randint(1, 90)}.{r.randint(10, 99)}"}),
    lambda r: ("add-usage", {"amount": f"-{r.randint(1, 90)}.00", "serviceProviderId": "4049000009"}),
    lambda r: ("change-level", {"level": str(r.randint(1, 8))}),
    lambda r: ("add-supplement", {"typeCode": "OXY_NORM"}),
    lambda r: ("add-classification", {"code": "AT", "level": "LOW"}),
    lambda r: ("end-classifications", {}),
    lambda r: ("identity", {"firstName": f"Name{r.randint(1, 9)}"}),
    lambda r: ("service-provider", {"serviceProviderId": r.choice(["4049000001", "4049000002", "4049000003"])}),
    lambda r: ("drop", {"what": r.choice(["contributions", "supplements", "approvedServices", "classifications"])}),
    lambda r: ("restore", {}),
    lambda r: ("roll-over", {}),
    lambda r: (
        "contributions",
        {"rows": [{"independencePercentage": r.randint(0, 50), "everydayLivingPercentage": r.randint(0, 80)}]},
    ),
]


@pytest.fixture
def everybody(
    world: Sandbox, add_client: Callable[..., Client], bulk: Any, carry_out: Any, settings: Any
) -> list[Client]:
    """People of every scenario, synchronised once, two summaries and twenty other rows a page."""
    settings.SERVICES_AUSTRALIA = replace(django_settings.SERVICES_AUSTRALIA, page_limit=PAGE_LIMIT)
    settings.SURVEY_ROTATION_DAYS = 0
    settings.SURVEY_VANISHED_PERCENT = 100
    clients = [add_client(str(400_000_000 + number)) for number in range(1, PEOPLE + 1)]
    carry_out(bulk(clients))
    return clients


@pytest.fixture
def night(carry_out: Any) -> Callable[..., int]:
    """A survey and the reads that it asks for; gives how many were read."""

    def make(meanwhile: Any = None) -> int:
        run = carry_out(request_survey(trigger=Run.Trigger.SCHEDULED), meanwhile)
        item = run.items.get()
        assert item.outcome != RunItem.Outcome.FAILED, item.message
        if not item.result or "run" not in item.result:
            return 0
        return int(carry_out(Run.objects.get(pk=item.result["run"])).total)

    return make


def edit(world: Sandbox, clients: list[Client], random: Random, times: int) -> None:
    for _ in range(times):
        kind, body = random.choice(KINDS)(random)
        world.change(random.choice(clients).care_recipient_id or "", kind, **body)


def list_changes_left(clients: list[Client], bulk: Any, carry_out: Any) -> list[tuple[str, str]]:
    """What a full pass would still change, without writing."""
    run = carry_out(bulk(clients, is_preview=True))
    left = run.items.filter(outcome=RunItem.Outcome.CHANGED)
    return sorted(left.values_list("care_recipient_id", "counts"))


def in_step_but_for_failures(clients: list[Client]) -> list[Client]:
    failed = SyncState.objects.filter(outcome=RunItem.Outcome.FAILED).values_list("client_id", flat=True)
    return [client for client in clients if client.pk not in set(failed)]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_edits_between_surveys(seed, world, everybody, night, bulk, carry_out):
    random = Random(seed)
    night()
    for _ in range(2):
        edit(world, everybody, random, random.randint(1, 12))
        night()
        assert list_changes_left(in_step_but_for_failures(everybody), bulk, carry_out) == []


@pytest.mark.parametrize("seed", range(100, 100 + ROUNDS))
def test_edits_between_the_pages_of_a_survey_and_faults(seed, world, everybody, night, bulk, carry_out):
    random = Random(seed)
    night()
    edit(world, everybody, random, 4)
    world.ask("POST", "/switches", {"latencyMs": 15})
    world.fault(kind="status", status=503, probability=0.02)

    async def edit_meanwhile(worker: Worker) -> None:
        for _ in range(12):
            await asyncio.to_thread(edit, world, everybody, random, 1)
            await asyncio.sleep(0.05)

    night(edit_meanwhile)
    world.ask("POST", "/switches", {"latencyMs": 0})
    world.ask("DELETE", "/faults")
    night()  # finds what moved while the first one read
    assert list_changes_left(in_step_but_for_failures(everybody), bulk, carry_out) == []


def test_a_list_that_is_early_is_not_believed(world, everybody, night, bulk, carry_out):
    """The list shows a draw that the person's own answer does not show yet."""
    night()
    someone = everybody[2].care_recipient_id
    world.change(someone, "add-usage", amount="-33.00")
    world.fault(kind="raw-value", operation="budgets_by_care_recipient", subject=someone, field="used", text="0.00")
    night()
    assert SurveySuspect.objects.get(client=everybody[2]).reason == "moved"
    world.ask("DELETE", "/faults")
    night()
    assert not SurveySuspect.objects.filter(client=everybody[2]).exists()
    assert list_changes_left(in_step_but_for_failures(everybody), bulk, carry_out) == []


def test_a_list_that_is_late_hides_nothing(world, everybody, night, bulk, carry_out):
    """The list says less than the person's own answer, until it catches up."""
    night()
    world.fault(kind="raw-value", operation="budget_summary", field="used", text="-1.00")
    night()
    assert SurveySuspect.objects.exists()
    world.change(everybody[2].care_recipient_id, "add-usage", amount="-33.00")
    night()
    world.ask("DELETE", "/faults")
    night()
    assert list_changes_left(in_step_but_for_failures(everybody), bulk, carry_out) == []


def test_a_list_that_is_always_otherwise_is_taken_as_it_is_after_two_days(world, everybody, night):
    world.fault(kind="raw-value", operation="budget_summary", field="budgetType", text='"Otherwise"')
    assert night() > PEOPLE // 2
    assert night() > PEOPLE // 2
    SurveySuspect.objects.update(since=timezone.now() - timedelta(days=3))
    night()
    assert night() < PEOPLE // 2
