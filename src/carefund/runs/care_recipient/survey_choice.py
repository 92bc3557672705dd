"""What a survey comes to: who is a suspect, and who is to be read. Nothing is written here.

Source: rule SYNC-19.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings

from carefund.domain.care_recipient.surveys import Mark, Reason, Surveyed, Suspect, choose_rotation, suspect
from carefund.records.care_recipient.surveys import NewSuspect, Seen, SurveyedClient, as_sums, iterate_surveyed
from carefund.sync.care_recipient.surveying import Lists

_CALLS_BESIDE_DETAILS = 3
_CALLS_OF_NARROW = 2


@dataclass(slots=True)
class Judged:
    """What a survey comes to: who is a suspect, and who is to be read.

    `calls` has what it takes to read each suspect in full. `turns` has, of all others, when each was read in full, and
    `calls_of_turns` what reading them takes together. `maybe_unmoved` has the suspects of whom stored answers may say
    the same as the lists, and when they were read.
    """

    suspects: dict[int, Suspect] = field(default_factory=dict)
    calls: dict[int, int] = field(default_factory=dict)
    turns: dict[int, datetime | None] = field(default_factory=dict)
    calls_of_turns: int = 0
    maybe_unmoved: dict[int, datetime | None] = field(default_factory=dict)
    read: list[int] = field(default_factory=list)
    people: int = 0
    calls_of_all: int = 0
    calls_to_read: int = 0
    listed_before: int = 0
    vanished: int = 0

    def add(self, client: SurveyedClient, seen: Mark, now: datetime) -> None:
        """Judge one person."""
        key, known, budgets = client
        self.people += 1
        if known.mark is not None and known.mark.is_listed:
            self.listed_before += 1
            self.vanished += not seen.is_listed
        found = suspect(known, seen, now)
        if found is None:
            self._wait_for_turn(key, known.read_in_full_at, budgets)
            return
        self.suspects[key] = found
        self.calls[key] = _CALLS_BESIDE_DETAILS + budgets
        if _may_be_unmoved(known, found):
            self.maybe_unmoved[key] = known.read_in_full_at or known.read_at

    def clear(self, unmoved: Mapping[int, int]) -> None:
        """These people are no suspects after all; each with how many budgets' details are known of them."""
        for key, budgets in unmoved.items():
            del self.suspects[key], self.calls[key]
            self._wait_for_turn(key, self.maybe_unmoved[key], budgets)

    def _wait_for_turn(self, key: int, read_in_full_at: datetime | None, budgets: int) -> None:
        self.turns[key] = read_in_full_at
        self.calls_of_turns += _CALLS_BESIDE_DETAILS + budgets

    def choose(self, now: datetime, *, is_full: bool, only_moved: bool) -> None:
        """Choose whom to read: the suspects and whose turn it is, everybody, or those alone who moved."""
        if is_full:
            turns = list(self.turns)
            self.suspects = {key: Suspect(suspected.reason) for key, suspected in self.suspects.items()}
        else:
            turns = [] if only_moved else choose_rotation(self.turns, settings.SURVEY_ROTATION_DAYS, now)
        chosen = [key for key, found in self.suspects.items() if not only_moved or found.reason is Reason.MOVED]
        self.read = [*chosen, *turns]
        self.calls_of_all = sum(self.calls.values()) + self.calls_of_turns
        self.calls_to_read = sum(
            _CALLS_OF_NARROW if self.suspects[key].is_narrow else self.calls[key] for key in chosen
        ) + round(self.calls_of_turns * len(turns) / max(1, len(self.turns)))
        self.suspects |= {key: Suspect(Reason.ROTATION) for key in turns}


def _may_be_unmoved(known: Surveyed, found: Suspect) -> bool:
    """Whether stored answers may say what the lists say now."""
    asked = found.reason in (Reason.UNMARKED, Reason.MOVED)
    return asked and known.read_at is not None and not known.has_failed


def judge(lists: Lists, now: datetime) -> Judged:
    """Judge every client by the lists."""
    judged = Judged()
    for client in iterate_surveyed():
        sighting = lists.sightings.get(client.client_id)
        judged.add(client, sighting.mark if sighting else Mark(), now)
    return judged


def _figures(lists: Lists, key: int) -> Sequence[int]:
    sighting = lists.sightings.get(key)
    return sighting.figures if sighting else ()


def _mark(lists: Lists, key: int) -> Mark:
    sighting = lists.sightings.get(key)
    return sighting.mark if sighting else Mark()


def as_seen(lists: Lists, key: int, now: datetime) -> Seen:
    """Return what the lists say of a client, as stored answers are compared with it."""
    return Seen(0, "", False, as_sums(_mark(lists, key)), _figures(lists, key), now, {})


def as_new(judged: Judged, lists: Lists, key: int) -> NewSuspect:
    """Return the suspect as it is stored."""
    return NewSuspect(key, judged.suspects[key], _mark(lists, key), _figures(lists, key))
