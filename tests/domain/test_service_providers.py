"""Which branch a person belongs to. Source: rule SYNC-08."""

from datetime import date

import pytest

from carefund.domain.service_providers import is_valid_service_provider_id, newest_service_provider_id

TODAY = date(2026, 11, 20)


@pytest.mark.parametrize("given", ["2200000011", "SRV-1", "7"])
def test_an_id_is_up_to_ten_letters_digits_or_hyphens(given):
    assert is_valid_service_provider_id(given)


@pytest.mark.parametrize("given", ["", "0", "0000000000", "0-0", "22000000111", "22 00", "22/00", "null!"])
def test_blank_zero_and_misshapen_ids_are_none(given):
    assert not is_valid_service_provider_id(given)


@pytest.mark.parametrize(
    ("budgets", "expected"),
    [
        pytest.param([], "", id="no budgets"),
        pytest.param([(date(2026, 1, 1), "A"), (date(2026, 10, 1), "B")], "B", id="the one that started last"),
        pytest.param([(date(2027, 1, 1), "C"), (date(2026, 10, 1), "B")], "B", id="not one of the future"),
        pytest.param([(date(2027, 1, 1), "C")], "C", id="unless there is no other"),
        pytest.param([(date(2026, 10, 1), ""), (date(2026, 1, 1), "A")], "A", id="a blank one is passed over"),
        pytest.param([(None, "N"), (date(2026, 1, 1), "A")], "A", id="a start that is unknown counts last"),
        pytest.param([(TODAY, "T"), (date(2026, 1, 1), "A")], "T", id="starting today has started"),
    ],
)
def test_the_newest_budget_says_where_a_person_belongs(budgets, expected):
    assert newest_service_provider_id(budgets, TODAY) == expected
    assert newest_service_provider_id(reversed(budgets), TODAY) == expected
