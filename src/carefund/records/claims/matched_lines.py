"""Which paid lines are known to agree with what was drawn for them, so that a page need not add up years of lines.

A mark (`is_matched`) only says where a page need not look; whatever is shown is worked out from the rows of the moment.
Lines are marked in the background, and doubted again as soon as a sync changed usage of theirs. Source: rule CLAIM-08.
"""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum

from carefund.records.claims.claimed_lines import CURRENT_DRAWS
from carefund.records.claims.contributions import list_wrong_contributions
from carefund.records.models import BudgetUsage, Change, OrganisationSetting, PaymentRequest

_READ_UP_TO = "claim lines matched up to change"
_AT_ONCE = 2000
# Changes get their numbers a moment before they can be read, so the newest are read again.
_SETTLED_AFTER = timedelta(minutes=10)
# How far back a new percentage makes us look at contributions again.
_PERCENTAGES_CHANGE_WITHIN = timedelta(days=180)


def match_some_lines(after_id: int = 0, *, limit: int = _AT_ONCE) -> int | None:
    """Mark the paid lines that agree among the next few; gives the number to go on after, None when none is left."""
    waiting = PaymentRequest.objects.filter(state=PaymentRequest.State.PAID, is_matched=False, pk__gt=after_id)
    ids = list(waiting.order_by("pk").values_list("pk", flat=True)[:limit])
    if not ids:
        return None
    drawn = PaymentRequest.objects.filter(pk__in=ids).annotate(
        drawn=Sum("line_item__budget_usage__amount", filter=CURRENT_DRAWS)
    )
    agreeing = list(drawn.filter(drawn=-F("amount")).order_by().values_list("pk", flat=True))
    wrong = list_wrong_contributions(agreeing)
    PaymentRequest.objects.filter(pk__in=[key for key in agreeing if key not in wrong]).update(is_matched=True)
    return ids[-1]


def doubt_changed_lines(now: datetime, *, limit: int = _AT_ONCE) -> bool:
    """Take the mark off lines whose usage a sync changed since the last look; True while there is more to read."""
    with transaction.atomic():
        kept = OrganisationSetting.objects.filter(key=_READ_UP_TO).values_list("value", flat=True).first()
        if kept is None:  # nothing was ever marked, so there is nothing to doubt in what is already here
            _keep(_find_last_settled(now))
            return False
        unread = Change.objects.filter(id__gt=int(str(kept))).order_by("id")
        changes = list(unread.values_list("id", "client_id", "kind", "fetched_at")[:limit])
        _doubt({client_id: at for _, client_id, kind, at in reversed(changes) if kind == "budget_usage"})
        _doubt_contributions(
            {client_id for _, client_id, kind, _ in changes if kind == "individual_contributions"}, now
        )
        settled = 0
        for number, _, _, at in changes:
            if at > now - _SETTLED_AFTER:
                break
            settled = number
        if settled:
            _keep(settled)
    return len(changes) == limit and settled == changes[-1][0]


def _doubt(found_at: Mapping[int, datetime]) -> None:
    """Take the mark off the lines of these clients with usage that was written since."""
    if not found_at:
        return
    touched = BudgetUsage.objects.filter(
        client_id__in=found_at, changed_at__gte=min(found_at.values()), invoice_line_item__isnull=False
    )
    lines = touched.order_by().values("invoice_line_item")
    PaymentRequest.objects.filter(line_item__in=lines, is_matched=True).update(is_matched=False)


def _doubt_contributions(client_ids: Collection[int], now: datetime) -> None:
    """Take the mark off these clients' lines that were paid lately: another percentage may have been in force."""
    if client_ids:
        recent = PaymentRequest.objects.filter(line_item__client__in=client_ids, is_matched=True)
        recent.filter(line_item__delivery_date__gte=(now - _PERCENTAGES_CHANGE_WITHIN).date()).update(is_matched=False)


def _find_last_settled(now: datetime) -> int:
    changes = Change.objects.filter(fetched_at__lt=now - _SETTLED_AFTER).order_by("-fetched_at", "-id")
    return changes.values_list("id", flat=True).first() or 0


def _keep(change_id: int) -> None:
    OrganisationSetting.objects.update_or_create(key=_READ_UP_TO, defaults={"value": change_id})
