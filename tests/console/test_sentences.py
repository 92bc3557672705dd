"""The change log in plain sentences."""

from datetime import timedelta

import pytest
from django.utils import timezone

from carefund.console.sentences import write_sentences
from carefund.records.models import Change, Client, PlanBudget
from tests.console import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def margaret() -> Client:
    client = world.make_clients(1)[0]
    world.make_funding(client)
    return client


def tell(*changes: Change) -> list[str]:
    for change in changes:
        change.save()
    return [sentence.text for sentence in write_sentences(reversed(changes))]


def test_a_level_that_rose_is_one_sentence_with_what_it_brings(margaret: Client) -> None:
    world.make_changes(margaret)
    texts = [sentence.text for sentence in write_sentences(Change.objects.order_by("-id"))]
    assert texts[0].startswith("Level rose from 5 to 6 on ")
    assert "; 2,104.33 more until " in texts[0]
    assert len(texts) == 2


def test_a_draw_says_what_is_left(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    usage = budget.budget_usage.order_by("id")[0]
    common = {"client": margaret, "fetched_at": timezone.now()}
    texts = tell(
        Change(**common, kind="budgets", action="changed", field="available", record=budget.budget_id,
               before="11,603.17".replace(",", ""), after="11461.17"),
        Change(**common, kind="budgets", action="changed", field="used", record=budget.budget_id,
               before="-1660.25", after="-1802.25"),
        Change(**common, kind="budgets", action="changed", field="updated_at_date_time", record=budget.budget_id,
               before="x", after="y"),
        Change(**common, kind="budget_usage", action="new",
               record=f"{budget.budget_id} · {usage.invoice_id} · {usage.item_id}"),
    )  # fmt: skip
    assert len(texts) == 1
    assert "142.00 drawn for General house cleaning" in texts[0]
    assert texts[0].endswith("11,461.17 left.")


def test_two_syncs_are_never_told_as_one(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    now = timezone.now()
    texts = tell(*(
        Change(client=margaret, fetched_at=now - timedelta(hours=hours), kind="budgets", action="changed",
               field="available", record=budget.budget_id, before="10.00", after="20.00")
        for hours in (2, 1)
    ))  # fmt: skip
    assert len(texts) == 2


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"kind": "plan", "action": "changed", "field": "end_date", "before": None, "after": "2026-05-03"},
         "Plan now ends on 3 May 2026."),
        ({"kind": "plan", "action": "changed", "field": "end_date", "before": "2026-05-03", "after": None},
         "Plan no longer has an end date (was 3 May 2026)."),
        ({"kind": "client", "action": "changed", "field": "service_provider_id", "before": None, "after": "22"},
         "Client: service provider id is now 22."),
        ({"kind": "supplements", "action": "no longer returned", "record": "OXY_NORM · 2026-01-01"},
         "Supplement allocations OXY_NORM · 1 January 2026 is no longer returned by the funder; "
         "it is kept here and marked."),
        ({"kind": "something_new", "action": "changed", "field": "colour", "record": "7", "before": "a", "after": "b"},
         "Something new 7: colour changed from a to b."),
    ],
)  # fmt: skip
def test_every_change_has_a_sentence(values: dict[str, str], text: str) -> None:
    client = world.make_clients(1)[0]
    assert tell(Change(client=client, fetched_at=timezone.now(), **values)) == [text]


def test_many_alike_are_counted(margaret: Client) -> None:
    now = timezone.now()
    changes = [
        Change(client=margaret, fetched_at=now, kind="approved_services", action="new", record=f"S{number}")
        for number in range(9)
    ]
    assert tell(*changes) == ["9 approved services are new."]
