"""PACE, asked from a door: one client while somebody waits, or many contracts one after another, compare only.

Each question makes at most three calls; no transaction is open meanwhile. Comparisons of many are rows: whoever works
on them (a page that is watched, a command, the schedule) takes the next one until none is left.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from asgiref.sync import async_to_sync
from django.conf import settings
from django.db import connection
from django.db.models import Q, QuerySet
from django.utils import timezone

from carefund.domain.pace.comparing import Difference
from carefund.domain.pace.plan import PacePlan
from carefund.funders.errors import FunderError, Throttled
from carefund.funders.ndia.client import open_ndia
from carefund.funders.ndia.partner import Partner, open_partner
from carefund.funders.ndia.source import Identity, PaceSource
from carefund.records import pace_store
from carefund.records.models import Client, PaceComparison, PacePreview, ServiceContract
from carefund.records.pace_queries import count_budget_calls, is_pace_api_enabled, list_comparable
from carefund.runs.database import DatabaseThreads
from carefund.runs.shared_pace import open_pace
from carefund.runs.sources import device_store
from carefund.sync.pace import (
    ContractComparison,
    FetchedPace,
    apply_to_contract,
    compare_contract,
    create_contract,
    fetch_pace,
    find_preview,
    keep_preview,
    prepare_question,
    understand,
)
from carefund.sync.pace_problems import PaceProblem

_HOLD = timedelta(minutes=5)
_COMPARED_ON = "ndis.compared_on"
_FIRST_HOUR = 3
_SECONDS_PER_ROUND = 3.0
_SHARE_FOR_MANY = 0.8
SUCCEEDED = "ok"


@asynccontextmanager
async def open_pace_source() -> AsyncIterator[PaceSource]:
    """The NDIA's client with this installation's device and pace, or a partner's gateway. Raises NotConfigured."""
    if settings.NDIA_PARTNER_URL:
        partner = Partner(settings.NDIA_PARTNER_URL, settings.NDIA_PARTNER_ORGANISATION, settings.NDIA_PARTNER_KEY)
        async with open_partner(partner, settings.NDIA.timing) as gateway:
            yield gateway
        return
    channel = settings.NDIA_IDENTITY_CHANNEL
    async with (
        open_pace(settings.NDIA) as pace,
        open_ndia(settings.NDIA, device_store(), identity_channel=channel, pace=pace) as source,
    ):
        yield source


# --- One client, while somebody waits


def preview_pace(client: Client, user_id: int | None = None) -> PacePreview:
    """Ask the NDIA about one client and keep what it said, to choose from. Raises PaceProblem, FunderError."""
    _, plan = _ask_about(client)
    return keep_preview(client, plan, user_id=user_id, now=timezone.now())


def create_from_preview(
    client: Client, token: str, chosen: Collection[str], user_id: int | None = None
) -> ServiceContract:
    """Ask again and, if nothing moved, make the contract with the chosen budgets. Raises PaceProblem, FunderError."""
    preview = find_preview(token, client.pk, timezone.now())
    fetched, plan = _ask_about(client)
    now = timezone.now()
    contract = create_contract(preview, fetched, chosen, user_id=user_id, today=timezone.localdate(), now=now)
    _store_comparison(contract, compare_contract(contract, plan))
    return contract


def preview_sync(contract: ServiceContract, user_id: int | None = None) -> tuple[PacePreview, ContractComparison]:
    """Ask the NDIA about a contract's client and compare. Raises PaceProblem, FunderError."""
    _, plan = _ask_about(contract.client)
    preview = keep_preview(contract.client, plan, user_id=user_id, now=timezone.now(), contract=contract)
    comparison = compare_contract(contract, plan)
    _store_comparison(contract, comparison)
    return preview, comparison


def apply_from_preview(contract: ServiceContract, token: str, chosen: Collection[str]) -> list[Difference]:
    """Ask again and, if nothing moved, write the chosen differences. Raises PaceProblem, FunderError."""
    preview = find_preview(token, contract.client_id, timezone.now(), contract.pk)
    fetched, plan = _ask_about(contract.client)
    applied = apply_to_contract(preview, fetched, chosen, today=timezone.localdate(), now=timezone.now())
    contract.refresh_from_db()
    _store_comparison(contract, compare_contract(contract, plan))
    return applied


def _ask_about(client: Client) -> tuple[FetchedPace, PacePlan]:
    identity = prepare_question(client.pk)
    _take_budget_call()
    outcome = SUCCEEDED
    try:
        fetched = async_to_sync(_ask)(identity)
        return fetched, understand(fetched, timezone.localdate())
    except (FunderError, PaceProblem) as problem:
        outcome = problem.code
        raise
    finally:
        pace_store.store_question(client.pk, outcome, timezone.now())


async def _ask(identity: Identity) -> FetchedPace:
    async with open_pace_source() as source:
        return await fetch_pace(source, identity, timezone.localdate())


def _take_budget_call() -> None:
    if not pace_store.take_budget_call(settings.NDIA_BUDGETS_PER_HOUR, timezone.now()):
        raise Throttled("This hour's number of budgets, set by CAREFUND_NDIA_BUDGETS_PER_HOUR, is used up.")


# --- Many contracts, compare only


def queue_comparisons(contracts: Iterable[ServiceContract]) -> int:
    """Ask for these contracts to be compared with PACE; says how many. Asking twice is harmless."""
    now = timezone.now()
    count = 0
    for contract in contracts:
        PaceComparison.objects.update_or_create(
            contract=contract,
            defaults={"outcome": PaceComparison.Outcome.QUEUED, "queued_at": now, "held_until": None},
        )
        count += 1
    return count


def compare_queued(seconds: float = 60.0) -> int:
    """Compare queued contracts until none is left or the time is up; says how many were done.

    Safe to call from several places at once. Nothing but the comparison's own row is written. When the NDIA or our own
    limit asks for a pause, the rest stays queued.
    """
    until = time.monotonic() + seconds
    done = 0
    while time.monotonic() < until and not _is_hour_nearly_used():
        row = _take_next()
        if row is None:
            break
        try:
            _compare(row.contract)
        except Throttled:
            PaceComparison.objects.filter(pk=row.pk).update(held_until=None)
            break
        except (FunderError, PaceProblem) as problem:
            _store_failure(row, problem)
        done += 1
    return done


async def compare_when_due(database: DatabaseThreads) -> None:
    """The schedule's part: once a day ask for every contract, and work on what is queued in a thread of its own.

    A funding period that begins is announced by nobody, so a daily look is the only way to notice.
    """
    if await database.do(_is_anything_due):
        await asyncio.to_thread(_compare_and_disconnect)


def _is_anything_due() -> bool:
    if not is_pace_api_enabled():
        return False
    queue_daily(timezone.now())
    return _waiting(timezone.now()).exists() and not _is_hour_nearly_used()


def _compare_and_disconnect() -> None:
    try:
        compare_queued(_SECONDS_PER_ROUND)
    finally:
        connection.close()


def queue_daily(now: datetime) -> int:
    """Ask for every comparable contract, once per business day from three in the morning; says how many."""
    local = now.astimezone(settings.BUSINESS_TIME_ZONE)
    if local.hour < _FIRST_HOUR or not pace_store.take_day(_COMPARED_ON, local.date()):
        return 0
    return queue_comparisons(list_comparable(Client.objects.all()))


def _is_hour_nearly_used() -> bool:
    """Whether the rest of this hour's budgets should be left to people who wait at a page."""
    limit = settings.NDIA_BUDGETS_PER_HOUR
    return bool(limit) and count_budget_calls(timezone.now()) >= limit * _SHARE_FOR_MANY


def _take_next() -> PaceComparison | None:
    """The queued comparison that waited longest, held for us alone for some minutes."""
    now = timezone.now()
    waiting = _waiting(now)
    while (row := waiting.select_related("contract__client").order_by("queued_at", "pk").first()) is not None:
        if waiting.filter(pk=row.pk).update(held_until=now + _HOLD):
            return row
    return None


def _waiting(now: datetime) -> "QuerySet[PaceComparison]":
    free = Q(held_until__isnull=True) | Q(held_until__lt=now)
    return PaceComparison.objects.filter(free, outcome=PaceComparison.Outcome.QUEUED)


def _compare(contract: ServiceContract) -> None:
    _, plan = _ask_about(contract.client)
    _store_comparison(contract, compare_contract(contract, plan))


def _store_comparison(contract: ServiceContract, found: ContractComparison) -> None:
    number = len(found.comparison.counting)
    PaceComparison.objects.update_or_create(
        contract=contract,
        defaults={
            "outcome": PaceComparison.Outcome.DIFFERENT if number else PaceComparison.Outcome.IN_STEP,
            "queued_at": timezone.now(),
            "held_until": None,
            "compared_at": timezone.now(),
            "number_of_differences": number,
            "drift_amount": found.drift_amount,
            "code": "",
            "message": "",
            "advice": "",
        },
    )


def _store_failure(row: PaceComparison, problem: FunderError | PaceProblem) -> None:
    PaceComparison.objects.filter(pk=row.pk).update(
        outcome=PaceComparison.Outcome.FAILED,
        held_until=None,
        compared_at=timezone.now(),
        code=problem.code,
        message=problem.message[:300],
        advice=problem.advice[:300],
    )
