"""Reprocess archived answers, as a kind of work: asked for once after an upgrade, or by hand. It calls no funder.

What is done is known by each person's state, so a run that broke off, or was cancelled, leaves nobody out for good: the
next one takes those who are left, and an ordinary sync brings a person up to date on its way.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from carefund.funders.errors.root import FunderError
from carefund.records.models import Client, OrganisationSetting
from carefund.runs import ledger
from carefund.runs.business_day import business_today
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run
from carefund.runs.requests import NewRunItem, NothingToDo, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import WorkKind
from carefund.sync.care_recipient.answers import fingerprint
from carefund.sync.care_recipient.reprocessing import Results, list_outdated, reprocess
from carefund.sync.care_recipient.results import SyncOutcome, SyncResult

_NAME = "read-anew"  # as stored, so that runs of earlier versions keep their kind
_ASKED = "read-anew-asked-for"  # the setting with the ways of reading it was asked for, each with the time
_REMEMBERED = 20
_AGAIN_AFTER = timedelta(days=1)


def request_reprocessing(
    client_ids: Iterable[int], *, trigger: str, scope: str, requested_by: User | None = None
) -> Run:
    """Ask for these people's archived answers to be reprocessed. Raise NothingToDo for nobody."""
    people = Client.objects.filter(pk__in=list(client_ids)).order_by("pk").values_list("pk", "care_recipient_id")
    items = [NewRunItem(f"client:{client_id}", client_id, number or "") for client_id, number in people]
    return request_work(_NAME, items, trigger=trigger, scope=scope, requested_by=requested_by)


def find_open_reprocessing() -> Run | None:
    """Return the run of many that reprocesses and is not over, if there is one."""
    over = (Run.Status.FINISHED, Run.Status.CANCELLED)
    return Run.objects.exclude(status__in=over).filter(kind=_NAME, total__gt=1).order_by("id").first()


def request_after_upgrade(now: datetime) -> Run | None:
    """Ask for everybody whose answers were read otherwise than today, once for each way of reading.

    Processes of two versions side by side thus ask once each; a way of reading that comes back after more than a day is
    asked for again.
    """
    reader = fingerprint()
    asked = OrganisationSetting.objects.filter(key=_ASKED).values_list("value", flat=True).first()
    if asked is not None and not _is_due(asked, reader, now):
        return None
    with transaction.atomic():
        OrganisationSetting.objects.get_or_create(key=_ASKED, defaults={"value": {}})
        setting = OrganisationSetting.objects.select_for_update().get(key=_ASKED)
        if not _is_due(setting.value, reader, now):  # another process was quicker
            return None
        newest_last = sorted((setting.value | {reader: now.isoformat()}).items(), key=lambda entry: entry[1])
        setting.value = dict(newest_last[-_REMEMBERED:])
        setting.save()
        try:
            return request_reprocessing(
                list_outdated(), trigger=Run.Trigger.SCHEDULED, scope="responses that an upgrade reads differently"
            )
        except NothingToDo:
            return None


def _is_due(asked: dict[str, str], reader: str, now: datetime) -> bool:
    """Whether this way of reading was not asked for yet, or long ago and another one since."""
    if reader not in asked:
        return True
    is_newest = asked[reader] == max(asked.values())
    return not is_newest and datetime.fromisoformat(asked[reader]) < now - _AGAIN_AFTER


async def _work(session: Session, item: ClaimedItem) -> None:
    """Nothing to fetch: all is done where it is stored."""


def _store(session: Session, items: Sequence[ClaimedItem], answers: Sequence[None]) -> None:
    """Reprocess a group in one transaction with the ledger's entries. Who cannot be read has failed."""
    holder = session.worker.holder
    by_client = {item.client_id or 0: item for item in items}

    def record(results: Results) -> None:
        read, unreadable = [], []
        for client_id, item in by_client.items():
            result = results.get(client_id) or SyncResult(client_id, item.care_recipient_id, SyncOutcome.UNCHANGED)
            if isinstance(result, FunderError):
                unreadable.append(ledger.failure_of(item, result))
            else:
                read.append((item, result))
        ledger.record_results(holder, [item for item, _ in read], [result for _, result in read])
        if unreadable:
            ledger.record_failures(holder, unreadable)

    reprocess(list(by_client), business_today(), on_applied=record)


REPROCESSING = WorkKind(name=_NAME, label="Reprocess stored responses", items="people", work=_work, store=_store)
