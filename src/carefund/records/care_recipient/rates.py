"""The rates that hold: those that come with Carefund, and what an administrator entered. Callers audit each act.

An edit ends one version and begins another; undoing it ends that one and begins the earlier one again.
"""

from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef
from django.utils import timezone

from carefund.domain.care_recipient.rates import RATES, Rate, RateKind, WantedRate, find_problems, merge
from carefund.records.models import EnteredRate
from carefund.records.not_found import find_one
from carefund.records.turns import one_at_a_time

_TURN = "rates"  # each act looks at all of them before it writes


class WrongRate(Exception):
    """A rate cannot be kept; `problems` say why, by field."""

    def __init__(self, problems: dict[str, str]) -> None:
        self.problems = problems
        super().__init__("the rate has problems")


def list_rates() -> list[Rate]:
    """Return the rates that hold. One query."""
    return merge(RATES, [rate_of(row) for row in EnteredRate.objects.filter(ended_at__isnull=True)])


def list_entered() -> list[EnteredRate]:
    """Return the entered rates that hold, each with the version before it if it was edited."""
    return list(EnteredRate.objects.filter(ended_at__isnull=True).select_related("replaces"))


def list_removed() -> list[EnteredRate]:
    """Return the rates that were removed and may hold again, newest first: no other holds from the same day."""
    removed = EnteredRate.objects.filter(ended_at__isnull=False, replaced_by__isnull=True)
    same = EnteredRate.objects.filter(key=OuterRef("key"), from_date=OuterRef("from_date"), ended_at__isnull=True)
    return list(removed.filter(~Exists(same)).order_by("-ended_at"))


def find_entered(number: int) -> EnteredRate:
    """Return an entered rate that holds. Raise NotHere."""
    return find_one(EnteredRate.objects.filter(pk=number, ended_at__isnull=True))


def find_removed(number: int) -> EnteredRate:
    """Return a rate that was removed. Raise NotHere."""
    return find_one(EnteredRate.objects.filter(pk=number, ended_at__isnull=False, replaced_by__isnull=True))


def rate_of(row: EnteredRate) -> Rate:
    """Return an entered rate as the rules know it."""
    return Rate(row.key, row.name, RateKind(row.kind), row.amount, row.from_date, row.published, row.entered_by)


def describe_entered(row: EnteredRate) -> dict[str, Any]:
    """Return the values of an entered rate by field, for forms, the audit log and the API."""
    return {
        "code": row.key,
        "name": row.name,
        "kind": row.kind,
        "amount": row.amount,
        "from_date": row.from_date,
        "published": row.published,
    }


def add_rate(wanted: WantedRate, by: str, today: date) -> EnteredRate:
    """Keep a new rate. Raise WrongRate."""
    with one_at_a_time(_TURN):
        _check(wanted, today)
        return _store(wanted, by)


def edit_rate(number: int, wanted: WantedRate, by: str, today: date) -> tuple[EnteredRate, EnteredRate]:
    """Keep a rate in place of an entered one; return both. Raise WrongRate, NotHere."""
    with one_at_a_time(_TURN):
        before = find_entered(number)
        _check(wanted, today, but_for=number)
        _end(before, by)
        return before, _store(wanted, by, replaces=before)


def remove_rate(number: int, by: str) -> EnteredRate:
    """End an entered rate, and return it. Raise NotHere."""
    with one_at_a_time(_TURN):
        return _end(find_entered(number), by)


def undo_edit(number: int, by: str, today: date) -> tuple[EnteredRate, EnteredRate]:
    """Put the version before an edit in the place of the present one; return both. Raise NotHere, WrongRate."""
    with one_at_a_time(_TURN):
        row = find_one(EnteredRate.objects.filter(pk=number, ended_at__isnull=True, replaces__isnull=False))
        earlier = row.replaces
        assert earlier is not None
        _check(_wanted_of(earlier), today, but_for=number)
        _end(row, by)
        EnteredRate.objects.filter(pk=row.pk).update(replaces=None)  # it stands aside, like a removed one
        EnteredRate.objects.filter(pk=earlier.pk).update(ended_at=None, ended_by="")
        return row, earlier


def restore_rate(number: int, today: date) -> EnteredRate:
    """Let a rate that was removed hold again, and return it. Raise NotHere, WrongRate."""
    with one_at_a_time(_TURN):
        row = find_removed(number)
        _check(_wanted_of(row), today)
        EnteredRate.objects.filter(pk=row.pk).update(ended_at=None, ended_by="")
        return row


def _check(wanted: WantedRate, today: date, but_for: int = 0) -> None:
    others = [rate_of(row) for row in EnteredRate.objects.filter(ended_at__isnull=True).exclude(pk=but_for)]
    if problems := find_problems(wanted, others, today):
        raise WrongRate(problems)


def _wanted_of(row: EnteredRate) -> WantedRate:
    return WantedRate(**describe_entered(row))


def _store(wanted: WantedRate, by: str, replaces: EnteredRate | None = None) -> EnteredRate:
    rate = wanted.as_rate(by)
    return EnteredRate.objects.create(
        key=rate.key, name=rate.name.strip(), kind=rate.kind.value, amount=rate.amount, from_date=rate.from_date,
        published=rate.published.strip(), entered_by=by, replaces=replaces,
    )  # fmt: skip


def _end(row: EnteredRate, by: str) -> EnteredRate:
    EnteredRate.objects.filter(pk=row.pk).update(ended_at=timezone.now(), ended_by=by)
    return row
