"""The 21 support categories of PACE as data, and how a category's text is matched to one of them.

Never by number: PACE kept the item numbers of the old system, so a number may mean the old category.
Source: rule NDIS-07.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class SupportType(StrEnum):
    """What the money is for; PACE added Recurring, which is paid to the participant."""

    CORE = "Core"
    CAPACITY_BUILDING = "Capacity Building"
    CAPITAL = "Capital"
    RECURRING = "Recurring"


@dataclass(frozen=True, slots=True)
class Category:
    """One support category: its number and name in PACE, and the other names it goes by."""

    number: str
    name: str
    support_type: SupportType
    aliases: tuple[str, ...] = ()


_CORE, _CB = SupportType.CORE, SupportType.CAPACITY_BUILDING
_CAPITAL = SupportType.CAPITAL

CATEGORIES: tuple[Category, ...] = (
    Category("01", "Assistance with Daily Life", _CORE, ("Daily Activities",)),
    Category("02", "Transport", _CORE),
    Category("03", "Consumables", _CORE),
    Category(
        "04",
        "Assistance with Social, Economic and Community Participation",
        _CORE,
        (
            "Assistance with Social and Community Participation",
            "Social Community and Civic Participation",
            "Social Community Civic",
        ),
    ),
    Category("05", "Assistive Technology", _CAPITAL),
    Category("06", "Home Modifications", _CAPITAL),
    Category("07", "Support Coordination and Psychosocial Recovery Coaches", _CB, ("Support Coordination",)),
    Category("08", "Improved Living Arrangements", _CB, ("CB Home Living",)),
    Category("09", "Increased Social and Community Participation", _CB, ("CB Social Community Civic",)),
    Category("10", "Finding and Keeping a Job", _CB, ("CB Employment",)),
    Category("11", "Relationships", _CB, ("Improved Relationships", "CB Relationships")),
    Category("12", "Health and Wellbeing", _CB, ("Improved Health and Wellbeing", "CB Health Wellbeing")),
    Category("13", "Lifelong Learning", _CB, ("Improved Learning", "CB Lifelong Learning")),
    Category("14", "Choice and Control", _CB, ("Improved Life Choices", "CB Choice Control")),
    Category("15", "Improved Daily Living Skills", _CB, ("Improved Daily Living", "CB Daily Activity")),
    Category("16", "Home and Living", _CORE),
    Category("17", "Specialist Disability Accommodation", _CAPITAL, ("SDA",)),
    Category("18", "Transport Recurring", SupportType.RECURRING, ("Recurring Transport",)),
    Category(
        "19",
        "Assistive Technology Maintenance, Repair and Rental",
        _CAPITAL,
        ("Assistive Technology Maintenance Repairs and Rentals",),
    ),
    Category("20", "Behaviour Support", _CB, ("Behavior Support",)),
    Category("21", "YPIRAC, cross billing", _CORE, ("YPIRAC",)),
)

CHOICE_AND_CONTROL = "14"
BY_NUMBER: Mapping[str, Category] = {category.number: category for category in CATEGORIES}

_LEADING_CODE = re.compile(r"^\d{2}[a-z]?\b")
_NOT_WORDS = re.compile(r"[^a-z0-9]+")
_FILLERS = frozenset({"and", "the"})


def normalised(text: str) -> str:
    """A category's text without case, punctuation, "and" or a leading code such as "01C-", for matching only."""
    words = _NOT_WORDS.sub(" ", text.casefold()).strip()
    words = _LEADING_CODE.sub("", words) or words
    return " ".join(word for word in words.split() if word not in _FILLERS)


def _by_text() -> dict[str, Category]:
    return {normalised(text): category for category in CATEGORIES for text in (category.name, *category.aliases)}


_BY_TEXT = _by_text()


def match_category(text: str, own_aliases: Mapping[str, str] | None = None) -> Category | None:
    """The category that a text names, None if nobody knows it yet.

    `own_aliases` maps further texts to category numbers, as a person at this provider decided.
    """
    wanted = normalised(text)
    found = _BY_TEXT.get(wanted)
    if found is None and own_aliases:
        number = next((number for alias, number in own_aliases.items() if normalised(alias) == wanted), "")
        found = BY_NUMBER.get(number)
    return found
