"""The change log in plain sentences."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

from carefund.domain.ndis import comparing
from carefund.domain.wording import write_day
from carefund.records.models import Change, Classification, Client, IndividualContribution, PlanBudget
from carefund.records.models.columns import FieldType
from carefund.sync.care_recipient.results import FieldChange
from carefund.sync.change_log.record_kinds import KINDS, LoggedKind
from carefund.sync.change_log.record_names import name_budget
from carefund.sync.change_log.rows import as_entries
from carefund.sync.change_log.sentences import write_lines, write_sentences
from tests.console import world

CONTRACT_FIELDS = {
    "service_contract": comparing.CONTRACT_FIELDS,
    "service_contract_budget": comparing.BUDGET_FIELDS,
    "funding_period": comparing.PERIOD_VALUES,
    "plan": ("start_date", "end_date"),
    "client": ("service_provider_id",),
}


def fields_of(kind: LoggedKind) -> tuple[str, ...]:
    """The fields of which the log can tell a change."""
    return kind.record_set.fields if kind.record_set else CONTRACT_FIELDS.get(kind.kind, ())


pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


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
    assert "; $2,104.33 more until " in texts[0]
    assert len(texts) == 2


def test_a_level_that_is_no_number_is_told_as_it_is(margaret: Client) -> None:
    world.make_changes(margaret)
    for old, new in (("5", "²"), ("6", "³")):
        Classification.objects.filter(level=old).update(level=new)
        for change in Change.objects.filter(kind="classifications"):
            change.key = [new if part == old else part for part in change.key]
            change.save()
    texts = [sentence.text for sentence in write_sentences(Change.objects.order_by("-id"))]
    assert "New classification: Home support ongoing, from " in " ".join(texts)


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
    assert "$142.00 drawn by us for General house cleaning" in texts[0]
    assert texts[0].endswith("$11,461.17 left.")


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
         "Client: Service Provider ID is now 22."),
        ({"kind": "supplements", "action": "no longer returned", "key": ["OXY_NORM", "2026-01-01"]},
         "Supplement allocation OXY_NORM from 1 January 2026 is no longer returned by Services Australia. "
         "It is kept and marked."),
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
        f"Individual contribution: independence 5% → 10% from {write_day(start)}."
    ]
    changed = Change(
        **common, action="changed", field="independence_percentage", key=key, before="10.00", after="12.50"
    )
    assert tell(changed) == [f"Individual contribution from {write_day(start)}: independence rose from 10% to 12.5%."]


def test_a_preview_names_budgets_and_writes_money(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    changes = [
        FieldChange("budgets", "changed", (budget.budget_id,), "used", "-1660.25", "-1802.25"),
        FieldChange("budgets", "new", ("7",), after="12000.00"),
    ]
    lines = write_lines(as_entries(margaret.pk, changes))
    told = [(line.record, line.what, line.before, line.after) for line in lines]
    assert told == [
        (name_budget(budget), "Used", "−$1,660.25", "−$1,802.25"),
        ("Budget 7", "New", "", "$12,000.00"),
    ]


def test_many_alike_are_counted(margaret: Client) -> None:
    now = timezone.now()
    changes = [
        Change(client=margaret, fetched_at=now, kind="approved_services", action="new", key=[f"S{number}"])
        for number in range(9)
    ]
    assert tell(*changes) == ["9 approved services are new."]


def test_nothing_that_moved_is_lost_beside_a_draw(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    usage = budget.budget_usage.order_by("id")[0]
    common = {"client": margaret, "fetched_at": timezone.now()}
    of_budget = {**common, "kind": "budgets", "action": "changed", "key": [budget.budget_id]}
    [text] = tell(
        Change(**of_budget, field="total", before="1000.00", after="1100.00"),
        Change(**of_budget, field="used", before="-1660.25", after="-1802.25"),
        Change(**of_budget, field="available", before="1000.00", after="958.00"),
        Change(**common, kind="budget_usage", action="new", key=[budget.budget_id, usage.invoice_id, usage.item_id]),
    )
    assert text.endswith("; total rose by $100.00; $958.00 left.")


def test_draws_that_are_not_stored_yet_are_added_up(margaret: Client) -> None:
    budget = PlanBudget.objects.filter(budget_type_code="ON").order_by("-start_date")[0]
    key = (budget.budget_id, "200001", "1")
    draw = FieldChange("budget_usage", "new", key, after="-96.00")
    left = FieldChange("budgets", "changed", (budget.budget_id,), "available", "1000.00", "904.00")
    entries = as_entries(margaret.pk, [left, draw])
    assert [sentence.text for sentence in write_sentences(entries)] == [
        f"{name_budget(budget)}: $96.00 drawn in 1 line; $904.00 left."
    ]
    [line] = write_lines(as_entries(margaret.pk, [draw]))
    assert (line.record, line.after) == (f"{name_budget(budget)}: Line of budget usage 200001 1", "−$96.00")


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"kind": "client", "action": "first sync", "after": "12 records"}, "First sync: 12 records."),
        ({"kind": "budgets", "action": "new", "key": ("7",), "after": "12000.00"}, "New budget 7, total $12,000.00."),
        ({"kind": "classifications", "action": "new", "key": ("Home support", "ON", "6", "2026-05-03")},
         "New classification: Level 6, from 3 May 2026."),
        ({"kind": "service_contract", "action": "new", "key": ("2026-07-01",), "after": "2026-07-01"},
         "New service contract of the PACE plan from 1 July 2026."),
        ({"kind": "funding_period", "action": "changed", "key": ("2026-07-01", "Daily life", "2026-10-01"),
          "field": "amount", "before": "10.00", "after": "20.00"},
         "Funding period Daily life from 1 October 2026, PACE plan from 1 July 2026: "
         "amount rose from $10.00 to $20.00."),
        ({"kind": "service_contract_budget", "action": "changed", "key": ("2026-07-01", "Daily life"),
          "field": "spent_amount", "before": None, "after": "20.00"},
         "Service contract budget Daily life, PACE plan from 1 July 2026: spent amount is now $20.00."),
        ({"kind": "budgets", "action": "changed", "key": ("7",), "field": "used", "before": "-96.00", "after": None},
         "Budget 7: used is no longer given (was $96.00)."),
    ],
)  # fmt: skip
def test_what_is_not_stored_is_named_by_its_key(values: dict[str, Any], text: str) -> None:
    client = world.make_clients(1)[0]
    [entry] = as_entries(client.pk, [FieldChange(**{"key": (), **values})])
    assert [sentence.text for sentence in write_sentences([entry])] == [text]


FIELDS = [(kind, name) for kind in KINDS.values() for name in fields_of(kind)]
SAMPLES = {
    FieldType.MONEY: ("12.50", "30.00", "{} rose from $12.50 to $30.00."),
    FieldType.PERCENTAGE: ("12.50", "30.00", "{} rose from 12.5% to 30%."),
    FieldType.DATE: ("2026-05-03", "2026-06-30", "{} changed from 3 May 2026 to 30 June 2026."),
    FieldType.CODE: ("A_1", "2026-06-30", "{} changed from A_1 to 2026-06-30."),
    FieldType.TEXT: ("open", "closed", "{} changed from open to closed."),
}


@pytest.mark.parametrize(("kind", "name"), FIELDS, ids=lambda parameter: getattr(parameter, "kind", parameter))
def test_each_field_is_told_by_its_type(kind: LoggedKind, name: str) -> None:
    """So a field that is added tomorrow is told like the others: nothing here or in the product lists them."""
    client = world.make_clients(1)[0]
    found = kind.type_of(name)
    if found is FieldType.INSTANT:
        before, after, expected = "x", "y", ""
    else:
        before, after, expected = SAMPLES[found]
    change = FieldChange(kind.kind, "changed", ("2026-07-01", "7", "2026-07-01"), name, before, after)
    texts = [sentence.text for sentence in write_sentences(as_entries(client.pk, [change]))]
    if not expected:
        assert texts == [], "the funder's book-keeping is no news"
    elif name == "available":
        assert texts[0].endswith(": $30.00 left, $17.50 more.")
    elif kind.is_last_day(name):
        assert texts[0].endswith(" now ends on 30 June 2026 (was 3 May 2026).")
    else:
        assert texts[0].endswith(f": {expected.format(kind.name_in_sentence(name))}")
    assert "_" not in texts[0].replace("A_1", "") if texts else True


def test_a_field_has_one_label_in_every_table() -> None:
    labels: dict[str, set[str]] = {}
    for kind, name in FIELDS:
        labels.setdefault(name, set()).add(kind.label_of(name))
    assert all(len(found) == 1 for found in labels.values()), labels
    assert labels["rollover_deduction"] == {"Rollover deduction"}
