"""Which service provider ids are this organisation's own: what decides whether a draw on a budget is ours.

Source: rule SYNC-14.
"""

from typing import Any

from django.db.models import Model

from carefund.records.models import Claim, Client, Invoice, ServiceProvider

# Whatever names an id as ours: found by Sync Service Providers or brought in, of our clients' budgets, on our
# invoices, in our claims.
_NAMED_BY: tuple[type[Model], ...] = (ServiceProvider, Client, Invoice, Claim)


def list_own_service_provider_ids() -> list[str]:
    """The service provider ids of this organisation, as far as they are known, in order."""
    return sorted({found for model in _NAMED_BY for found in _list_distinct(model)})


def _list_distinct(model: type[Model]) -> list[str]:
    """The ids in a table by steps through its index: a handful among hundreds of thousands of rows."""
    rows: Any = model._default_manager.order_by("service_provider_id").values_list("service_provider_id", flat=True)
    ids: list[str] = []
    while (following := rows.filter(service_provider_id__gt=ids[-1] if ids else "").first()) is not None:
        ids.append(following)
    return ids
