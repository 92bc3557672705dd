"""The change log in plain sentences."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from carefund.console.change_words import name_budget
from carefund.console.preview_words import describe_changes
from carefund.console.sentences import write_sentences
from carefund.console.templatetags.words import write_day
from carefund.records.models import Change, Client, IndividualContribution, PlanBudget
from carefund.sync.results import FieldChange
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
        Change(**common, kind="budgets", action="changed", field="available", key=[budget.budget_id],
               before="11,603.17".replace(",", ""), after="11461.17"),
        Change(**common, kind="budgets", action="changed", field="used", key=[budget.budget_id],
               before="-1660.25", after="-1802.25"),
        Change(**common, kind="budgets", action="changed", field="updated_at_date_time", key=[budget.budget_id],
               before="x", after="y"),
        Change(**common, kind="budget_usage", action="new",
               key=[budget.budget_id, usage.invoice_id, usage.item_id]),
    )  # fmt: skip
    assert len(texts) == 1
    assert "142.00 drawn by us for General house cleaning" in texts[0]
    assert texts[0].endswith("11,461.17 left.")


def test_two_syncs_are_never_told_as_one(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    now = timezone.now()
    texts = tell(*(
        Change(client=margaret, fetched_at=now - timedelta(hours=hours), kind="budgets", action="changed",
               field="available", key=[budget.budget_id], before="10.00", after="20.00")
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
        ({"kind": "supplements", "action": "no longer returned", "key": ["OXY_NORM", "2026-01-01"]},
         "Supplement allocations OXY_NORM · 1 January 2026 is no longer returned by the funder; "
         "it is kept here and marked."),
        ({"kind": "something_new", "action": "changed", "field": "colour", "key": ["7"], "before": "a", "after": "b"},
         "Something new 7: colour changed from a to b."),
    ],
)  # fmt: skip
def test_every_change_has_a_sentence(values: dict[str, str], text: str) -> None:
    client = world.make_clients(1)[0]
    assert tell(Change(client=client, fetched_at=timezone.now(), **values)) == [text]


def test_a_contribution_that_changes_is_told_in_numbers(margaret: Client) -> None:
    old = IndividualContribution.objects.get(client=margaret)
    start = (old.effective_date_from or date(2026, 1, 1)) + timedelta(days=31)
    IndividualContribution.objects.create(
        client=margaret, plan=old.plan, changed_at=timezone.now(), service_provider_id=old.service_provider_id,
        effective_date_from=start, clinical_percentage=Decimal("0.00"), independence_percentage=Decimal("10.00"),
        everyday_living_percentage=Decimal("17.50"),
    )  # fmt: skip
    key = [old.service_provider_id, "", str(start)]
    common = {"client": margaret, "fetched_at": timezone.now(), "kind": "individual_contributions"}
    assert tell(Change(**common, action="new", key=key)) == [
        f"Individual contribution: independence 5 % → 10 % from {write_day(start)}."
    ]
    changed = Change(
        **common, action="changed", field="independence_percentage", key=key, before="10.00", after="12.50"
    )
    assert tell(changed) == [f"Individual contribution from {write_day(start)}: independence 10 % → 12.5 %."]


def test_a_preview_names_budgets_and_writes_money(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    changes = [
        FieldChange("budgets", "changed", (budget.budget_id,), "used", "-1660.25", "-1802.25"),
        FieldChange("budgets", "new", ("7",), after="12000.00"),
    ]
    told = [(line.record, line.before, line.after) for line in describe_changes(margaret, changes)]
    assert told == [(name_budget(budget), "−1,660.25", "−1,802.25"), ("7", None, "12,000.00")]


def test_many_alike_are_counted(margaret: Client) -> None:
    now = timezone.now()
    changes = [
        Change(client=margaret, fetched_at=now, kind="approved_services", action="new", key=[f"S{number}"])
        for number in range(9)
    ]
    assert tell(*changes) == ["9 approved services are new."]
