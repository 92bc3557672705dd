"""Claims as the doors and the schedule ask for them: send, check, and the sync that follows an approval, exactly once.

The request for that sync and its note on the claim are one transaction, so that it is neither lost nor made twice.
Source: rules SYNC-02 and CLAIM-07.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from django.db import transaction
from django.utils import timezone

from carefund.domain.claims.statuses import PAID_CLAIM_STATUSES
from carefund.funders.errors import FunderError
from carefund.funders.services_australia.claiming import Claiming
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records import claim_matching
from carefund.records.claim_queries import list_sending_batches, list_unsettled_claims
from carefund.records.models import Claim, Client, OrganisationSetting
from carefund.runs.database import DatabaseThreads
from carefund.runs.models import Run
from carefund.runs.requests import NothingToDo, request_run
from carefund.runs.sources import SERVICES_AUSTRALIA, Sources, open_source
from carefund.sync.claims.checking import Checker, NotOurs
from carefund.sync.claims.sending import Sender

log = logging.getLogger(__name__)
Result = TypeVar("Result")
_TENDED = "claims tended"
_TEND_EVERY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at one claim came to: the claim as it is now, the run it led to, or why it could not be looked at."""

    claim: Claim
    run: Run | None = None
    problem: str = ""
    advice: str = ""


def send_batch(batch_id: int, *, seconds: float | None = None) -> bool:
    """Send a batch, for about so many seconds at most; True when there is more to send. The batch says what came of it.

    Raises NotConfigured before anything is sent.
    """

    async def work(claiming: Claiming, database: DatabaseThreads) -> bool:
        until = timezone.now() + timedelta(seconds=seconds) if seconds is not None else None
        return await Sender(claiming, database, until).send(batch_id)

    return asyncio.run(_with_funder(work))


def check_claim(claim: Claim) -> Checked:
    """Check Status of one claim, with all that follows from it; a funder's problem is told, not raised."""
    return check_claims([claim])[0]


def check_claims(claims: list[Claim]) -> list[Checked]:
    """Check Status of several claims over one connection; one that fails does not stop the others."""

    async def work(claiming: Claiming, database: DatabaseThreads) -> list[Checked]:
        checker = Checker(claiming, database)
        return [await _check_one(checker, database, claim) for claim in claims]

    return asyncio.run(_with_funder(work))


async def _check_one(checker: Checker, database: DatabaseThreads, claim: Claim) -> Checked:
    try:
        held = await checker.check(claim)
    except FunderError as problem:
        return Checked(claim, problem=problem.message, advice=problem.advice)
    except NotOurs:
        return Checked(
            claim, problem="The funder names another service provider for this claim.", advice="Nothing was taken over."
        )
    return Checked(held, await database.do(request_claim_sync, held))


def request_claim_sync(claim: Claim) -> Run | None:
    """Ask for one sync of each person in an approved claim, once; None when it was asked for before or is not due."""
    with transaction.atomic():
        held = Claim.objects.select_for_update().get(pk=claim.pk)
        if held.sync_requested_at or not held.related_updated_at or held.status not in PAID_CLAIM_STATUSES:
            return None
        held.sync_requested_at = timezone.now()
        held.save(update_fields=["sync_requested_at"])
        clients = Client.objects.filter(care_recipient_id__in=held.care_recipient_ids)
        with suppress(NothingToDo):
            return request_run(trigger=Run.Trigger.CLAIM_APPROVED, clients=clients, scope="claim approved")
    return None


def find_foreign_claims() -> list[Claim]:
    """Look for claims that were made elsewhere, such as in the portal, and keep them; gives the new ones."""

    async def work(claiming: Claiming, database: DatabaseThreads) -> list[Claim]:
        return await Checker(claiming, database).find_foreign()

    return asyncio.run(_with_funder(work))


def check_open_claims() -> list[Checked]:
    """Check Status of every claim that is not at its end, those made elsewhere included."""
    return check_claims(_list_unsettled())


async def tend(source: ServicesAustralia, database: DatabaseThreads) -> list[Run]:
    """What the background does about claims, every quarter of an hour or so: mark the lines that agree, go on with
    what was left unsent, look for claims made elsewhere, check all that are not at their end. Harmless to repeat, by
    any number of processes at once.

    Gives the runs that were asked for. A funder that is down is left for the next time.
    """
    await match_lines(database)
    claiming = Claiming(source.caller, source.configuration)
    try:
        for batch_id in await database.do(_list_sending):
            await Sender(claiming, database).send(batch_id)
        checker = Checker(claiming, database)
        await checker.find_foreign()
        claims = await database.do(_list_unsettled)
        checked = [await _check_one(checker, database, claim) for claim in claims]
    except FunderError as problem:
        log.warning("claims were not checked: %s", problem)
        return []
    return [each.run for each in checked if each.run]


async def match_lines(database: DatabaseThreads) -> None:
    """Mark the paid lines that agree with what was drawn, few at a time, so that the pages about claims stay quick."""
    while await database.do(claim_matching.doubt_changed_lines, timezone.now()):
        pass
    after_id: int | None = 0
    while after_id is not None:
        after_id = await database.do(claim_matching.match_some_lines, after_id)


async def tend_when_due(sources: Sources, database: DatabaseThreads) -> None:
    """The engines' part: `tend` every quarter of an hour, on whichever process looks first."""
    if await database.do(_take_turn):
        try:
            source = await sources.find(SERVICES_AUSTRALIA)
        except FunderError as problem:
            log.warning("claims were not checked: %s", problem)
            return
        await tend(source, database)


def _take_turn() -> bool:
    """Whether claims are due, and this process is the one to tend them; a fresh installation begins by waiting."""
    OrganisationSetting.objects.get_or_create(key=_TENDED, defaults={"value": ""})
    now = timezone.now()
    due = OrganisationSetting.objects.filter(key=_TENDED, changed_at__lt=now - _TEND_EVERY)
    return bool(due.update(changed_at=now))


def tend_claims() -> list[Run]:
    """As `tend`, where no event loop is running."""

    async def work() -> list[Run]:
        database = DatabaseThreads()
        try:
            async with open_source() as source:
                return await tend(source, database)
        finally:
            await database.close()

    return asyncio.run(work())


def _list_sending() -> list[int]:
    return list(list_sending_batches().values_list("pk", flat=True))


def _list_unsettled() -> list[Claim]:
    return list(list_unsettled_claims())


async def _with_funder(work: Callable[[Claiming, DatabaseThreads], Awaitable[Result]]) -> Result:
    database = DatabaseThreads()
    try:
        async with open_source() as source:
            return await work(Claiming(source.caller, source.configuration), database)
    finally:
        await database.close()
