"""Account summaries as they are kept, and each tied to our claims. `record_account_answer` and `store_account` write.

A month stays as it was last stated; earlier answers stay as evidence.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from carefund.domain.claims.accounts import Movement, PaidClaim, StatedAccount, Tie, find_due, tie
from carefund.domain.claims.statements import Statement
from carefund.domain.claims.statuses import CANCELLED
from carefund.records.archive import digest_of
from carefund.records.models import AccountAnswer, AccountMovement, Claim, ProviderAccount
from carefund.records.not_found import find_one
from carefund.records.payload_store import read_payload, store_payload

_AMOUNTS = ("opening", "paid", "closing")


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One month of a branch, and how it ties."""

    account: ProviderAccount
    tie: Tie


@dataclass(frozen=True, slots=True)
class MovementRow:
    """One movement, and our claim that it is about."""

    movement: AccountMovement
    claim: Claim | None


def begin_of_month(day: date) -> date:
    """Return the first day of a day's month."""
    return day.replace(day=1)


def end_of_month(day: date) -> date:
    """Return the last day of a day's month."""
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def list_accounts(branch: str = "", month: date | None = None) -> QuerySet[ProviderAccount]:
    """Return the months that the funder stated, newest first, of one branch or of all; or one month alone."""
    accounts = ProviderAccount.objects.filter(read_at__isnull=False)
    if month is not None:
        accounts = accounts.filter(month=month)
    return accounts.filter(service_provider_id=branch) if branch else accounts


def find_account(number: int) -> AccountRow:
    """Return one month by its number. Raise NotHere."""
    [row] = list_account_rows([find_one(list_accounts().filter(pk=number))])
    return row


def find_account_of(service_provider_id: str, month: date) -> ProviderAccount:
    """Return one month of a branch. Raise NotHere."""
    return find_one(list_accounts(service_provider_id).filter(month=month))


def list_account_rows(accounts: Iterable[ProviderAccount]) -> list[AccountRow]:
    """Return months with how each ties, in their order. Five queries, however many there are."""
    listed = list(accounts)
    movements: dict[int, list[AccountMovement]] = defaultdict(list)
    for movement in AccountMovement.objects.filter(account__in=[account.pk for account in listed]):
        movements[movement.account_id].append(movement)
    branches = {account.service_provider_id for account in listed}
    claims = _list_paid_claims(listed, branches)
    named = _list_named(branches)
    closings = {
        (account.service_provider_id, account.month): account.closing
        for account in ProviderAccount.objects.filter(service_provider_id__in=branches, read_at__isnull=False)
    }
    return [AccountRow(account, _tie(account, movements[account.pk], claims, named, closings)) for account in listed]


def _list_paid_claims(accounts: Sequence[ProviderAccount], branches: Collection[str]) -> list[Claim]:
    """Claims of the branches whose payment is known, from the month before the first on, and those that are named."""
    if not accounts:
        return []
    first = min(account.month for account in accounts) - timedelta(days=62)
    paid = Claim.objects.filter(service_provider_id__in=branches, claim_total__isnull=False)
    paid = paid.exclude(status=CANCELLED)  # what was paid was taken back
    named = AccountMovement.objects.filter(account__in=[account.pk for account in accounts]).exclude(claim_id="")
    wanted = Q(payment_date__gte=first) | Q(claim_id__in=named.values("claim_id"))
    return list(paid.filter(wanted).order_by("payment_date", "id"))


def _list_named(branches: Collection[str]) -> dict[str, set[tuple[int, str]]]:
    """The claims that the accounts of each branch name, with the account."""
    found: dict[str, set[tuple[int, str]]] = defaultdict(set)
    named = AccountMovement.objects.filter(account__service_provider_id__in=branches).exclude(claim_id="")
    for branch, number, claim_id in named.values_list("account__service_provider_id", "account", "claim_id"):
        found[branch].add((number, claim_id))
    return found


def _tie(
    account: ProviderAccount,
    movements: Sequence[AccountMovement],
    claims: Iterable[Claim],
    named: dict[str, set[tuple[int, str]]],
    closings: dict[tuple[str, date], Decimal | None],
) -> Tie:
    here = {movement.claim_id for movement in movements}
    last = account.period_end_date or end_of_month(account.month)
    paid = [
        PaidClaim(claim.claim_id, due, claim.total_paid)
        for claim in claims
        if claim.service_provider_id == account.service_provider_id
        and (claim.claim_id in here or (claim.payment_date and account.month <= claim.payment_date <= last))
        and (due := find_due(_statement_of(claim))) is not None
    ]
    others = {claim_id for number, claim_id in named[account.service_provider_id] if number != account.pk}
    before = closings.get((account.service_provider_id, begin_of_month(account.month - timedelta(days=1))))
    stated = StatedAccount(
        account.opening, account.paid, account.closing,
        [Movement(row.claim_id, row.description, row.amount, row.payment_amount) for row in movements],
    )  # fmt: skip
    return tie(stated, paid, others, before)


def _statement_of(claim: Claim) -> Statement:
    return Statement(
        claim.claim_total, claim.total_paid, claim.compensation_reduction, claim.care_recipient_individual_contribution
    )


def list_movements(account: ProviderAccount) -> list[MovementRow]:
    """Return the movements of a month, each with our claim."""
    movements = list(account.movements.all())
    claims = Claim.objects.filter(service_provider_id=account.service_provider_id).in_bulk(
        [movement.claim_id for movement in movements if movement.claim_id], field_name="claim_id"
    )
    return [MovementRow(movement, claims.get(movement.claim_id)) for movement in movements]


def describe_account(row: AccountRow) -> dict[str, Any]:
    """Return one month as plain data, for JSON."""
    account, found = row.account, row.tie
    return {
        "service_provider_id": account.service_provider_id,
        "month": account.month,
        "read_at": account.read_at,
        "opening": account.opening,
        "claims": found.due,
        "paid": account.paid,
        "expected_closing": found.expected,
        "closing": account.closing,
        "difference": found.difference,
        "ties": found.ties,
        "answers": [answer.payload_id for answer in account.answers.all()],
        "findings": [
            {"issue": finding.issue.value, "amount": finding.amount, "claim_id": finding.claim_id,
             "sentence": finding.sentence}
            for finding in found.findings
        ],
    }  # fmt: skip


def record_account_answer(service_provider_id: str, month: date, body: bytes) -> None:
    """Keep one answer about a month; one that says what the last one said is only noted to have come again."""
    now, digest = timezone.now(), digest_of(body)
    with transaction.atomic():
        account, _ = ProviderAccount.objects.get_or_create(service_provider_id=service_provider_id, month=month)
        last = account.answers.first()
        if last is not None and last.payload_id == digest:
            AccountAnswer.objects.filter(pk=last.pk).update(received_again_at=now)
            return
        AccountAnswer.objects.create(account=account, payload_id=store_payload(body), received_at=now)


def store_account(
    service_provider_id: str, month: date, stated: dict[str, Any], movements: Sequence[dict[str, Any]]
) -> bool:
    """Keep what the funder states of a month in place of what it stated before; return whether that is news."""
    with transaction.atomic():
        account, _ = ProviderAccount.objects.select_for_update().get_or_create(
            service_provider_id=service_provider_id, month=month
        )
        before = {name: getattr(account, name) for name in _AMOUNTS}, _list_stored(account)
        is_first = account.read_at is None
        ProviderAccount.objects.filter(pk=account.pk).update(**stated, read_at=timezone.now())
        account.movements.all().delete()
        AccountMovement.objects.bulk_create(
            AccountMovement(account=account, position=position, **movement)
            for position, movement in enumerate(movements, 1)
        )
        after = {name: stated[name] for name in _AMOUNTS}, _list_stored(account)
    return is_first or before != after


def _list_stored(account: ProviderAccount) -> list[tuple[object, ...]]:
    return list(account.movements.values_list("claim_id", "amount", "payment_amount", "heldover_balance"))


def list_account_answers(account: ProviderAccount) -> QuerySet[AccountAnswer]:
    """Return the stored answers about a month, newest first."""
    return account.answers.all()


def find_account_evidence(account: ProviderAccount, digest: str) -> tuple[bytes, datetime]:
    """Return one stored answer about a month by its SHA-256, and when it came. Raise NotHere."""
    answer = find_one(account.answers.filter(payload_id=digest).select_related("payload").order_by("id"))
    return read_payload(answer.payload), answer.received_at
