"""The change log's entries of an NDIS service contract: one for each field, budget and funding period that changed."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from carefund.domain.ndis.comparing import Difference, DifferenceKind
from carefund.records.models import Change, ServiceContract

CONTRACT_KIND = "service_contract"
BUDGET_KIND = "service_contract_budget"
PERIOD_KIND = "funding_period"
DELIVERED_KIND = "delivered_service"


class ContractLog:
    """Collects the change log's lines of one write."""

    def __init__(self, contract: ServiceContract, now: datetime) -> None:
        self._contract = contract
        self._now = now
        self._lines: list[Change] = []

    def add(
        self,
        kind: str,
        action: str,
        category_name: str = "",
        period_start_date: date | None = None,
        *,
        field: str = "",
        before: Any = None,
        after: Any = None,
    ) -> None:
        """The key: the first day of the PACE plan, then the category, then the funding period's first day."""
        key = [self._contract.start_date.isoformat()]
        if category_name:
            key.append(category_name)
        if period_start_date:
            key.append(period_start_date.isoformat())
        self._lines.append(
            Change(
                client_id=self._contract.client_id,
                kind=kind,
                action=action,
                key=key,
                field=field,
                before=None if before is None else str(before),
                after=None if after is None else str(after),
                fetched_at=self._now,
            )
        )

    def add_difference(self, difference: Difference) -> None:
        kind, action = _LOGGED[difference.kind]
        self.add(
            kind,
            action,
            difference.category_name,
            difference.period_start_date,
            field=difference.field,
            before=_text(difference.before),
            after=_text(difference.after),
        )

    def write(self, *, only_first: bool = False) -> None:
        """Write the lines; of a client's first contract only the line that says so, since nothing changed yet."""
        Change.objects.bulk_create(self._lines[:1] if only_first else self._lines)


_LOGGED = {
    DifferenceKind.CONTRACT_FIELD: (CONTRACT_KIND, Change.CHANGED),
    DifferenceKind.BUDGET_FIELD: (BUDGET_KIND, Change.CHANGED),
    DifferenceKind.PERIOD_NEW: (PERIOD_KIND, Change.NEW),
    DifferenceKind.PERIOD_FIELD: (PERIOD_KIND, Change.CHANGED),
    DifferenceKind.PERIOD_GONE: (PERIOD_KIND, Change.REMOVED),
    DifferenceKind.CATEGORY_NEW: (BUDGET_KIND, Change.NEW),
    DifferenceKind.CATEGORY_GONE: (BUDGET_KIND, Change.NO_LONGER_RETURNED),
    DifferenceKind.CATEGORY_BACK: (BUDGET_KIND, Change.RETURNED_AGAIN),
}


def _text(value: Any) -> str | None:
    if isinstance(value, Decimal):
        return str(value.quantize(Decimal("0.01")))
    return None if value is None else str(value)
