"""Ask, night after night, for the details of budgets that were never read, until there is nobody left."""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, Q

from carefund.records.models import Client
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import request_run

_PEOPLE = 500  # a night: some 10,000 calls for people with five years of quarters
_FAILED_WAIT = timedelta(days=7)


def request_unread_budgets(now: datetime) -> Run:
    """Ask for the details of budgets that were never read, most of them ended before the first sync, of some people.

    Whoever could not be read lately waits, so that they do not keep the others from their turn. Raise NothingToDo when
    there is nobody.
    """
    lately = RunItem.objects.filter(
        client=OuterRef("pk"),
        run__parts=Run.Parts.UNREAD_BUDGETS,
        outcome=RunItem.Outcome.FAILED,
        finished_at__gt=now - _FAILED_WAIT,
    )
    unread = Client.objects.filter(
        Q(sync_state__unread_budgets__gt=0) | Q(sync_state__unread_budgets__isnull=True, sync_state__version__gt=0),
        ~Exists(lately),
        is_active=True,
        care_recipient_id__isnull=False,
    )
    return request_run(
        trigger=Run.Trigger.ROUTINE,
        clients=unread.order_by("pk")[:_PEOPLE],
        scope="budgets not read yet",
        parts=Run.Parts.UNREAD_BUDGETS,
    )
