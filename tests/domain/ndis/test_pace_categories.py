"""Categories are matched by text, with aliases, and never by number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.ndis.categories import CATEGORIES, match_category, normalised


def test_there_are_21_categories_with_distinct_numbers_and_texts() -> None:
    texts = [normalised(text) for category in CATEGORIES for text in (category.name, *category.aliases)]
    assert [category.number for category in CATEGORIES] == [f"{number:02d}" for number in range(1, 22)]
    assert len(set(texts)) == len(texts)


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("Assistance with Daily Life", "01"),
        ("DAILY_ACTIVITIES", "01"),
        ("assistance with social economic & community participation", "04"),
        ("SOCIAL_COMMUNITY_CIVIC", "04"),
        ("Improved Life Choices", "14"),
        ("CB Choice & Control", "14"),
        ("CB Daily Activity", "15"),
        ("01C-Home and living", "16"),
        ("Recurring Transport", "18"),
        ("Transport", "02"),
        ("  Behaviour   Support ", "20"),
        ("Something New", None),
        ("01", None),
        ("", None),
    ],
)
def test_a_category_is_found_by_its_text_or_an_alias(text: str, number: str | None) -> None:
    found = match_category(text)
    assert (found.number if found else None) == number


@given(st.sampled_from(CATEGORIES), st.sampled_from([str.upper, str.lower, str.title]), st.sampled_from(["", " ", "-"]))
def test_case_and_punctuation_never_matter(category: object, change: object, edge: str) -> None:
    text = edge + change(category.name) + edge  # type: ignore[operator, attr-defined]
    assert match_category(text) == category


def test_a_text_that_a_person_mapped_is_known_from_then_on() -> None:
    assert match_category("Living Well Supports", {"living well SUPPORTS": "12"}).number == "12"
