"""Whom a survey makes a suspect. Source: rule SYNC-19."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.care_recipient.surveys import (
    Mark,
    Reason,
    Sighting,
    Surveyed,
    Suspect,
    are_distrusted,
    choose_rotation,
    compare_figures,
    digest_of,
    has_settled,
    suspect,
)

NOW = datetime(2026, 11, 21, 16, tzinfo=UTC)
YESTERDAY = NOW - timedelta(days=1)
rows = st.lists(st.tuples(st.sampled_from("sbc"), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12)


def see(listed: list[tuple[str, bytes]]) -> Mark:
    sighting = Sighting()
    sighting.add_summary(digest_of(b"person"))
    for kind, content in listed:
        digest = digest_of(content)
        if kind == "s":
            sighting.add_summary(digest)
        elif kind == "b":
            sighting.add_budget(digest, digest)
        else:
            sighting.add_contribution(digest)
    return sighting.mark


def known(mark: Mark | None, **values: object) -> Surveyed:
    return Surveyed(**{"mark": mark, "read_at": YESTERDAY, "read_in_full_at": YESTERDAY} | values)  # type: ignore[arg-type]


@given(rows, st.randoms())
def test_order_and_page_borders_do_not_matter(listed, random):
    shuffled = list(listed)
    random.shuffle(shuffled)
    assert suspect(known(see(listed)), see(shuffled), NOW) is None


@given(rows, st.data())
def test_a_row_missed_doubled_or_changed_makes_a_suspect(listed, data):
    place = data.draw(st.integers(0, len(listed) - 1))
    kind, content = listed[place]
    spoilt = data.draw(
        st.sampled_from(
            [
                listed[:place] + listed[place + 1 :],
                [*listed, listed[place]],
                [*listed[:place], (kind, content + b"!"), *listed[place + 1 :]],
            ]
        )
    )
    found = suspect(known(see(listed)), see(spoilt), NOW)
    assert found is not None
    assert found.reason is Reason.MOVED


MARK = see([("b", b"budget"), ("c", b"contribution")])
DRAWN = Mark(MARK.summary, MARK.contributions, MARK.budgets + 1, MARK.frame)
BEFORE = YESTERDAY - timedelta(hours=1)
FAILED_AGAIN = Suspect(Reason.FAILED)
FRAMED = Mark(MARK.summary, MARK.contributions, MARK.budgets + 1, MARK.frame + 1)


@pytest.mark.parametrize(
    ("before", "seen", "found"),
    [
        (known(MARK), MARK, None),
        (known(MARK), DRAWN, Suspect(Reason.MOVED, is_narrow=True)),
        (known(MARK), FRAMED, Suspect(Reason.MOVED)),
        (known(MARK), Mark(), Suspect(Reason.NOT_LISTED)),
        (known(MARK, has_failed=True), MARK, Suspect(Reason.FAILED)),
        (known(MARK, has_failed=True), DRAWN, Suspect(Reason.MOVED)),
        (known(None), MARK, Suspect(Reason.UNMARKED)),
        (Surveyed(), MARK, Suspect(Reason.NEVER_READ)),
        (Surveyed(), Mark(), Suspect(Reason.NEVER_READ)),
        (known(MARK, suspected=DRAWN), DRAWN, Suspect(Reason.MOVED, is_narrow=True)),
        (known(MARK, stands=False), MARK, Suspect(Reason.MOVED)),
        (known(MARK, stands=False), DRAWN, Suspect(Reason.MOVED)),
        (known(MARK, suspected=DRAWN, suspected_since=BEFORE), DRAWN, Suspect(Reason.DISAGREED)),
        (known(MARK, suspected=DRAWN, suspected_since=BEFORE, has_failed=True), DRAWN, FAILED_AGAIN),
        (known(MARK, suspected=FRAMED), DRAWN, Suspect(Reason.MOVED, is_narrow=True)),
        (known(None, suspected=MARK, suspected_since=BEFORE), MARK, Suspect(Reason.DISAGREED)),
        (known(MARK, consent_missing=True), MARK, Suspect(Reason.CONSENT, is_narrow=True)),
        (known(MARK, consent_missing=True, read_at=NOW), MARK, None),
        (known(MARK, hides_budgets=True), MARK, None),
        (known(MARK, hides_budgets=True, read_at=NOW - timedelta(days=8)), MARK, Suspect(Reason.HIDDEN)),
    ],
)
def test_each_reason(before, seen, found):
    assert suspect(before, seen, NOW) == found


def test_a_disagreement_settles_after_two_days():
    assert not has_settled(None, NOW)
    assert not has_settled(NOW - timedelta(hours=47), NOW)
    assert has_settled(NOW - timedelta(hours=48), NOW)


@given(st.integers(1, 200), st.integers(1, 40))
def test_everybody_has_had_a_turn_within_the_rotation(number, days):
    read = dict.fromkeys(range(number), NOW)
    now = NOW
    for _ in range(days):
        now += timedelta(days=1)
        for person in choose_rotation(read, days, now):
            read[person] = now
    assert all(at > NOW for at in read.values())


def test_rotation_makes_up_for_nights_without_a_survey_and_can_be_off():
    read = {person: NOW - timedelta(days=40) for person in range(50)}
    assert len(choose_rotation(read, 28, NOW)) == 50
    assert choose_rotation(read, 0, NOW) == []
    assert choose_rotation(dict.fromkeys(range(50), NOW), 28, NOW) == []
    assert choose_rotation({1: None, 2: YESTERDAY}, 28, NOW) == [1]


def test_many_who_vanish_at_once_speak_against_the_list():
    assert are_distrusted(100, 11, 10)
    assert not are_distrusted(100, 10, 10)
    assert not are_distrusted(4, 4, 10)


def test_an_answer_agrees_when_it_says_what_was_listed_and_no_more():
    assert compare_figures([1, 2], [1], [2, 9], [2]) == (True, False)
    assert compare_figures([1, 9], [1], [2, 9], []) == (True, False)  # an ended budget may be listed, or not
    assert compare_figures([1], [1], [2], [2]) == (True, True)  # a list may leave out a budget
    assert compare_figures([1, 3], [1], [2], [2]) == (False, True)  # the list is early, or late
    assert compare_figures([2], [1], [2], [2]) == (False, False)  # the answer says more than the list
