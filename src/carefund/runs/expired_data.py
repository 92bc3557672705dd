"""What nobody needs any more beside the ledger: files that were never loaded, sessions that are over, old sign-ins."""

from datetime import datetime, timedelta

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from carefund.access.idempotency import KEPT_FOR, AnsweredCall
from carefund.access.models import AddressFailures
from carefund.records.models import FileUpload
from carefund.records.webhooks.store import list_old_deliveries

UPLOADS_ARE_KEPT = timedelta(days=7)  # whoever has not loaded a file by then uploads it again
FAILURES_ARE_KEPT = timedelta(days=1)  # they count for a quarter of an hour
_AT_MOST = 5_000  # of each kind a day, so that a clock that is wrong for an hour does not empty a table


def delete_expired_data(now: datetime) -> int:
    """Delete what is older than is kept, the oldest first, a bounded number of each. Return how many rows went."""
    return sum(_forget(old, by) for old, by in _list_old(now))


def _list_old(now: datetime) -> list[tuple[QuerySet, str]]:  # type: ignore[type-arg]  # of several models
    old = [
        (FileUpload.objects.filter(loaded_at__isnull=True, created_at__lt=now - UPLOADS_ARE_KEPT), "created_at"),
        (AddressFailures.objects.filter(begun_at__lt=now - FAILURES_ARE_KEPT), "begun_at"),
        (AnsweredCall.objects.filter(answered_at__lt=now - KEPT_FOR), "answered_at"),
        (list_old_deliveries(now), "id"),
        (Session.objects.filter(expire_date__lt=now), "expire_date"),
    ]
    if settings.KEEP_SIGN_INS_DAYS:
        limit = now - timedelta(days=settings.KEEP_SIGN_INS_DAYS)
        records = (AccessAttempt, AccessFailureLog, AccessLog)
        old += [(model.objects.filter(attempt_time__lt=limit), "attempt_time") for model in records]
    return old


def _forget(old: QuerySet, by: str) -> int:  # type: ignore[type-arg]  # of any model
    keys = list(old.order_by(by).values_list("pk", flat=True)[:_AT_MOST])
    return old.model.objects.filter(pk__in=keys).delete()[0] if keys else 0
