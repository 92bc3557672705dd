"""An answer of any shape may fail one person's sync in one clear sentence, and nothing else.

See docs/decisions/0015-what-an-answer-can-hold.md.
"""

import pytest

from carefund.records.models import Entitlement, IndividualContribution, PlanBudget
from carefund.runs.models import RunItem
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db(transaction=True)

BUDGETS = "budgets_by_care_recipient"
DETAILS = "budget_details"
SUMMARY = "care_recipient_summary"
CONTRIBUTIONS = "individual_contribution"
KEPT = (PlanBudget, Entitlement, IndividualContribution)


def spoilt(operation: str, field: str, *texts: str):
    return [
        pytest.param({"kind": "raw-value", "operation": operation, "field": field, "text": text}, "impossible-value")
        for text in texts
    ]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        *spoilt(BUDGETS, "total", "NaN", '"NaN"', "Infinity", "1e13", "1e400"),
        *spoilt(BUDGETS, "available", "9" * 30),
        *spoilt(DETAILS, "amount", '"NaN"', "1e13"),
        *spoilt(CONTRIBUTIONS, "everydayLivingPercentage", "1e9", '"NaN"'),
        *spoilt(BUDGETS, "endDate", '"0001-01-02"', '"9999-12-30"'),
        *spoilt(SUMMARY, "startDate", '"9999-12-31"'),
        *spoilt(DETAILS, "description", '"' + "x" * 300 + '"', '"\\u0000"', '"\\ud800"'),
        *spoilt(SUMMARY, "firstName", '"' + "x" * 10_000_000 + '"'),
        *spoilt(SUMMARY, "serviceText", '"A\\u0000"'),
        *spoilt(BUDGETS, "serviceProviderId", '"' + "4" * 21 + '"'),
        ({"kind": "nested", "operation": SUMMARY, "number": 100_000}, "too-deep"),
        ({"kind": "duplicate-row", "operation": BUDGETS, "number": 40_000}, "too-large"),
        ({"kind": "duplicate-row", "operation": DETAILS, "field": "usage", "number": 40_000}, "too-large"),
        ({"kind": "duplicate-row", "operation": SUMMARY, "field": "classifications", "number": 40_000}, "too-large"),
        ({"kind": "endless", "operation": BUDGETS}, "too-large"),
        ({"kind": "endless", "operation": CONTRIBUTIONS}, "repeated-page"),
        ({"kind": "packed", "operation": SUMMARY, "number": 64}, "too-large"),
        ({"kind": "charset", "operation": SUMMARY, "text": "(iso-8859-1)"}, "wrong-characters"),
        ({"kind": "charset", "operation": SUMMARY, "text": "utf-7"}, "wrong-characters"),
        ({"kind": "truncate", "operation": SUMMARY, "share": 0.5}, "incomplete"),
    ],
)
def test_it_fails_one_person_in_one_sentence(world, add_client, synchronise, fault, code):
    one = add_client("400000003")
    before = table_rows(*KEPT)
    world.fault(**fault, subject=one.care_recipient_id if fault["operation"] != DETAILS else "")
    failed = synchronise(one)
    assert (failed.outcome, failed.error_code) == (RunItem.Outcome.FAILED, code)
    assert failed.failed_step == fault["operation"].replace("_", " ")
    assert "nexpected" not in failed.message
    assert failed.message.endswith(".")
    assert ". " not in failed.message
    assert table_rows(*KEPT) == before


def test_what_was_known_stays_and_others_are_not_concerned(world, add_client, synchronise):
    one, other = add_client("400000003"), add_client("400000005")
    assert synchronise(one).outcome == RunItem.Outcome.CHANGED
    before = table_rows(*KEPT)
    world.fault(kind="raw-value", operation=BUDGETS, field="total", text="1e13", subject=one.care_recipient_id)
    assert synchronise(one).outcome == RunItem.Outcome.FAILED
    assert table_rows(*KEPT) == before
    assert synchronise(other).outcome == RunItem.Outcome.CHANGED
    world.ask("DELETE", "/faults")
    assert synchronise(one).outcome == RunItem.Outcome.UNCHANGED


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "second-list", "operation": BUDGETS},
        {"kind": "second-list", "operation": CONTRIBUTIONS, "field": "warnings"},
        {"kind": "nested", "operation": BUDGETS, "number": 50},
        {"kind": "packed", "operation": SUMMARY, "number": 2},
        {"kind": "raw-value", "operation": BUDGETS, "field": "careRecipientName", "text": '"\\ud83d\\ude00"'},
    ],
)
def test_what_is_odd_and_can_be_kept_is_kept(world, add_client, synchronise, fault):
    client = add_client("400000003")
    world.fault(**fault)
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    assert PlanBudget.objects.filter(client=client).exists()
    assert IndividualContribution.objects.filter(client=client).exists()
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_latin_letters_that_say_so_are_stored_as_they_are(world, add_client, synchronise):
    client = add_client("400000003")
    world.fault(kind="raw-value", operation=DETAILS, field="description", text='"Zoë aged"')
    world.fault(kind="charset", operation=DETAILS, text="iso-8859-1", number=0)
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    assert set(Entitlement.objects.filter(client=client).values_list("description", flat=True)) == {"Zoë aged"}
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_amounts_are_rounded_alike_on_every_database(world, add_client, synchronise):
    client = add_client("400000003")
    world.fault(kind="raw-value", operation=BUDGETS, field="total", text="0.125")
    assert synchronise(client).outcome == RunItem.Outcome.CHANGED
    assert {str(budget.total) for budget in PlanBudget.objects.filter(client=client)} == {"0.12"}
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED
