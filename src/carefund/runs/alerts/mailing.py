"""Send people their new alerts by email, as a kind of work: an account is an item.

What is told is noted before it is sent, under a message ID that follows from it, and marked as sent afterwards. After
a process that ended in between, the same message is sent once more under the same ID, by which mail programs know it.
"""

import asyncio
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import timezone

from carefund.access.alerts import (
    PreparedMail,
    forget_mail,
    list_accounts_due,
    note_mail_sent,
    prepare_mail,
)
from carefund.access.roles import may_administer
from carefund.domain.alert_message import write_body, write_subject
from carefund.domain.alerts import sum_up
from carefund.runs.alerts.smtp import Letter, MailProblem, find_mail_obstacle, send
from carefund.runs.business_day import business_today
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, NothingToDo, has_open_run, request_work
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, Postponed, WorkKind

NAME = "alert-mail"
_AGAIN_AFTER = timedelta(minutes=10)


def request_mail(now: datetime) -> Run:
    """Ask for the messages of everybody for whom it is time. Raises NothingToDo without any, without a mail server,
    and while the last ones are still on their way."""
    if find_mail_obstacle() or has_open_run(NAME, Run.Trigger.ROUTINE):
        raise NothingToDo
    accounts = list_accounts_due(now.astimezone(settings.BUSINESS_TIME_ZONE).date())
    items = [NewRunItem(f"account:{user_id}") for user_id in accounts]
    return request_work(NAME, items, trigger=Run.Trigger.ROUTINE, scope="alerts by email")


async def _tell(session: Session, item: ClaimedItem) -> ItemResult:
    """Tell one account what it was not told yet."""
    today, now = business_today(), timezone.now()
    prepared = await session.write(item, prepare_mail, int(item.held_id), today, now, settings.PUBLIC_URL)
    if prepared is None:
        return ItemResult(RunItem.Outcome.UNCHANGED, "No new alerts, or no one to send them to.")
    await session.keep(item)
    try:
        await asyncio.to_thread(send, _write(prepared))
    except MailProblem as problem:
        if not problem.is_uncertain:
            await session.write(item, forget_mail, prepared.mail)
        if problem.is_passing:
            raise Postponed(problem.message, timezone.now() + _AGAIN_AFTER) from None
        raise ItemFailed(problem.code, problem.message, problem.advice, step="email") from None
    await session.write(item, note_mail_sent, prepared.mail, today, timezone.now())
    return ItemResult(RunItem.Outcome.CHANGED, f"Alerts sent: {len(prepared.alerts):,}.")


def _write(prepared: PreparedMail) -> Letter:
    sums = list(sum_up([(alert.kind, 1, alert.due_date, alert.amount) for alert in prepared.alerts]))
    address = f"{settings.PUBLIC_URL.rstrip('/')}/alerts"
    body = write_body(sums, prepared.told_before, address, has_amounts=prepared.has_amounts)
    return Letter(prepared.address, write_subject(len(prepared.alerts)), body, prepared.mail.message_id)


ALERT_MAIL = WorkKind(
    name=NAME, label="Send alerts by email", items="accounts", work=_tell, at_once=1, may_ask=may_administer
)
