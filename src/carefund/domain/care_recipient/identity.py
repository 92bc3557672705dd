"""Whether a client's name and date of birth here are those that the funder has, and in which way they differ. Pure.

What only one side gives is not compared. Sentences name no one, so that they may stand with a claim and in a log.
Source: rule SYNC-20.
"""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

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
    """What comparing came to. `differing` names the attributes of `PersonDetails` that are not the same."""

    state: IdentityState
    differing: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()


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
    if not (_join(theirs.first_name) or _join(theirs.last_name) or theirs.birth_date):
        return IdentityCheck(IdentityState.NOT_COMPARED)
    names = list(_compare_names(ours, theirs))
    births = list(_compare_birth_dates(ours.birth_date, theirs.birth_date))
    found = names + births
    if not found:
        return IdentityCheck(IdentityState.IN_STEP)
    soft = {PREFERRED, NO_BIRTH_DATE}
    sentences = tuple(dict.fromkeys(sentence for _, sentence in found))
    state = IdentityState.CLOSE if soft.issuperset(sentences) else IdentityState.DIFFERS
    return IdentityCheck(state, tuple(name for name, _ in found), sentences)


def _compare_names(ours: PersonDetails, theirs: PersonDetails) -> Iterator[tuple[str, str]]:
    """The names that differ, each with the sentence that says how."""
    last_alike = _are_alike(ours.last_name, theirs.last_name)
    first_alike = _is_first_alike(ours.first_name, theirs)
    if last_alike and first_alike:
        return
    for sentence in _explain_both(ours, theirs):
        names = ("first_name", not first_alike), ("last_name", not last_alike)
        yield from ((name, sentence) for name, differs in names if differs)
        return
    if not first_alike:
        is_preferred = last_alike and _may_be_preferred(ours, theirs)
        yield "first_name", PREFERRED if is_preferred else FIRST_NAME
    if not last_alike:
        yield "last_name", LAST_NAME


def _explain_both(ours: PersonDetails, theirs: PersonDetails) -> Iterator[str]:
    """What explains at once that both names differ."""
    if _join(ours.first_name) == _join(theirs.last_name) and _join(ours.last_name) == _join(theirs.first_name):
        yield SWAPPED
    whole = _join(f"{ours.first_name} {ours.last_name}")
    middles = ("", theirs.middle_name)
    if any(whole == _join(f"{theirs.first_name} {middle} {theirs.last_name}") for middle in middles):
        yield SPLIT
    words = sorted(_split(f"{ours.first_name} {ours.last_name}"))
    if any(words == sorted(_split(f"{theirs.first_name} {middle} {theirs.last_name}")) for middle in middles):
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
    one, other = _join(ours), _join(theirs)
    return not one or not other or one == other


def _is_first_alike(first_name: str, theirs: PersonDetails) -> bool:
    """Whether a first name here, which may hold middle names or their initials, is the funder's."""
    if _are_alike(first_name, theirs.first_name):
        return True
    middle, given = _split(theirs.middle_name), _join(theirs.first_name)
    whole = _join(first_name)
    return bool(middle) and whole in (given + "".join(middle), given + "".join(name[0] for name in middle))


def _may_be_preferred(ours: PersonDetails, theirs: PersonDetails) -> bool:
    """Whether last name and date of birth, both given, speak for one person with two forms of the first name."""
    is_same_person = bool(_join(ours.last_name)) and ours.birth_date is not None
    if not is_same_person or not _join(theirs.last_name) or ours.birth_date != theirs.birth_date:
        return False
    here, there = _join(ours.first_name), _join(theirs.first_name)
    shorter, longer = sorted((here, there), key=len)
    is_form = longer.startswith(shorter) and (len(shorter) >= _SHORTEST_FORM or len(shorter) == 1)
    return is_form or here == _join(theirs.middle_name) or here in _split(theirs.middle_name)


def _split(name: str) -> list[str]:
    """The words of a name for comparing: without case, diacritics and apostrophes; a hyphen parts two words."""
    plain = unicodedata.normalize("NFKD", name.upper().casefold().translate(_APOSTROPHES).translate(_LETTERS))
    letters = (letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return "".join(letters).split()


def _join(name: str) -> str:
    """The same without what parts the words, since people write Anne-Marie, Anne Marie and Annemarie."""
    return "".join(_split(name))
