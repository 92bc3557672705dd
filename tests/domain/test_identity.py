"""Two sides' names and dates of birth: what is the same, what differs, and in which words."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carefund.domain.care_recipient import identity
from carefund.domain.care_recipient.identity import IdentityState, PersonDetails, compare_identities

pytestmark = pytest.mark.one_database
BORN = date(1938, 4, 9)


def compare(ours: tuple[str, str], theirs: tuple[str, str, str], born: date | None = BORN, known: date | None = BORN):
    return compare_identities(PersonDetails(*ours, born), PersonDetails(theirs[0], theirs[2], known, theirs[1]))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (("Eileen", "O'Hara"), ("EILEEN", "", "OHARA")),
        (("Anne-Marie", "Smith"), ("Annemarie", "", "SMITH")),
        (("Anne Marie", "Smith"), ("Anne", "Marie", "Smith")),
        (("Mary A.", "Smith"), ("Mary", "Ann", "Smith")),
        (("  José  ", "Núñez"), ("Jose", "", "Nunez")),
        (("Bjørn", "Łukasz"), ("Bjorn", "", "Lukasz")),
        (("Jürgen", "Groß"), ("Jurgen", "", "GROSS")),
        (("Mary", "van Dyk"), ("Mary", "Ann", "VanDyk")),
        (("Bjǿrn", "Ǽsir"), ("Bjorn", "", "Aesir")),
        (("Suharto", "Suharto"), (".", "", "Suharto")),
        (("Thi Lan", "Nguyễn"), ("THI LAN", "", "NGUYEN")),
    ],
)
def test_spelling_alone_says_nothing(ours: tuple[str, str], theirs: tuple[str, str, str]):
    assert compare(ours, theirs).state is IdentityState.IN_STEP


@pytest.mark.parametrize(
    ("ours", "theirs", "differing", "sentence"),
    [
        (("Lan", "Nguyen"), ("Nguyen", "", "Lan"), ("first_name", "last_name"), identity.SWAPPED),
        (("Anna", "Maria van Dyk"), ("Anna Maria", "", "van Dyk"), ("first_name", "last_name"), identity.SPLIT),
        (("Anna", "Maria van Dyk"), ("Anna", "Maria", "van Dyk"), ("last_name",), ""),
        (("", "Anna Smith"), ("Anna", "", "Smith"), ("first_name", "last_name"), identity.SPLIT),
        (("Anna", "Smith"), ("Anna Smith", "", ""), ("first_name", "last_name"), identity.SPLIT),
        (("Ana de", "Cruz la"), ("Ana", "", "de la Cruz"), ("first_name", "last_name"), identity.REORDERED),
        (("Mary", "Smith"), ("Mary", "", "Smyth"), ("last_name",), identity.LAST_NAME),
        (("Bill", "Smith"), ("William", "", "Smith"), ("first_name",), identity.FIRST_NAME),
        (("Ann", "Smith"), ("Joan", "", "Jones"), ("first_name", "last_name"), identity.FIRST_NAME),
    ],
)
def test_names_that_differ_say_how(
    ours: tuple[str, str], theirs: tuple[str, str, str], differing: tuple[str, ...], sentence: str
):
    found = compare(ours, theirs)
    assert found.state is IdentityState.DIFFERS
    if sentence:
        assert (found.differing, sentence in found.sentences) == (differing, True)


@pytest.mark.parametrize(
    "theirs", [("Robert", "", "Smith"), ("Ernest", "Rob", "Smith"), ("R", "", "Smith"), ("Ernest", "Lee Rob", "Smith")]
)
def test_a_preferred_name_is_nearly_the_same_where_the_rest_agrees(theirs: tuple[str, str, str]):
    found = compare(("Rob", "Smith"), theirs)
    assert (found.state, found.sentences) == (IdentityState.CLOSE, (identity.PREFERRED,))
    assert compare(("Rob", "Smith"), theirs, None).state is IdentityState.DIFFERS, "nobody knows who was born when"
    assert compare(("Rob", "Smith"), theirs, date(1950, 1, 1)).state is IdentityState.DIFFERS
    assert compare(("Rob", "Smyth"), theirs).state is IdentityState.DIFFERS


def test_dates_of_birth_are_compared_where_both_give_one():
    name = ("Mary", "Smith"), ("Mary", "", "Smith")
    assert compare(*name, BORN, None).state is IdentityState.IN_STEP
    assert compare(*name, None, BORN).sentences == (identity.NO_BIRTH_DATE,)
    assert compare(*name, None, BORN).state is IdentityState.CLOSE
    assert compare(*name, date(1938, 9, 4), BORN).sentences == (identity.DAY_AND_MONTH,)
    assert compare(*name, date(1938, 4, 10), BORN).sentences == (identity.BIRTH_DATE,)
    assert compare(*name, date(1936, 2, 29), date(1936, 2, 29)).state is IdentityState.IN_STEP


@pytest.mark.parametrize(
    "theirs", [("Anna Smith", "", ""), ("Smith Anna", "", ""), ("", "", "Anna Smith"), ("Anna Smyth", "", "-")]
)
def test_a_whole_name_in_one_field_is_not_offered(theirs: tuple[str, str, str]):
    """Taken over, it would stand beside our own other name, and make Anna Smith Smith of her."""
    found = compare(("Anna", "Smith"), theirs, date(1938, 4, 10))
    assert (found.state, found.offered) == (IdentityState.DIFFERS, ("birth_date",))


def test_nothing_matches_where_no_last_name_was_compared():
    for ours, theirs in (
        (("Mary", "Smith"), ("", "", "")),
        (("Mary", "Smith"), ("Mary", "", "")),
        (("Suharto", "."), ("Suharto", "", "Suharto")),
    ):
        assert compare(ours, theirs).state is IdentityState.NOT_COMPARED
        assert compare(ours, theirs, None) == identity.IdentityCheck(IdentityState.NOT_COMPARED)
        assert compare(ours, theirs, date(1940, 1, 1)).state is IdentityState.DIFFERS


def test_a_funder_that_gives_no_name_is_compared_by_what_it_gives():
    assert compare(("Mary", "Smith"), ("", "", ""), known=None).state is IdentityState.NOT_COMPARED
    assert compare(("Mary", "Smith"), (".", "", "-"), known=None).state is IdentityState.NOT_COMPARED
    assert compare(("Mary", "Smith"), ("", "", ""), BORN, date(1940, 1, 1)).state is IdentityState.DIFFERS


NAMES = st.text(st.characters(categories=("Lu", "Ll", "Lt", "Lo", "Mn", "Pd", "Zs", "Po")), max_size=12)
PEOPLE = st.builds(PersonDetails, NAMES, NAMES, st.none() | st.dates(), NAMES)


@settings(deadline=None)
@given(PEOPLE, PEOPLE)
def test_whoever_is_compared_no_sentence_names_them_and_taking_over_mends_it(
    ours: PersonDetails, theirs: PersonDetails
):
    found = compare_identities(ours, theirs)
    assert set(found.sentences) <= {
        identity.SWAPPED, identity.SPLIT, identity.REORDERED, identity.LAST_NAME, identity.FIRST_NAME,
        identity.PREFERRED, identity.BIRTH_DATE, identity.DAY_AND_MONTH, identity.NO_BIRTH_DATE,
    }  # fmt: skip
    assert bool(found.differing) == bool(found.sentences) == found.state.is_remarkable
    mended = {name: getattr(theirs if name in found.offered else ours, name) for name in ("first_name", "last_name")}
    born = theirs.birth_date if "birth_date" in found.offered else ours.birth_date
    after = compare_identities(PersonDetails(**mended, birth_date=born), theirs)
    if found.offered == found.differing:
        assert after.state in (IdentityState.IN_STEP, IdentityState.NOT_COMPARED)
    else:
        assert set(after.differing) == set(found.differing) - set(found.offered), "it is left to a person"


@settings(deadline=None)
@given(PEOPLE)
def test_one_person_on_both_sides_is_in_step_in_any_case(person: PersonDetails):
    assert not compare_identities(person, person).differing
    shouted = PersonDetails(person.first_name.upper(), person.last_name.upper(), person.birth_date, person.middle_name)
    assert not compare_identities(person, shouted).differing
