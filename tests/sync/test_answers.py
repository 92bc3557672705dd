"""The table of answers is whole, and its fingerprint follows how answers are read."""

from datetime import UTC, datetime

import pytest

from carefund.funders.answers import FunderAnswer
from carefund.sync.care_recipient.answers import (
    ANSWERS,
    BUDGET_DETAILS,
    BUDGET_LIST,
    CONTRIBUTIONS,
    SUMMARY,
    CareRecipientSource,
    SyncParts,
    find_readers,
    fingerprint,
    in_order,
)
from carefund.sync.care_recipient.recordsets import RECORD_SETS
from tests.house.tree import modules, strings
from tests.sync.spellings import spelled

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_every_kind_of_record_comes_with_one_answer():
    kinds = [record_set.kind for kind in ANSWERS for record_set in kind.record_sets]
    assert sorted(kinds) == sorted(record_set.kind for record_set in RECORD_SETS)


def test_every_operation_is_read_under_its_own_name_and_is_part_of_a_whole_sync():
    assert [kind.reader(find_readers()).operation for kind in ANSWERS] == [kind.operation for kind in ANSWERS]
    assert all(SyncParts.EVERYTHING in kind.parts for kind in ANSWERS)
    assert len([name for name in vars(CareRecipientSource) if name.startswith("fetch_")]) == len(ANSWERS)


def test_operations_are_named_in_one_place():
    names = {kind.operation for kind in ANSWERS}
    writing = {str(path) for path, tree in modules("src/carefund") if names & set(strings(tree))}
    assert writing == {"src/carefund/funders/services_australia/operations.py"}


def test_the_fingerprint_is_the_same_while_answers_are_read_alike():
    before = fingerprint()
    with spelled():
        assert fingerprint() == before
    with spelled(Budget__used=("amountUsed",)):
        assert fingerprint() == before, "the type knows this name already"


@pytest.mark.parametrize(
    "members",
    [
        {"Budget__used": ("amountSpent",)},
        {"BudgetPeriod__start_date": ("from",)},
        {"Entitlement__amount": ("value",)},
        {"Supplement__status": ("state",)},
    ],
)
def test_the_fingerprint_follows_a_new_spelling_wherever_it_is(members: dict[str, tuple[str, ...]]):
    before = fingerprint()
    with spelled(**members):
        assert fingerprint() != before


def test_answers_stand_in_the_order_of_the_table_whatever_came_first():
    asked = [(BUDGET_DETAILS, "12"), (BUDGET_LIST, "1"), (BUDGET_DETAILS, "11"), (SUMMARY, "1"), (CONTRIBUTIONS, "1")]
    came = [FunderAnswer(kind.operation, subject_id, (), None, NOW) for kind, subject_id in asked]
    assert [(answer.operation, answer.subject_id) for answer in in_order(came)] == [
        (kind.operation, subject_id)
        for kind, subject_id in (
            (SUMMARY, "1"),
            (CONTRIBUTIONS, "1"),
            (BUDGET_LIST, "1"),
            (BUDGET_DETAILS, "11"),
            (BUDGET_DETAILS, "12"),
        )
    ]
