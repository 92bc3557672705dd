"""Point usage at our own invoice lines. Source: rule SYNC-07."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import OuterRef, Subquery

from carefund.records.models import BudgetUsage, InvoiceLineItem
from carefund.records.provider_file import Loaded, ProviderFile, store_provider_file

_AT_ONCE = 1000


@transaction.atomic
def load_provider_file(content: ProviderFile) -> Loaded:
    """Bring a provider file in, all of it or nothing; usage that was taken for another provider's may be ours then."""
    loaded = store_provider_file(content)
    if loaded.line_items:
        link_all_budget_usage()
    return loaded


def link_all_budget_usage() -> None:
    """Link everybody's unlinked usage, after invoices arrived by another way than a claim."""
    ours = list(InvoiceLineItem.objects.order_by().values_list("client_id", flat=True).distinct())
    for start in range(0, len(ours), _AT_ONCE):
        link_budget_usage(ours[start : start + _AT_ONCE])


def link_budget_usage(client_ids: Sequence[int]) -> int:
    """Link these people's unlinked usage to our invoice lines by invoice and item id; gives how many it looked at."""
    ours = InvoiceLineItem.objects.filter(
        client_id=OuterRef("client_id"), invoice__invoice_id=OuterRef("invoice_id"), item_id=OuterRef("item_id")
    ).values("id")[:1]
    return (
        BudgetUsage.objects.filter(client_id__in=client_ids, invoice_line_item__isnull=True)
        .exclude(invoice_id="")
        .update(invoice_line_item=Subquery(ours))
    )
