"""Which approved claims still wait for their draws, and whose these are.

A claim of ours waits while one of its paid lines has no draw. Of a claim made elsewhere only the invoices and people
are known: it waits while somebody in it has no usage of these invoices. Who became inactive is still read, who was
erased is not. Source: rules CLAIM-07 and CLAIM-08.
"""

from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from carefund.domain.claims.matching import RECHECK_DAYS
from carefund.domain.claims.statuses import PAID_CLAIM_STATUSES
from carefund.records.erased_clients import list_erased_clients
from carefund.records.models import BudgetUsage, Claim, Client, PaymentRequest

_DRAWN_LATE = timedelta(days=RECHECK_DAYS[-1] + 2)


def list_claims_to_recheck(now: datetime) -> "QuerySet[Claim]":
    """The claims whose approval was followed by a sync not long ago and whose looks for draws are not used up."""
    recent = Claim.objects.filter(sync_requested_at__gt=now - _DRAWN_LATE, sync_requested_at__lte=now)
    return recent.filter(status__in=PAID_CLAIM_STATUSES, usage_rechecks__lt=len(RECHECK_DAYS)).order_by("pk")


def list_readable_clients(claim: Claim) -> "QuerySet[Client]":
    """The people in a claim of whom something may still be read."""
    return _list_not_erased().filter(care_recipient_id__in=claim.care_recipient_ids)


def list_clients_without_draws(claim: Claim) -> "QuerySet[Client]":
    """The people in a claim for whom a draw is still missing."""
    usage = BudgetUsage.objects.filter(no_longer_returned_date__isnull=True)
    if claim.batch_id is not None:
        paid = PaymentRequest.objects.filter(batch_id=claim.batch_id, state=PaymentRequest.State.PAID)
        undrawn = paid.filter(~Exists(usage.filter(invoice_line_item=OuterRef("line_item"))))
        return _list_not_erased().filter(pk__in=undrawn.values("line_item__client"))
    drawn = usage.filter(client=OuterRef("pk"), invoice_id__in=claim.invoice_ids)
    return list_readable_clients(claim).filter(~Exists(drawn))


def _list_not_erased() -> "QuerySet[Client]":
    return Client.objects.exclude(pk__in=list_erased_clients().order_by().values("pk"))
