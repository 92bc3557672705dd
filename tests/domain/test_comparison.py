"""Comparing what is stored with what came in: each record is new, changed, unchanged or gone, and nothing is lost."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from carefund.domain.comparison import Changed, Differences, Incoming, New, Stored, compare

records = st.lists(st.builds(Incoming, st.tuples(st.sampled_from("abc")), st.tuples(st.integers(0, 3))), max_size=12)


def applied(stored: list[Stored], differences: Differences) -> list[Stored]:
    """The rows after the differences were written, as the database would have them."""
    gone = {row.id for row in differences.gone}
    changed = {change.stored.id: change.values for change in differences.changed}
    rows = [
        Stored(
            row.id, row.key, row.ordinal, changed.get(row.id, row.values), row.id not in gone and returned(row, changed)
        )
        for row in stored
    ]
    first = max((row.id for row in stored), default=0) + 1
    return rows + [Stored(first + n, new.key, new.ordinal, new.values) for n, new in enumerate(differences.new)]


def returned(row: Stored, changed: dict[int, object]) -> bool:
    return row.returned or row.id in changed


def listed(rows: list[Stored]) -> Counter[object]:
    return Counter((row.key, row.values) for row in rows if row.returned)


def test_each_record_is_new_changed_unchanged_or_gone():
    stored = [
        Stored(1, ("same",), 0, (1, "x")),
        Stored(2, ("changed",), 0, (1, "x")),
        Stored(3, ("gone",), 0, (1, "x")),
        Stored(4, ("gone before",), 0, (1, "x"), returned=False),
        Stored(5, ("back",), 0, (1, "x"), returned=False),
    ]
    incoming = [
        Incoming(("same",), (1, "x")),
        Incoming(("changed",), (1, "y")),
        Incoming(("new",), (2, "z")),
        Incoming(("back",), (1, "x")),
    ]
    found = compare(stored, incoming)
    assert found.unchanged == 1
    assert found.new == [New(("new",), 0, (2, "z"))]
    assert found.changed == [Changed(stored[1], (1, "y"), (1,)), Changed(stored[4], (1, "x"), ())]
    assert [change.returned_again for change in found.changed] == [False, True]
    assert found.gone == [stored[2]]


def test_nothing_stored_and_nothing_incoming_is_no_difference():
    assert not compare([], [])


def test_duplicates_in_another_order_are_unchanged():
    stored = [Stored(1, ("k",), 0, (1,)), Stored(2, ("k",), 1, (2,)), Stored(3, ("k",), 2, (2,))]
    found = compare(stored, [Incoming(("k",), (2,)), Incoming(("k",), (2,)), Incoming(("k",), (1,))])
    assert not found
    assert found.unchanged == 3


def test_a_duplicate_less_marks_one_row_and_a_duplicate_more_adds_one():
    stored = [Stored(1, ("k",), 0, (5,)), Stored(2, ("k",), 1, (5,))]
    less = compare(stored, [Incoming(("k",), (5,))])
    assert (less.unchanged, [row.id for row in less.gone], less.new) == (1, [2], [])
    more = compare(stored, [Incoming(("k",), (5,))] * 3)
    assert (more.unchanged, more.gone, more.new) == (2, [], [New(("k",), 2, (5,))])


def test_a_row_still_listed_changes_before_a_duplicate_that_is_gone_comes_back():
    stored = [Stored(1, ("k",), 0, (1,), returned=False), Stored(2, ("k",), 1, (2,))]
    found = compare(stored, [Incoming(("k",), (3,))])
    assert found.changed == [Changed(stored[1], (3,), (0,))]
    assert not found.gone


@given(records, records, records)
def test_after_applying_the_rows_say_what_came_in_and_comparing_again_finds_nothing(first, second, third):
    rows: list[Stored] = []
    for answer in (first, second, third):
        differences = compare(rows, answer)
        rows = applied(rows, differences)
        assert listed(rows) == Counter((record.key, record.values) for record in answer)
        again = compare(rows, list(reversed(answer)))
        assert not again
        assert again.unchanged == len(answer)


@given(records, records, st.randoms())
def test_differences_do_not_depend_on_the_order_of_stored_rows(first, second, random):
    """PostgreSQL gives rows in another order once some were updated; the change log lists what is gone in this one."""
    rows = applied([], compare([], first))
    otherwise = random.sample(rows, len(rows))
    assert compare(otherwise, second) == compare(rows, second)


@given(records, records)
def test_ordinals_stay_unique_within_a_key_and_no_row_is_lost(first, second):
    rows = applied([], compare([], first))
    later = applied(rows, compare(rows, second))
    assert len({(row.key, row.ordinal) for row in later}) == len(later)
    assert {row.id for row in rows} <= {row.id for row in later}
