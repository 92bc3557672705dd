"""What the change log speaks of: the record sets, and what is kept beside them. Types and labels are the columns'."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db.models import Model

from carefund.domain.wording import write_day, write_money, write_percentage
from carefund.records.models import (
    Client,
    DeliveredService,
    FunderIdentity,
    FundingPeriod,
    Plan,
    ServiceContract,
    ServiceContractBudget,
)
from carefund.records.models.columns import FieldType, lowers_a_budget, name_in_sentence, type_of
from carefund.records.ndis.contract_log import BUDGET_KIND, CONTRACT_KIND, DELIVERED_KIND, PERIOD_KIND
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet


@dataclass(frozen=True)
class LoggedKind:
    """One kind of record in the change log: its words, its model, and the field that a new or vanished one tells."""

    kind: str
    label: str
    one: str
    many: str
    model: type[Model] | None = None
    main: str = ""
    record_set: RecordSet | None = None

    def type_of(self, field: str) -> FieldType:
        """What a field holds; without a name, what a record that came or went is about."""
        return type_of(self.model, field or self.main) if self.model and (field or self.main) else FieldType.TEXT

    def label_of(self, field: str) -> str:
        """A field as it begins a line."""
        words = self.name_in_sentence(field)
        return words[:1].upper() + words[1:]

    def name_in_sentence(self, field: str) -> str:
        """A field within a sentence."""
        return name_in_sentence(self.model, field) if self.model else field.replace("_", " ")

    def is_last_day(self, field: str) -> bool:
        """Whether a field is the last day on which a record is in force."""
        return field == (self.record_set.dates[1] if self.record_set else "end_date")

    def lowers_a_budget(self, field: str) -> bool:
        """Whether an amount is money that went."""
        return self.model is not None and lowers_a_budget(self.model, field)

    def read(self, field: str, text: str | None) -> Decimal | date | str | None:
        """A value of the log by its field's type; as the text that it is if it cannot be read so."""
        return read(self.type_of(field), text)

    def write(self, field: str, text: str | None) -> str:
        """A value of the log as people read it; "" for nothing."""
        return write(self.type_of(field), text)

    def key_parts(self, key: Sequence[str | None]) -> list[tuple[str, str | None]]:
        """A synced record's key as names and texts; the budget that a child hangs on is left out."""
        if self.record_set is None:
            return []
        return list(zip(self.record_set.key, key[1:] if self.record_set.is_child else key, strict=False))

    def named_key(self, key: Sequence[str | None]) -> dict[str, Any]:
        """The same as the attributes of a row."""
        return {name: self.read(name, part) for name, part in self.key_parts(key)}


def read(kind: FieldType, text: str | None) -> Decimal | date | str | None:
    """A stored text as a value of its type, or as it is."""
    try:
        if text and kind in (FieldType.MONEY, FieldType.PERCENTAGE):
            return Decimal(text)
        return date.fromisoformat(text) if text and kind is FieldType.DATE else text
    except (InvalidOperation, ValueError):
        return text


def write(kind: FieldType, text: str | None) -> str:
    """A stored text as people read it."""
    value = read(kind, text)
    if isinstance(value, Decimal):
        return write_percentage(value) if kind is FieldType.PERCENTAGE else write_money(value)
    return write_day(value) if isinstance(value, date) else value or ""


_SYNCED = [
    LoggedKind(
        record_set.kind,
        record_set.label,
        record_set.one,
        record_set.many,
        record_set.model,
        record_set.main,
        record_set,
    )
    for record_set in RECORD_SETS
]
_OTHERS = [
    LoggedKind("plan", "Plan", "plan", "plans", Plan),
    LoggedKind("client", "Client", "client", "clients", Client),
    LoggedKind(
        "identity", "Identity at Services Australia", "identity at Services Australia",
        "identities at Services Australia", FunderIdentity,
    ),
    LoggedKind(
        CONTRACT_KIND, "Service contract", "service contract", "service contracts", ServiceContract, "start_date"
    ),
    LoggedKind(
        BUDGET_KIND, "Service contract budget", "service contract budget", "service contract budgets",
        ServiceContractBudget, "approved_amount",
    ),
    LoggedKind(PERIOD_KIND, "Funding period", "funding period", "funding periods", FundingPeriod, "amount"),
    LoggedKind(
        DELIVERED_KIND, "Delivered service", "delivered service", "delivered services", DeliveredService, "amount"
    ),
]  # fmt: skip
KINDS = {logged.kind: logged for logged in (*_SYNCED, *_OTHERS)}
CONTRACT_KINDS = (CONTRACT_KIND, BUDGET_KIND, PERIOD_KIND, DELIVERED_KIND)


def kind_of(kind: str) -> LoggedKind:
    """A kind by its name; one that is no longer known is called by its name."""
    words = kind.replace("_", " ")
    return KINDS.get(kind) or LoggedKind(kind, words.capitalize(), words, words)
