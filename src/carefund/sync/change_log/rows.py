"""The rows that entries of the change log speak of: read at once, one query per kind that occurs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from functools import cached_property
from typing import Any

from django.db.models import F, QuerySet
from django.utils import timezone

from carefund.domain.care_recipient.draws import DrawnBy, who_drew
from carefund.records.models import BudgetUsage, Change, IndividualContribution, PlanBudget
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.sync.care_recipient import recordsets
from carefund.sync.care_recipient.results import FieldChange
from carefund.sync.change_log.record_kinds import kind_of
from carefund.sync.change_log.record_names import name_budget


def as_entries(client_id: int, changes: Iterable[FieldChange]) -> list[Change]:
    """What a sync would change as entries of the log, not stored: told in the words in which it will be."""
    now = timezone.now()
    return [Change(client_id=client_id, fetched_at=now, **asdict(change)) for change in changes]


class StoredRows:
    """The stored rows by client and natural key. Of a record that is not stored: what its key says of it."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self._rows: dict[tuple[str, int, recordsets.Key], Any] = {}
        self._changes = changes
        for record_set in recordsets.RECORD_SETS:
            self._read(record_set, [change for change in changes if change.kind == record_set.kind])
        has_draws = any(change.kind == recordsets.BUDGET_USAGE.kind for change in changes)
        self._own_ids = frozenset(list_own_service_provider_ids() if has_draws else ())

    def _read(self, record_set: recordsets.RecordSet, changes: Sequence[Change]) -> None:
        if not changes:
            return
        rows: QuerySet[Any] = record_set.model._default_manager.filter(
            client_id__in={change.client_id for change in changes}
        ).order_by("id")
        if record_set.is_child:
            rows = rows.filter(plan_budget__budget_id__in={change.key[0] for change in changes})
            rows = rows.annotate(named_budget_id=F("plan_budget__budget_id"))
        if not record_set.replaced_whole:  # of such a set the earlier ones are told of as well
            first = 1 if record_set.is_child else 0
            rows = rows.filter(**{f"{record_set.key[0]}__in": {change.key[first] for change in changes}})
        for row in rows:
            values = tuple(getattr(row, name) for name in record_set.key)
            key = record_set.logged_key((row.named_budget_id, *values) if record_set.is_child else values)
            self._rows[record_set.kind, row.client_id, key] = row

    def find(self, change: Change) -> Any:
        """The record that a change is about: the stored row, or one without a number that holds the key; None if that
        says nothing."""
        row = self._rows.get((change.kind, change.client_id, tuple(change.key)))
        if row is not None:
            return row
        kind = kind_of(change.kind)
        return kind.model(**kind.named_key(change.key)) if kind.model and kind.record_set else None

    def name_budget_of(self, change: Change) -> str:
        """The budget that an entitlement or a draw hangs on, as people call it; "" for any other record."""
        if not _is_child(change):
            return ""
        return self._budget_names.get((change.client_id, change.key[0]), f"Budget {change.key[0]}")

    @cached_property
    def _budget_names(self) -> dict[tuple[int, str], str]:
        children = [change for change in self._changes if _is_child(change)]
        budgets = PlanBudget.objects.filter(
            client_id__in={change.client_id for change in children},
            budget_id__in={change.key[0] for change in children},
        ).order_by("-ordinal")
        return {(budget.client_id, budget.budget_id): name_budget(budget) for budget in budgets}

    def who_drew(self, draw: BudgetUsage) -> DrawnBy:
        """Who made a draw."""
        return who_drew(draw.service_provider_id, self._own_ids, has_line=draw.invoice_line_item_id is not None)

    def find_earlier_shares(self, shares: IndividualContribution) -> IndividualContribution | None:
        """The contributions that these follow, None if they are the first."""
        start = shares.effective_date_from
        earlier = [
            row
            for (kind, client_id, _), row in self._rows.items()
            if kind == recordsets.INDIVIDUAL_CONTRIBUTIONS.kind
            and client_id == shares.client_id
            and start is not None
            and (row.effective_date_from or date.min) < start
        ]
        return max(earlier, key=lambda row: row.effective_date_from or date.min) if earlier else None


def _is_child(change: Change) -> bool:
    record_set = kind_of(change.kind).record_set
    return record_set is not None and record_set.is_child
