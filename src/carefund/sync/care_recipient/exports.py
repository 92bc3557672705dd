"""Exports of what is known of clients: who they are, their plans, every kind of record, and what is planned."""

from functools import partial

from carefund.records.models import Client, Plan, PlannedService, UnspentBalance
from carefund.sync.care_recipient.exporting import list_as_of, list_own
from carefund.sync.care_recipient.recordsets import RECORD_SETS, RecordSet
from carefund.sync.export_kinds import Export, Subject, list_columns


def _of_records(record_set: RecordSet) -> Export:
    names = (
        f"{name}=plan_budget__budget_id" if record_set.is_child and name == "budget_id" else name
        for name in list_own(record_set)
    )
    return Export(
        kind=record_set.kind,
        label=record_set.label,
        about=f"Each {record_set.one} from Services Australia; `no_longer_returned_date` is empty while it is listed.",
        subject=Subject.FUNDING,
        model=record_set.model,
        columns=list_columns(*names, "no_longer_returned_date", client="client"),
        of_client="client_id",
        as_of=partial(list_as_of, record_set),
    )


FUNDING_EXPORTS = (
    Export(
        kind="clients",
        label="Clients",
        about="Each client, with the branch of the newest budget.",
        subject=Subject.FUNDING,
        model=Client,
        columns=list_columns(
            "client_id=pk", "care_recipient_id", "external_reference_id", "first_name", "last_name", "birth_date",
            "service_provider_id", "is_active",
        ),
        of_client="pk",
    ),
    Export(
        kind="plans",
        label="Plans",
        about="Each plan that the records of a client belong to.",
        subject=Subject.FUNDING,
        model=Plan,
        columns=list_columns(
            "plan_id=pk", "type", "claim_period", "start_date", "end_date", "is_latest", "created_at", client="client"
        ),
        of_client="client_id",
    ),
    *map(_of_records, RECORD_SETS),
    Export(
        kind="planned_services",
        label="Planned services",
        about="Each service that is booked; `price` is that of one visit.",
        subject=Subject.FUNDING,
        model=PlannedService,
        columns=list_columns(
            "planned_reference_id=external_reference_id", "service_id", "service_text", "funding_source", "price",
            "frequency", "from_date", "to_date", "entered_by", "changed_at", client="client",
        ),
        of_client="client_id",
    ),
    Export(
        kind="unspent_balances",
        label="Unspent funds",
        about="Each balance of unspent funds that was entered; the latest day counts.",
        subject=Subject.FUNDING,
        model=UnspentBalance,
        columns=list_columns("source", "amount", "balance_date", "entered_by", "entered_at", client="client"),
        of_client="client_id",
    ),
)  # fmt: skip
