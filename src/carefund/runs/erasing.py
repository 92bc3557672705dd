"""Erase one client, as a kind of work: an administrator asks for it on a page, after seeing the plan.

What is shown and what is done are one plan: the run knows its fingerprint, and another one is refused. SQLite
overwrites what is deleted. Rewriting its file (VACUUM) would keep everybody from writing for minutes, so that is left
to the terminal.
"""

import asyncio
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User

from carefund.access.roles import may_administer
from carefund.records.models import Client
from carefund.runs.erasure import CannotErase, ErasurePlan, empty_log, erase, plan_erasure
from carefund.runs.leases import ClaimedItem
from carefund.runs.models import Run, RunItem
from carefund.runs.requests import NewRunItem, request_once
from carefund.runs.sessions import Session
from carefund.runs.work_kind import ItemFailed, ItemResult, WorkKind

NAME = "erasure"
_AGAIN = "Open Data and erasure again."
_LOG_TRIES, _LOG_TRY_EVERY = 10, 1.0
_OVERWRITTEN = (
    "The deleted data was overwritten. Unused space in the database may still hold fragments. To remove these too, run "
    "VACUUM at a quiet hour, while Carefund and every worker are stopped."
)
_LOG_NOT_EMPTIED = (
    "The database's log still holds the deleted data, because the database was in use. Restart Carefund and every "
    "worker to empty it."
)
_NOT_WIPED = (
    "Unused space in the database still holds the deleted data. Run VACUUM FULL while Carefund and every worker are "
    "stopped."
)


def request_erasure(client: Client, plan: ErasurePlan, user: User) -> Run:
    """Ask for an erasure as it was shown. The item names the client by our number alone, so that it stays."""
    return request_once(
        NAME,
        NewRunItem(f"client:{client.pk}"),
        parameters={"plan": plan.fingerprint},
        trigger=Run.Trigger.ON_DEMAND,
        scope="erasure of one client",
        requested_by=user,
    )


async def _erase(session: Session, item: ClaimedItem) -> ItemResult:
    done = await session.write(item, _erase_once, item, session.run)
    if done is None:
        return ItemResult(RunItem.Outcome.UNCHANGED, "There is no such client any more.")
    return ItemResult(RunItem.Outcome.CHANGED, _describe(done), await _empty_log(session), done)


async def _empty_log(session: Session) -> list[str]:
    """Take what was deleted out of SQLite's log. Return what is to be said of copies that are left."""
    if settings.ON_POSTGRESQL:
        return [_NOT_WIPED]
    for left in reversed(range(_LOG_TRIES)):
        if await session.database.do(empty_log):
            return [_OVERWRITTEN]
        await asyncio.sleep(_LOG_TRY_EVERY if left else 0)
    return [_OVERWRITTEN, _LOG_NOT_EMPTIED]


def _erase_once(item: ClaimedItem, run: Run) -> dict[str, Any] | None:
    """Erase, and note with the item what went and what stays: a process that ends afterwards leaves nothing to do
    again. None where the client is gone. Raises ItemFailed."""
    row = RunItem.objects.get(pk=item.item_id)
    if row.result:
        return dict(row.result)
    client = Client.objects.filter(pk=int(item.held_id)).first()
    if client is None:
        return None
    user, plan = run.requested_by, plan_erasure(client)
    if user is None or not may_administer(user):
        raise ItemFailed("not-allowed", "Whoever asked is no longer an administrator.", _AGAIN, step="erasure")
    if plan.fingerprint != run.parameters["plan"]:
        raise ItemFailed("changed", "The client's records have changed meanwhile.", _AGAIN, step="erasure")
    try:
        erase(client, plan, user.get_username(), actor=user)
    except CannotErase as refusal:
        raise ItemFailed("in-progress", str(refusal), _AGAIN, step="erasure") from None
    kept = [[words, number] for words, number in plan.kept.items()]  # a list, for PostgreSQL sorts an object's names
    done = {"erased": sum(plan.all_erased.values()), "kept": kept}
    RunItem.objects.filter(pk=item.item_id).update(result=done)
    return done


def _describe(done: dict[str, Any]) -> str:
    kept = ", ".join(f"{words} {number:,}" for words, number in done["kept"])
    return f"Records erased: {done['erased']:,}. " + (f"Kept: {kept}." if kept else "Nothing was kept.")


ERASURE = WorkKind(
    name=NAME,
    label="Erase a client",
    items="clients",
    work=_erase,
    at_once=1,
    stores_much=True,
    may_ask=may_administer,
    ask_again=_AGAIN,
)
