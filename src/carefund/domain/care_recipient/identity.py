"""Whether a client's name and date of birth here are those that the funder has, and in which way they differ. Pure.

What only one side gives is not compared, and without a last name on both sides nothing matches. Sentences name no one,
so that they may stand with a claim and in a log.
Source: rule SYNC-20.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

# Raise it when the same names or dates are compared otherwise than before: stored states are then worked out anew.
COMPARISON_REVISION = 2
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "æ": "ae", "œ": "oe", "þ": "th", "ı": "i"})
_APOSTROPHES = str.maketrans(dict.fromkeys("'`´‘’ʼʻ′."))
_SHORTEST_FORM = 3  # letters that two forms of one first name have in common: Rob and Robert


class IdentityState(StrEnum):
    """How a client here stands to the person whom the funder knows by the same Care Recipient ID."""

    IN_STEP = "in-step"
    CLOSE = "close"
    DIFFERS = "differs"
    NOT_FOUND = "not-found"
    NOT_COMPARED = "not-compared"

    @property
    def label(self) -> str:
        """The state as people read it."""
        return _LABELS[self]

    @property
    def is_remarkable(self) -> bool:
        """Whether somebody should look."""
        return self not in (IdentityState.IN_STEP, IdentityState.NOT_COMPARED)


_LABELS = {
    IdentityState.IN_STEP: "Matches",
    IdentityState.CLOSE: "Nearly the same",
    IdentityState.DIFFERS: "Differs",
    IdentityState.NOT_FOUND: "Not found",
    IdentityState.NOT_COMPARED: "Not compared",
}


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """Who somebody is, as one side gives it; a blank text and None stand for what is not given."""

    first_name: str = ""
    last_name: str = ""
    birth_date: date | None = None
    middle_name: str = ""


IDENTITY_FIELDS = ("first_name", "middle_name", "last_name", "birth_date")


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """What comparing came to. `differing` names the attributes of `PersonDetails` that are not the same, and `offered`
    those of them that can be taken over from the funder."""

    state: IdentityState
    differing: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    offered: tuple[str, ...] = ()


SWAPPED = "First name and last name are swapped."
SPLIT = "The same name is split differently between first name and last name."
REORDERED = "The same words are in a different order."
LAST_NAME = "The last name is different."
FIRST_NAME = "The first name is different."
PREFERRED = "The first name may be a short or preferred form: last name and date of birth are the same."
BIRTH_DATE = "The date of birth is different."
DAY_AND_MONTH = "Day and month of the date of birth are swapped."
NO_BIRTH_DATE = "The date of birth is not entered here."


def compare_identities(ours: PersonDetails, theirs: PersonDetails) -> IdentityCheck:
    """Compare a client with what the funder says of them."""
    found = [*_compare_names(ours, theirs), *_compare_birth_dates(ours.birth_date, theirs.birth_date)]
    sentences = tuple(dict.fromkeys(sentence for _, sentence in found))
    if {PREFERRED, NO_BIRTH_DATE}.issuperset(sentences):
        if not (join_name(ours.last_name) and join_name(theirs.last_name)):
            return IdentityCheck(IdentityState.NOT_COMPARED)
        state = IdentityState.CLOSE if found else IdentityState.IN_STEP
    else:
        state = IdentityState.DIFFERS
    # Where the funder leaves one name blank, the other may be the whole name, which would stand here beside our own.
    has_both = bool(join_name(theirs.first_name) and join_name(theirs.last_name))
    differing = tuple(name for name, _ in found)
    return IdentityCheck(
        state, differing, sentences, tuple(name for name in differing if has_both or name == "birth_date")
    )


def _compare_names(ours: PersonDetails, theirs: PersonDetails) -> Iterator[tuple[str, str]]:
    """The names that differ, each with the sentence that says how."""
    last_alike = _are_alike(ours.last_name, theirs.last_name)
    first_alike = _is_first_alike(ours.first_name, theirs)
    if last_alike and first_alike:
        return
    for sentence in _explain_both(ours, theirs):
        # Both sides have all of it, so what is blank on one side stands in the other name, and is no longer alike.
        is_first_given = join_name(ours.first_name) and join_name(theirs.first_name)
        if join_name(ours.first_name) != join_name(theirs.first_name) and not (first_alike and is_first_given):
            yield "first_name", sentence
        if join_name(ours.last_name) != join_name(theirs.last_name):
            yield "last_name", sentence
        return
    if not first_alike:
        is_preferred = last_alike and _may_be_preferred(ours, theirs)
        yield "first_name", PREFERRED if is_preferred else FIRST_NAME
    if not last_alike:
        yield "last_name", LAST_NAME


def _explain_both(ours: PersonDetails, theirs: PersonDetails) -> Iterator[str]:
    """What explains at once that both names differ."""
    here, there = (join_name(ours.first_name), join_name(ours.last_name)), (theirs.last_name, theirs.first_name)
    if here == tuple(map(join_name, there)):
        yield SWAPPED
    whole = join_name(f"{ours.first_name} {ours.last_name}")
    middles = ("", theirs.middle_name)
    if any(whole == join_name(f"{theirs.first_name} {middle} {theirs.last_name}") for middle in middles):
        yield SPLIT
    words = sorted(split_name(f"{ours.first_name} {ours.last_name}"))
    if any(words == sorted(split_name(f"{theirs.first_name} {middle} {theirs.last_name}")) for middle in middles):
        yield REORDERED


def _compare_birth_dates(ours: date | None, theirs: date | None) -> Iterator[tuple[str, str]]:
    if theirs is None or ours == theirs:
        return
    if ours is None:
        yield "birth_date", NO_BIRTH_DATE
    elif (ours.year, ours.month, ours.day) == (theirs.year, theirs.day, theirs.month):
        yield "birth_date", DAY_AND_MONTH
    else:
        yield "birth_date", BIRTH_DATE


def _are_alike(ours: str, theirs: str) -> bool:
    """Whether two names are one, or one of them is not given."""
    one, other = join_name(ours), join_name(theirs)
    return not one or not other or one == other


def _is_first_alike(first_name: str, theirs: PersonDetails) -> bool:
    """Whether a first name here, which may hold middle names or their initials, is the funder's."""
    if _are_alike(first_name, theirs.first_name):
        return True
    middle, given = split_name(theirs.middle_name), join_name(theirs.first_name)
    whole = join_name(first_name)
    return bool(middle) and whole in (given + "".join(middle), given + "".join(name[0] for name in middle))


def _may_be_preferred(ours: PersonDetails, theirs: PersonDetails) -> bool:
    """Whether last name and date of birth, both given, speak for one person with two forms of the first name."""
    is_same_person = bool(join_name(ours.last_name)) and ours.birth_date is not None
    if not is_same_person or not join_name(theirs.last_name) or ours.birth_date != theirs.birth_date:
        return False
    here, there = join_name(ours.first_name), join_name(theirs.first_name)
    shorter, longer = sorted((here, there), key=len)
    is_form = longer.startswith(shorter) and (len(shorter) >= _SHORTEST_FORM or len(shorter) == 1)
    return is_form or here == join_name(theirs.middle_name) or here in split_name(theirs.middle_name)


def split_name(name: str) -> list[str]:
    """The words of a name for comparing: without case, diacritics and apostrophes; a hyphen parts two words."""
    # An acute accent that stands alone is an apostrophe until it is decomposed; ǽ holds an æ only after.
    plain = unicodedata.normalize("NFKD", name.upper().casefold().translate(_APOSTROPHES)).translate(_LETTERS)
    letters = (letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return "".join(letters).split()


def join_name(name: str) -> str:
    """The same without what parts the words, since people write Anne-Marie, Anne Marie and Annemarie."""
    return "".join(split_name(name))
