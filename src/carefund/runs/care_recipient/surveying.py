"""A survey as a kind of work: read the lists of all service providers, then ask for those people to be read who moved.

A night then costs as many calls as people have moved, and a few for the lists. A survey writes no funding record. What
broke off before all lists were read is used for nothing. Source: rule SYNC-19.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from carefund.domain.care_recipient.surveys import (
    Reason,
    are_distrusted,
)
from carefund.funders.errors.root import FunderError
from carefund.records.care_recipient.client_matching import list_names_without_id, propose_matches
from carefund.records.care_recipient.seen_summaries import find_seen_summaries, store_seen_summaries
from carefund.records.care_recipient.surveys import (
    find_care_recipient_ids,
    forget_old_surveys,
    forget_other_suspects,
    list_client_ids,
    store_suspects,
)
from carefund.records.models import Survey
from carefund.runs.bulk_scopes import synchronisable
from carefund.runs.business_day import business_today
from carefund.runs.care_recipient.survey_choice import Judged, as_new, as_seen, judge
from carefund.runs.care_recipient.survey_fallback import find_reason_for_full
from carefund.runs.care_recipient.survey_marks import SURVEY, mark_unmoved
from carefund.runs.funder_sessions import SERVICES_AUSTRALIA
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, request_once, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import Failure, ItemResult, WorkKind
from carefund.sync.care_recipient.fetching import OpenBudgets
from carefund.sync.care_recipient.surveying import Lists, read_lists
from carefund.sync.service_providers import list_stored_ids

_NAME = "survey"
_AT_ONCE = 500
_SURVEYS_ARE_KEPT = timedelta(days=180)
_OVER = (Run.Status.FINISHED, Run.Status.CANCELLED)


def request_survey(*, trigger: str, only_moved: bool = False, requested_by: User | None = None) -> Run:
    """Ask for a survey, and for whomever it finds to be read. `only_moved`: nobody else is read.

    Raises NothingToDo without clients, and for `only_moved` while what an earlier one found is still being read.
    """
    if not synchronisable().exists() or (only_moved and _is_under_way()):
        raise NothingToDo
    return request_once(
        _NAME,
        NewRunItem(_NAME),
        trigger=trigger,
        scope="a survey of clients with changes" if only_moved else "a survey of all active clients",
        parameters={"only_moved": True} if only_moved else {},
        requested_by=requested_by,
    )


def find_survey_of(run: Run) -> Survey | None:
    """The survey that a run made, or that asked for it."""
    told = run.parameters
    if run.kind == _NAME:
        told = run.items.values_list("result", flat=True).first() or {}
    return Survey.objects.filter(pk=told[SURVEY]).first() if SURVEY in told else None


def find_reads(run: Run) -> Run | None:
    """The run that reads whom this survey found; None while it is under way, where it found nobody, or is no survey."""
    found = (run.items.values_list("result", flat=True).first() or {}) if run.kind == _NAME else {}
    return Run.objects.filter(pk=found["run"]).first() if "run" in found else None


def _is_under_way() -> bool:
    surveys = Run.objects.exclude(status__in=_OVER).filter(kind=_NAME)
    reads = Run.objects.exclude(status__in=_OVER).filter(kind=Run.SYNC, parameters__has_key=SURVEY)
    return surveys.exists() or reads.exists()


async def _work(session: Session, item: ClaimedItem) -> ItemResult:
    """Read the lists, judge everybody, and ask for those to be read who are suspects."""
    only_moved = bool(session.run.parameters.get("only_moved"))
    begun = timezone.now()
    ids = await session.database.insist(list_client_ids)
    known = await session.database.insist(find_seen_summaries, session.source.summaries_as_read, ids)
    lists = Lists(ids, await session.database.insist(list_names_without_id), known=known)
    providers = await session.database.insist(list_stored_ids)
    open_budgets = OpenBudgets(business_today(), settings.OPEN_BUDGET_DAYS)
    try:
        await read_lists(session.source, providers, open_budgets, lists)
    except FunderError as problem:
        if only_moved:
            raise
        return await session.write(item, _ask_for_everybody, session.run, _why_without_lists(problem))
    if not lists.calls:
        if only_moved:
            return ItemResult(RunItem.Outcome.UNCHANGED, "No service provider's lists could be read.")
        return await session.write(item, _ask_for_everybody, session.run, "no service provider's lists could be read")
    await session.keep(item)
    if lists.maybe_clients:
        await session.write(item, propose_matches, lists.maybe_clients)
    judged = await session.database.insist(judge, lists, begun)
    for keys in _shares(list(judged.maybe_unmoved)):
        seen = [(key, as_seen(lists, key, begun)) for key in keys]
        judged.clear(await session.write(item, mark_unmoved, seen, open_budgets))
    why_full = "" if only_moved else await session.database.insist(_find_why_full, judged, begun)
    judged.choose(begun, is_full=bool(why_full), only_moved=only_moved)
    survey = await session.write(item, _store_survey, judged, lists, begun, why_full, only_moved)
    for keys in _shares(list(judged.suspects)):
        await session.write(item, store_suspects, survey, [as_new(judged, lists, key) for key in keys])
        await session.keep(item)
    await _remember_summaries(session, item, lists)
    return await session.write(item, _conclude, session.run, survey, judged, lists.refused)


async def _remember_summaries(session: Session, item: ClaimedItem, lists: Lists) -> None:
    """Keep what the summaries said that had to be read, so that the next survey need not read the same bytes again.

    Where not one of those kept was met again, the funder writes the same otherwise each time, and nothing is gained.
    """
    if lists.known and not lists.recognised:
        return
    for keys in _shares(list(lists.read)):
        seen = [(key, *lists.read[key]) for key in keys]
        await session.write(item, store_seen_summaries, session.source.summaries_as_read, seen)
        await session.keep(item)


def _shares(keys: Sequence[int]) -> Iterator[list[int]]:
    waiting = iter(keys)
    while share := list(islice(waiting, _AT_ONCE)):
        yield share


def _find_why_full(judged: Judged, now: datetime) -> str:
    if are_distrusted(judged.listed_before, judged.vanished, settings.SURVEY_VANISHED_PERCENT):
        return f"{judged.vanished:,} of {judged.listed_before:,} clients who were in the lists last time are missing"
    return find_reason_for_full(now)


def _store_survey(judged: Judged, lists: Lists, begun: datetime, why_full: str, only_moved: bool) -> Survey:
    forget_old_surveys(begun - _SURVEYS_ARE_KEPT)
    return Survey.objects.create(
        started_at=begun,
        why_full=why_full[:200],  # full only once everybody was asked for: see `_conclude`
        only_moved=only_moved,
        calls=lists.calls,
        people=judged.people,
        suspects=dict(Counter(judged.suspects[key].reason.value for key in judged.read)),
        calls_saved=judged.calls_of_all - judged.calls_to_read - lists.calls,
    )


def _conclude(run: Run, survey: Survey, judged: Judged, refused: int) -> ItemResult:
    """Ask for the suspects to be read, and say what the survey came to."""
    forget_other_suspects(survey)
    survey.is_full = bool(survey.why_full)
    survey.save(update_fields=["is_full"])
    unheard = _say_refused(refused, survey.only_moved)
    result = {SURVEY: survey.pk, "calls": survey.calls, "calls_saved": survey.calls_saved, "read": len(judged.read)}
    if not judged.read:
        message = f"{survey.people:,} clients surveyed in {survey.calls:,} calls. No changes were found.{unheard}"
        return ItemResult(RunItem.Outcome.UNCHANGED, message, result=result)
    ids = find_care_recipient_ids(judged.read)
    reading = request_work(
        Run.SYNC,
        [NewRunItem(f"client:{key}", key, ids.get(key, "")) for key in judged.read],
        trigger=run.trigger,
        scope=_name_scope(survey),
        parameters={SURVEY: survey.pk},
        requested_by=run.requested_by,
    )
    found = ", ".join(f"{number:,} {reason}" for reason, number in survey.suspects.items())
    message = (
        f"{survey.people:,} clients surveyed in {survey.calls:,} calls. To read: {found}. "
        f"This saves about {max(0, survey.calls_saved):,} calls compared with reading all clients in full.{unheard}"
    )
    return ItemResult(RunItem.Outcome.CHANGED, message, result=result | {"run": reading.pk})


def _name_scope(survey: Survey) -> str:
    """Whom the run after a survey reads, in words that need no knowledge of surveys."""
    if survey.why_full:
        return f"all clients in full, because {survey.why_full}"
    reasons = [Reason(value) for value in survey.suspects]
    may_have_changed = any(reason.is_doubt for reason in reasons)
    if all(reason.is_doubt for reason in reasons):
        return "clients whose funding may have changed"
    return f"{'clients whose funding may have changed, and ' if may_have_changed else ''}clients who are due to be read"


def _say_refused(refused: int, only_moved: bool) -> str:
    if not refused:
        return ""
    ids = f"{refused:,} Service Provider ID{'' if refused == 1 else 's'}"
    return f" The lists of {ids} were refused.{'' if only_moved else ' Their clients are read in full.'}"


def _why_without_lists(problem: FunderError) -> str:
    return f"the lists could not be read ({problem.code})"


def _ask_for_everybody(run: Run, why: str) -> ItemResult:
    """A full pass, as without surveys."""
    people = synchronisable().order_by("pk").values_list("pk", "care_recipient_id")
    reading = request_work(
        Run.SYNC,
        (NewRunItem(f"client:{key}", key, number or "") for key, number in people.iterator()),
        trigger=run.trigger,
        scope=f"all clients in full, because {why}",
        requested_by=run.requested_by,
    )
    message = f"No survey, because {why}. All clients are read in full."
    return ItemResult(RunItem.Outcome.CHANGED, message, result={"run": reading.pk, "read": reading.total})


def _read_everybody_instead(failures: Sequence[Failure], now: datetime) -> None:
    """A survey that failed leaves nobody unread: everybody is asked for, as without surveys."""
    for failure in failures:
        run = Run.objects.get(items=failure.item.item_id)
        if not run.parameters.get("only_moved"):
            _ask_for_everybody(run, "the survey failed")


SURVEYING = WorkKind(
    name=_NAME,
    label="Survey",
    items="surveys",
    funder=SERVICES_AUSTRALIA,
    work=_work,
    at_once=1,
    stores_much=True,
    failed=_read_everybody_instead,
)
