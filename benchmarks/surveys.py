"""Surveys in a process of its own: `python -m benchmarks.surveys --url … --people …` prints calls, CPU and memory.

The caller starts the upstream, which counts the calls, and sets the environment. Ready-made: nobody is read first; what
a survey saw of everybody is taken as if it had been read, which takes seconds where reading 100,000 takes an hour.
"""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils import timezone

from benchmarks import world
from benchmarks.upstream import SERVICE_PROVIDER_ID, control
from carefund.records.models import Client, SurveyMark, SurveySuspect, SyncState
from carefund.runs.care_recipient.surveying import find_reads, request_survey
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.models import Run

_ROTATION_DAYS = 28


async def measure(options: argparse.Namespace) -> dict[str, Any]:
    """A survey of nothing new in a new process; or, first, what comes before: one of new draws, and a quiet night with
    those whose turn it is."""
    async with world.open_worker(options.url, options.at_once) as worker:
        if options.prepared:
            settings.SURVEY_ROTATION_DAYS = 0
            alone = await _count(options, worker)
            return {"alone": alone, "memory": world.peak_memory_mb()}
        await asyncio.to_thread(world.prepare, options.people)
        await asyncio.to_thread(control, options.url, "people", options.people)
        if options.ready_made:
            await asyncio.to_thread(Client.objects.update, service_provider_id=SERVICE_PROVIDER_ID)
            await _survey(worker, read=False)
            await asyncio.to_thread(_take_as_read)
            await _survey(worker, read=False)  # which keeps what the bytes of summaries said
            return {}
        await world.synchronise(worker)
        settings.SURVEY_ROTATION_DAYS = 0
        await _survey(worker, read=True)
        await asyncio.to_thread(control, options.url, "draws", 1)
        found = {"draws": await _count(options, worker)}
        await asyncio.to_thread(control, options.url, "draws", 2)
        await asyncio.to_thread(_pass_days)
        settings.SURVEY_ROTATION_DAYS = _ROTATION_DAYS
        return found | {"night": await _count(options, worker)}


async def _count(options: argparse.Namespace, worker: Worker) -> dict[str, float]:
    """What one survey, with its reads, took: calls as the upstream counted them, people read, seconds."""
    before = await asyncio.to_thread(_count_read)
    await asyncio.to_thread(control, options.url, "calls")
    figure = await world.measured(options.people, lambda: _survey(worker, read=True))
    calls = await asyncio.to_thread(control, options.url, "calls")
    return {"calls": calls, "read": await asyncio.to_thread(_count_read) - before, **asdict(figure)}


def _count_read() -> int:
    return sum(run.total for run in Run.objects.filter(kind=Run.SYNC))


async def _survey(worker: Worker, *, read: bool) -> None:
    run = await worker.database.do(request_survey, trigger=Run.Trigger.BULK)
    await work_on_run(worker, run.pk)
    reading = await worker.database.do(find_reads, run)
    if reading is not None and read:
        await work_on_run(worker, reading.pk)


def _take_as_read() -> None:
    """What the last survey saw of everybody, as if each had been read in full and agreed."""
    now = timezone.now()
    Run.objects.filter(kind=Run.SYNC).delete()
    states, marks = [], []
    for seen in SurveySuspect.objects.iterator(chunk_size=2000):
        states.append(SyncState(client_id=seen.client_id, checked_at=now, fetch_started_at=now, version=1))
        sums = {name: getattr(seen, name) for name in ("summary", "contributions", "budgets", "frame")}
        marks.append(SurveyMark(client_id=seen.client_id, version=1, read_in_full_at=now, **sums))
        if len(states) == 2000:
            _keep(states, marks)
    _keep(states, marks)
    SurveySuspect.objects.all().delete()


def _keep(states: list[SyncState], marks: list[SurveyMark]) -> None:
    SyncState.objects.bulk_create(states)
    SurveyMark.objects.bulk_create(marks)
    states.clear()
    marks.clear()


def _pass_days() -> None:
    earlier = timedelta(days=2)
    SurveyMark.objects.update(read_in_full_at=F("read_in_full_at") - earlier)
    SyncState.objects.update(checked_at=F("checked_at") - earlier)


def main() -> None:
    """Measure what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=64)
    parser.add_argument("--ready-made", action="store_true")
    parser.add_argument("--prepared", action="store_true")
    json.dump(asyncio.run(measure(parser.parse_args())), sys.stdout)


if __name__ == "__main__":
    main()
