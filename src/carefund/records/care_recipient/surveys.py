"""What surveys remember, read and written: marks, suspects, and how much the lists can be trusted. No rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, NamedTuple

from django.db import models
from django.db.models import BooleanField, ExpressionWrapper, F, Max, Min, Q, Sum

from carefund.domain.care_recipient.surveys import Mark, Surveyed, Suspect
from carefund.records import synced_tables
from carefund.records.models import Client, Survey, SurveyMark, SurveySuspect, SyncState

_FAILED = "failed"  # what the ledger writes into a state's outcome
_SUMS = ("summary", "contributions", "budgets", "frame")
_AT_ONCE = 2000
_NO_SUM = ""
_SAME_READ = timedelta(minutes=5)  # a read, and the writing of the group that it came in


def find_last_survey_at() -> datetime | None:
    """When the lists were last asked for."""
    return Survey.objects.order_by("-id").values_list("started_at", flat=True).first()


def find_tested_survey() -> Survey | None:
    """The newest survey that was to read more than those who moved."""
    return Survey.objects.filter(only_moved=False).first()


def confirmed() -> Q:
    """Clients of whom the newest survey said what is stored."""
    surveyed = Q(is_active=True, care_recipient_id__isnull=False)
    stands = surveyed & Q(survey_mark__isnull=False, survey_mark__version=F("sync_state__version"))
    return stands & (Q(survey_suspect__isnull=True) | Q(survey_suspect__is_doubt=False))


@dataclass(frozen=True, slots=True)
class Freshness:
    """When one person was last checked, by a read or by a survey that confirmed them, and when they were last read in
    full; None: never, or not known."""

    checked_at: datetime | None = None
    read_in_full_at: datetime | None = None

    @property
    def read_in_full_before(self) -> datetime | None:
        """When they were read in full, if the last check was another one."""
        full_at, checked_at = self.read_in_full_at, self.checked_at
        return full_at if full_at and checked_at and full_at < checked_at - _SAME_READ else None


def list_freshness(clients: Sequence[Client]) -> dict[int, Freshness]:
    """How fresh each of these clients is."""
    surveyed_at = find_last_survey_at()
    marked: dict[int, tuple[datetime | None, bool]] = {}
    if surveyed_at is not None:
        of_these = Client.objects.filter(survey_mark__isnull=False, pk__in=[client.pk for client in clients])
        rows = of_these.annotate(is_confirmed=ExpressionWrapper(confirmed(), BooleanField()))
        found = rows.values_list("pk", "survey_mark__read_in_full_at", "is_confirmed")
        marked = {pk: (full_at, bool(is_confirmed)) for pk, full_at, is_confirmed in found}
    fresh = {}
    for client in clients:
        state = getattr(client, "sync_state", None)
        full_at, is_confirmed = marked.get(client.pk, (None, False))
        checked_at = state.checked_at if state else None
        if checked_at and surveyed_at and is_confirmed:
            checked_at = max(checked_at, surveyed_at)
        fresh[client.pk] = Freshness(checked_at, full_at)
    return fresh


class SurveyedClient(NamedTuple):
    """Somebody active with a care recipient id, before a survey; `budgets` counts those whose details were read."""

    client_id: int
    known: Surveyed
    budgets: int


def list_client_ids() -> dict[str, int]:
    """Our key of everybody active, by care recipient id without leading zeros."""
    clients = Client.objects.filter(is_active=True, care_recipient_id__isnull=False).order_by("pk")
    return {(number or "").lstrip("0"): pk for number, pk in clients.values_list("care_recipient_id", "pk").iterator()}


def iterate_surveyed() -> Iterator[SurveyedClient]:
    """What is known of everybody active with a care recipient id, a few at a time."""
    clients = Client.objects.filter(is_active=True, care_recipient_id__isnull=False).order_by("pk")
    waiting = clients.values_list("pk", flat=True).iterator(chunk_size=_AT_ONCE)
    while ids := list(islice(waiting, _AT_ONCE)):
        states = _read_by_client(SyncState, _STATE, ids)
        marks = _read_by_client(SurveyMark, _KNOWN_MARK, ids)
        suspects = _read_by_client(SurveySuspect, (*_SUMS, "since"), ids)
        for client_id in ids:
            read_at, outcome, consent_missing, version = states.get(client_id, _NO_STATE)
            *sums, marked, hides_budgets, full_at, details = marks.get(client_id, _NO_MARK)
            *suspected, since = suspects.get(client_id, _NO_SUSPECT)
            known = Surveyed(
                None if marked is None else _as_mark(sums),
                None if since is None else _as_mark(suspected),
                since,
                marked == version,
                outcome == _FAILED,
                bool(consent_missing),
                bool(hides_budgets),
                read_at,
                full_at,
            )
            yield SurveyedClient(client_id, known, len(details))


_STATE = ("checked_at", "outcome", "consent_missing", "version")
_NO_STATE: tuple[Any, ...] = (None, "", False, None)
_KNOWN_MARK = (*_SUMS, "version", "hides_budgets", "read_in_full_at", "details")
_NO_MARK: tuple[Any, ...] = ("", "", "", "", None, False, None, ())
_NO_SUSPECT: tuple[Any, ...] = ("", "", "", "", None)


def _read_by_client(model: type[models.Model], columns: tuple[str, ...], ids: Sequence[int]) -> dict[int, Any]:
    return {row[0]: row[1:] for row in synced_tables.read(model, ("client_id", *columns), "client_id", ids)}


def find_care_recipient_ids(client_ids: Sequence[int]) -> dict[int, str]:
    """The care recipient id of each of these people; "" for whoever has none any more."""
    return {
        key: number or "" for key, number in synced_tables.read(Client, ("id", "care_recipient_id"), "id", client_ids)
    }


def _as_mark(sums: Sequence[str]) -> Mark:
    summary, contributions, budgets, frame = [int(text, 16) if text else 0 for text in sums]
    return Mark(summary, contributions, budgets, frame)


def as_sums(mark: Mark) -> tuple[str, ...]:
    """A mark as it is stored."""
    values = (mark.summary, mark.contributions, mark.budgets, mark.frame)
    return tuple(f"{value:032x}" if value else _NO_SUM for value in values)


@dataclass(frozen=True, slots=True)
class NewSuspect:
    """Somebody to be written down as a suspect, with what was seen."""

    client_id: int
    verdict: Suspect
    mark: Mark
    figures: Sequence[int]


_SUSPECT = ("client_id", "survey_id", "reason", "is_doubt", "is_narrow", *_SUMS, "figures", "since")


def store_suspects(survey: Survey, suspects: Sequence[NewSuspect]) -> None:
    """Write suspects down in place of earlier ones; who was seen the same before keeps since when."""
    earlier = SurveySuspect.objects.filter(client_id__in=[new_suspect.client_id for new_suspect in suspects])
    seen = {row[0]: (row[1:5], row[5]) for row in earlier.values_list("client_id", *_SUMS, "since")}
    rows = []
    for new_suspect in suspects:
        client_id, verdict, sums = new_suspect.client_id, new_suspect.verdict, as_sums(new_suspect.mark)
        before, since = seen.get(client_id, ((), survey.started_at))
        kept = since if before == sums else survey.started_at
        why = (verdict.reason.value, verdict.reason.is_doubt, verdict.is_narrow)
        rows.append((client_id, survey.pk, *why, *sums, list(new_suspect.figures), kept))
    synced_tables.insert_new(SurveySuspect, _SUSPECT, rows)
    if seen:
        again = [(*row[1:], row[0]) for row in rows if row[0] in seen]
        synced_tables.update(SurveySuspect, _SUSPECT[1:], again)


def forget_other_suspects(survey: Survey) -> None:
    """Whoever a complete survey did not suspect is none any more."""
    SurveySuspect.objects.filter(survey_id__lt=survey.pk).delete()


@dataclass(frozen=True, slots=True)
class Seen:
    """What a survey saw of one suspect, and what was known of the details before."""

    survey_id: int
    reason: str
    is_narrow: bool
    sums: tuple[str, ...]
    figures: Sequence[int]
    since: datetime
    details: Mapping[str, str]


def find_suspects(client_ids: Sequence[int]) -> dict[int, Seen]:
    """What was seen of these people; those who are no suspects are left out."""
    details = dict(SurveyMark.objects.filter(client_id__in=client_ids).values_list("client_id", "details"))
    rows = SurveySuspect.objects.filter(client_id__in=client_ids).values_list(
        "client_id", "survey_id", "reason", "is_narrow", *_SUMS, "figures", "since"
    )
    return {
        client_id: Seen(survey_id, reason, is_narrow, tuple(rest[:4]), rest[4], rest[5], details.get(client_id, {}))
        for client_id, survey_id, reason, is_narrow, *rest in rows
    }


@dataclass(frozen=True, slots=True)
class NewMark:
    """What the lists say of somebody who is in step with it; `read_in_full_at` None: leave it."""

    client_id: int
    sums: tuple[str, ...]
    details: Mapping[str, str]
    hides_budgets: bool
    read_in_full_at: datetime | None


_MARK = (*_SUMS, "version", "details", "hides_budgets")


def store_marks(marks: Sequence[NewMark]) -> None:
    """Write marks down, under the version that the people's states have by now; they are suspects no more."""
    ids = [mark.client_id for mark in marks]
    versions = dict(SyncState.objects.filter(client_id__in=ids).values_list("client_id", "version"))
    rows = [
        (*mark.sums, versions.get(mark.client_id, 0), mark.details, mark.hides_budgets, mark.client_id)
        for mark in marks
    ]
    synced_tables.plan_by_index()
    synced_tables.insert_new(SurveyMark, ("client_id", *_MARK), [(row[-1], *row[:-1]) for row in rows])
    synced_tables.update(SurveyMark, _MARK, rows)
    full = [(mark.read_in_full_at, mark.client_id) for mark in marks if mark.read_in_full_at]
    synced_tables.update(SurveyMark, ("read_in_full_at",), full)
    SurveySuspect.objects.filter(client_id__in=ids).delete()


def forget_marks(client_ids: Sequence[int]) -> None:
    """These people are in no list any more."""
    SurveyMark.objects.filter(client_id__in=client_ids).delete()


def list_dated_marks(client_ids: Sequence[int]) -> list[int]:
    """Those of these people of whom it is known when they were read in full."""
    dated = SurveyMark.objects.filter(client_id__in=client_ids, read_in_full_at__isnull=False)
    return list(dated.values_list("client_id", flat=True))


def find_hiding_sums(client_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
    """The sums of those of these people of whom the lists left out budgets when they were read."""
    hiding = SurveyMark.objects.filter(client_id__in=client_ids, hides_budgets=True)
    return {client_id: tuple(sums) for client_id, *sums in hiding.values_list("client_id", *_SUMS)}


def note_full_reads(client_ids: Sequence[int], now: datetime) -> None:
    """These people were read in full."""
    marked = synced_tables.read(SurveyMark, ("client_id",), "client_id", client_ids)
    synced_tables.update(SurveyMark, ("read_in_full_at",), [(now, client_id) for (client_id,) in marked])


def add_drift(survey_id: int, checked: int, drifted: int) -> None:
    """Count people of whom the lists said nothing new, and those of whom something was new all the same."""
    if checked:
        Survey.objects.filter(pk=survey_id).update(checked=F("checked") + checked, drifted=F("drifted") + drifted)


@dataclass(frozen=True, slots=True)
class Trust:
    """How the lists stood the test: of the newest survey with a test, since the first survey, and since a day."""

    checked: int = 0
    drifted: int = 0
    first_at: datetime | None = None
    full_at: datetime | None = None
    drifted_lately: int = 0


def find_trust(since: datetime) -> Trust:
    """How the lists stood the test; `drifted_lately` since an instant."""
    newest = Survey.objects.filter(checked__gt=0).order_by("-id").values_list("checked", "drifted").first()
    times = Survey.objects.aggregate(first=Min("started_at"))
    full = Survey.objects.filter(is_full=True).aggregate(last=Max("started_at"))
    lately = Survey.objects.filter(started_at__gte=since).aggregate(drifted=Sum("drifted"))
    return Trust(*(newest or (0, 0)), times["first"], full["last"], lately["drifted"] or 0)


def forget_old_surveys(before: datetime) -> None:
    """Remove surveys from before an instant on which nothing stands any more."""
    kept: Any = SurveySuspect.objects.values("survey_id")
    Survey.objects.filter(started_at__lt=before).exclude(pk__in=kept).delete()
