"""Surveys: from what a service provider's lists say today and said before, whom to read. No I/O, no clock.

The digests of a person's rows are added modulo 2 to the power of 128, so neither the order of rows nor the borders of
pages can matter, and a row that is missed or doubled while pages shift makes a suspect and never hides one. A list is
compared with itself of last time only. Source: rule SYNC-19.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from hashlib import blake2b
from math import ceil
from typing import NamedTuple

_MODULUS = 1 << 128
_OF_A_FIGURE = (1 << 64) - 4
_LEAST_VANISHED = 5  # of a few people nobody can tell a fault from a coincidence; each is read anyway
_READ_LATELY = timedelta(hours=20)  # less than a night apart
_SETTLES_AFTER = timedelta(hours=48)
_HIDDEN_ARE_READ_AFTER = timedelta(days=7)


def digest_of(content: bytes) -> int:
    """The digest of one row, from its members written in a fixed way, or from its bytes as they came."""
    return int.from_bytes(blake2b(content, digest_size=16).digest())


class Listing(IntEnum):
    """The three lists."""

    BUDGETS = 0
    SUMMARIES = 1
    CONTRIBUTIONS = 2


def shorten(digest: int, listing: Listing) -> int:
    """Return 64 bits of a digest of what both a list and a person's own answer say in one row: a figure. Its last bits
    say which list."""
    return digest & _OF_A_FIGURE | listing


def figure_of(content: bytes, listing: Listing) -> int:
    """The figure of one row."""
    return shorten(digest_of(content), listing)


def is_of(listing: Listing, figure: int) -> bool:
    """Whether a figure is that of a row of this list."""
    return figure & 3 == listing


class Mark(NamedTuple):
    """What the lists say of one person, as one sum per list; 0: nothing.

    `frame` is the list of budgets without used, available and the time stamp, which is what claims move.
    """

    summary: int = 0
    contributions: int = 0
    budgets: int = 0
    frame: int = 0

    @property
    def is_listed(self) -> bool:
        """Whether the person is among those whom a service provider cares for."""
        return self.summary != 0

    def differs_by_draws_alone(self, other: "Mark") -> bool:
        """Whether nothing but used, available and time stamps of budgets lies between two marks."""
        return self.is_listed and (self.summary, self.contributions, self.frame) == (
            other.summary,
            other.contributions,
            other.frame,
        )


class Sighting:
    """What the lists say of one person, while they are read: sums, and a figure for each row."""

    __slots__ = ("budgets", "contributions", "figures", "frame", "summary")

    def __init__(self) -> None:
        self.summary = self.contributions = self.budgets = self.frame = 0
        self.figures = array("Q")

    def add_summary(self, digest: int) -> None:
        self.summary += digest
        self.figures.append(shorten(digest, Listing.SUMMARIES))

    def add_contribution(self, digest: int) -> None:
        self.contributions += digest
        self.figures.append(shorten(digest, Listing.CONTRIBUTIONS))

    def add_budget(self, head: int, frame: int) -> None:
        """Add a budget by the digest of its head, and of all but what claims move."""
        self.budgets += head + frame
        self.frame += frame
        self.figures.append(shorten(head, Listing.BUDGETS))

    def add(self, other: "Sighting") -> None:
        """Add what other lists say of the same person."""
        self.summary += other.summary
        self.contributions += other.contributions
        self.budgets += other.budgets
        self.frame += other.frame
        self.figures.extend(other.figures)

    @property
    def mark(self) -> Mark:
        """The sums alone."""
        sums = (self.summary, self.contributions, self.budgets, self.frame)
        return Mark(*(total % _MODULUS for total in sums))


class Reason(Enum):
    """Why a person is read although a survey was made, in words that follow a number of people."""

    MOVED = "changed in the lists"
    NEVER_READ = "never synchronised"
    UNMARKED = "not yet compared with the lists"
    NOT_LISTED = "missing from the lists"
    DISAGREED = "differed from the lists when read"
    FAILED = "whose last sync failed"
    CONSENT = "without consent"
    HIDDEN = "with budgets that the lists leave out"
    ROTATION = "read in turn"

    @property
    def is_doubt(self) -> bool:
        """Whether what is stored may be out of step with what the lists say."""
        return self not in (Reason.CONSENT, Reason.HIDDEN, Reason.ROTATION)


class Surveyed(NamedTuple):
    """What is known of a person before a survey.

    `mark` is what the lists said when the person was last read and agreed with them; None: never. `suspected` is what
    they said when the person was last suspected and not cleared since, first seen so at `suspected_since`.
    `stands`: nothing was applied since the mark. `hides_budgets`: the lists left out budgets that are kept in step.
    Each `_at` is the last time.
    """

    mark: Mark | None = None
    suspected: Mark | None = None
    suspected_since: datetime | None = None
    stands: bool = True
    has_failed: bool = False
    consent_missing: bool = False
    hides_budgets: bool = False
    read_at: datetime | None = None
    read_in_full_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """Somebody to be read, why, and whether the list of budgets and the details that moved are enough."""

    reason: Reason
    is_narrow: bool = False


def suspect(known: Surveyed, seen: Mark, now: datetime) -> Suspect | None:
    """Why this person is to be read after a survey that saw them so; None: nothing speaks for it."""
    reason = _doubt(known, seen)
    if reason is not None:
        may_be_narrow = reason is Reason.MOVED and known.stands and not known.has_failed
        is_narrow = may_be_narrow and known.mark is not None and seen.differs_by_draws_alone(known.mark)
        return Suspect(reason, is_narrow)
    read_lately = known.read_at is not None and known.read_at > now - _READ_LATELY
    if known.consent_missing and not read_lately:
        return Suspect(Reason.CONSENT, is_narrow=True)
    if known.hides_budgets and (known.read_at is None or known.read_at < now - _HIDDEN_ARE_READ_AFTER):
        return Suspect(Reason.HIDDEN)
    return None


def _doubt(known: Surveyed, seen: Mark) -> Reason | None:
    if known.read_at is None:
        return Reason.NEVER_READ
    if not seen.is_listed:
        return Reason.NOT_LISTED
    if known.mark == seen and known.stands:
        return Reason.FAILED if known.has_failed else None
    if known.suspected == seen and known.suspected_since is not None and known.read_at > known.suspected_since:
        return Reason.FAILED if known.has_failed else Reason.DISAGREED
    return Reason.UNMARKED if known.mark is None else Reason.MOVED


def has_settled(since: datetime | None, now: datetime) -> bool:
    """Whether list and answer have differed unchanged for so long that it is how the list says it, and no delay."""
    return since is not None and since <= now - _SETTLES_AFTER


def choose_rotation(read_in_full: Mapping[int, datetime | None], days: int, now: datetime) -> list[int]:
    """Whose turn it is to be read in full, by id: those longest ago, one in `days`, and whoever is overdue.

    `read_in_full` holds everybody in rotation. 0 days: nobody. Who was read since last night is left out.
    """
    if not days:
        return []
    waiting = sorted((at, person) for person, at in read_in_full.items() if at is not None and at < now - _READ_LATELY)
    never = sorted(person for person, at in read_in_full.items() if at is None)
    share = ceil(len(read_in_full) / days)
    overdue = now - timedelta(days=days)
    oldest = never[:share] + [person for _, person in waiting[: max(0, share - len(never))]]
    return list(dict.fromkeys([*oldest, *(person for at, person in waiting if at < overdue)]))


def are_distrusted(listed_before: int, vanished: int, percent: int) -> bool:
    """Whether so many vanished from the lists at once that the lists are to be doubted, not the people."""
    return vanished >= _LEAST_VANISHED and vanished * 100 > listed_before * percent


def compare_figures(
    listed: Iterable[int], required: Iterable[int], budgets: Iterable[int], in_step: Iterable[int]
) -> tuple[bool, bool]:
    """Whether a person's own answers agree with what was listed, and whether the lists leave out budgets `in_step`.

    Every listed row must be in the answers: among those `required`, all of which must be listed, or among `budgets`.
    """
    shown, wanted = set(listed), set(required)
    return wanted <= shown <= wanted | set(budgets), not shown.issuperset(in_step)
