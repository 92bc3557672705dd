"""A provider of many clients with three years of history, copied row by row from one client by the database itself.

Run by itself, `python -m benchmarks.pages_world --clients N`, it fills the empty database of the environment. Names
and ids are made up. `NEW` people have no funding yet, so that a bulk run has a first sync to do.
"""

import argparse
import os
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carefund.settings")
django.setup()

from django.core.management import call_command  # noqa: E402 Django must be set up before its models are imported
from django.core.management.color import no_style  # noqa: E402
from django.db import connection, models, transaction  # noqa: E402
from django.utils import timezone  # noqa: E402

from benchmarks.pages_beside import make_pattern_beside, make_rest  # noqa: E402
from benchmarks.pages_pattern import BRANCHES, make_branches, make_ndis, make_pattern, make_runs  # noqa: E402
from benchmarks.upstream import FIRST_NUMBER, care_recipient_id  # noqa: E402
from carefund.access.models import AccessLogEntry, BranchMembership  # noqa: E402
from carefund.records.claims.matched_lines import doubt_changed_lines, match_some_lines  # noqa: E402
from carefund.records.models import (  # noqa: E402
    Answer,
    ApprovedService,
    BudgetUsage,
    Change,
    Claim,
    ClaimBatch,
    Classification,
    Client,
    DeliveredService,
    Entitlement,
    IndividualContribution,
    Invoice,
    InvoiceLineItem,
    NdisParticipant,
    PaceComparison,
    PaymentRequest,
    Plan,
    PlanBudget,
    PlannedService,
    ServiceContract,
    ServiceContractBudget,
    Supplement,
    SurveyMark,
    SurveySuspect,
    SyncState,
    UnspentBalance,
)
from carefund.runs.models import Run, RunItem  # noqa: E402
from tests.console import world  # noqa: E402

OURS, LOOKS = 8, 20
_ONE_IN_NDIS, _ONE_WITH_UNSPENT, _ONE_SUSPECTED = 5, 3, 50
_BRANCH = f"CAST({world.BRANCH} + n.k % {BRANCHES} AS text)"
_OF_BRANCH = f"CASE WHEN t.service_provider_id = '{world.BRANCH}' THEN {_BRANCH} ELSE t.service_provider_id END"


def build(clients: int, new: int) -> None:
    """Fill an empty database: so many clients with history, and so many without any funding."""
    call_command("migrate", verbosity=0)
    with transaction.atomic():
        cast = world.make_cast()
        for number in range(1, OURS):  # Ben's reach: two clients in five
            BranchMembership.objects.create(user=cast.ben, service_provider_id=str(int(world.BRANCH) + number))
        make_branches()
        pattern = make_pattern()
        make_runs(pattern, cast.ada)
        make_ndis(pattern)
        make_pattern_beside(pattern, cast.ada)
        AccessLogEntry.objects.bulk_create(
            AccessLogEntry(user=cast.ben, user_name="ben", action="viewed", what="Funding", client=pattern)
            for _ in range(LOOKS)
        )
        _copy_people(clients - 1)
        _copy_ledger(clients - 1)
        _copy_ndis(clients - 1)
        _copy_beside(clients - 1)
        make_rest(cast.ada, clients)
        _make_claims()
        _set_counters()
        _make_new(clients, new)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    _match_lines()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def copy_rows(model: type[models.Model], number: int, *, order: str = "", where: str = "", **expressions: str) -> None:
    """Insert each row of a table once more for each k of 1 to `number`; `expressions` say what differs, by column."""
    columns = [field.column for field in model._meta.local_concrete_fields]
    columns = [name for name in columns if name != "id" or "id" in expressions]
    taken = ", ".join(expressions.get(name, f't."{name}"') for name in columns)
    table = connection.ops.quote_name(model._meta.db_table)
    named = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < {number}) "
            f"INSERT INTO {table} ({named}) SELECT {taken} FROM n CROSS JOIN {table} t {where} {order}"
        )


def _stride(model: type[models.Model]) -> str:
    """The distance between a row and its copy, as a term of SQL."""
    highest = model._default_manager.aggregate(highest=models.Max("pk"))["highest"]
    return f"n.k * {highest}"


def _copy_people(number: int) -> None:
    """The clients with all that is synchronised of them, and their invoices."""
    letters = "substr('BCDFGHKLMNPRSTVW', 1 + n.k % 16, 1) || substr('aeiou', 1 + n.k % 5, 1)"
    person = {"client_id": "1 + n.k", "plan_id": "1 + n.k"}
    of_branch = person | {"service_provider_id": _OF_BRANCH}
    names = f"{letters} || substr('lmnrst', 1 + n.k % 6, 1) || 'ton ' || CAST(n.k / 150 AS text)"
    identity = f"CAST({FIRST_NUMBER} + n.k AS text)"
    copy_rows(Client, number, id="1 + n.k", care_recipient_id=identity, last_name=names, service_provider_id=_BRANCH)
    copy_rows(Plan, number, id="1 + n.k", client_id="1 + n.k")
    for model in (Classification, ApprovedService, Supplement):
        copy_rows(model, number, **person)
    copy_rows(IndividualContribution, number, **of_branch)
    budgets, invoices, lines = (_stride(model) for model in (PlanBudget, Invoice, InvoiceLineItem))
    left = "t.available - (n.k % 900) * 10"
    copy_rows(PlanBudget, number, id=f"t.id + {budgets}", available=left, order="ORDER BY n.k, t.id", **of_branch)
    copy_rows(Entitlement, number, client_id="1 + n.k", plan_budget_id=f"t.plan_budget_id + {budgets}")
    again = "CAST(n.k AS text)"
    copy_rows(
        Invoice, number, id=f"t.id + {invoices}", external_reference_id=f"t.external_reference_id || '-' || {again}",
        invoice_id=f"t.invoice_id || '-' || {again}", service_provider_id=_BRANCH,
    )  # fmt: skip
    copy_rows(
        InvoiceLineItem, number, order="ORDER BY t.delivery_date, n.k", id=f"t.id + {lines}",
        invoice_id=f"t.invoice_id + {invoices}", client_id="1 + n.k",
        external_reference_id=f"t.external_reference_id || '-' || {again}",
    )  # fmt: skip
    copy_rows(
        BudgetUsage, number, order="ORDER BY t.delivery_date, n.k",
        plan_budget_id=f"t.plan_budget_id + {budgets}", client_id="1 + n.k",
        service_provider_id=_OF_BRANCH,
        invoice_line_item_id=f"CASE WHEN n.k % 500 <> 0 OR t.id % 50 <> 0 THEN t.invoice_line_item_id + {lines} END",
    )  # fmt: skip
    stale = "n.k % 400 = 7"
    copy_rows(SyncState, number, client_id="1 + n.k", outcome=f"CASE WHEN {stale} THEN 'failed' ELSE t.outcome END")


def _copy_ledger(number: int) -> None:
    """The change log and the archive in the order of time, the run ledger, the access log."""
    client = {"client_id": "1 + n.k"}
    copy_rows(Change, number, order="ORDER BY t.fetched_at, n.k, t.id", **client)
    copy_rows(Answer, number, order="ORDER BY t.current_from, n.k, t.id", **client)
    failed = "CASE WHEN (n.k + t.id) % 997 = 0 THEN 'failed' ELSE t.outcome END"
    identity = f"CAST({FIRST_NUMBER} + n.k AS text)"
    copy_rows(RunItem, number, order="ORDER BY t.id, n.k", outcome=failed, care_recipient_id=identity, **client)
    for run in Run.objects.all():
        Run.objects.filter(pk=run.pk).update(total=number + 1)
    copy_rows(AccessLogEntry, number, order="ORDER BY t.id, n.k", **client)


def _copy_ndis(number: int) -> None:
    where = f"WHERE n.k % {_ONE_IN_NDIS} = 0"
    contracts = _stride(ServiceContract)
    ndis_number = "CAST(430000000 + n.k AS text)"
    copy_rows(NdisParticipant, number, where=where, client_id="1 + n.k", ndis_number=ndis_number)
    copy_rows(
        ServiceContract, number, where=where, id=f"t.id + {contracts}", client_id="1 + n.k", ndis_number=ndis_number
    )
    budgets = _stride(ServiceContractBudget)
    of_contract = {"contract_id": f"t.contract_id + {contracts}"}
    copy_rows(ServiceContractBudget, number, where=where, id=f"t.id + {budgets}", **of_contract)
    copy_rows(DeliveredService, number, where=where, budget_id=f"t.budget_id + {budgets}", **of_contract)
    copy_rows(PaceComparison, number, where=where, contract_id=f"t.contract_id + {contracts}")


def _copy_beside(number: int) -> None:
    """Everybody's planned services and marks of the last survey; of some people unspent funds, or a suspicion."""
    client = {"client_id": "1 + n.k"}
    copy_rows(PlannedService, number, **client)
    copy_rows(UnspentBalance, number, where=f"WHERE n.k % {_ONE_WITH_UNSPENT} = 0", **client)
    copy_rows(SurveyMark, number, **client)
    copy_rows(SurveySuspect, number, where=f"WHERE n.k % {_ONE_SUSPECTED} = 0", **client)


def _make_claims() -> None:
    """A batch and its claim per branch and month. The last fortnight's lines are in none, those of ten days before are
    not decided yet, and the others are paid; a few otherwise."""
    first = InvoiceLineItem.objects.order_by("delivery_date")[0].delivery_date.replace(day=1)
    until = timezone.localdate() - timedelta(days=14)
    undecided = until - timedelta(days=10)
    months = []
    while first < until:
        end = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
        months.append((first, min(end, until)))
        first = end + timedelta(days=1)
    batches = ClaimBatch.objects.bulk_create(
        ClaimBatch(service_provider_id=str(int(world.BRANCH) + branch), from_date=start, to_date=end, state="claimed")
        for start, end in months
        for branch in range(BRANCHES)
    )
    Claim.objects.bulk_create(
        Claim(
            claim_id=f"7{batch.pk:07}", batch=batch, service_provider_id=batch.service_provider_id, status="Completed",
            reported_status="Completed", made_at=datetime.combine(batch.to_date, time(5), UTC),
            is_settled=batch.to_date < undecided,
            approved_date=batch.to_date, payment_date=batch.to_date, claim_total=Decimal(90000),
            total_paid=Decimal(90000), invoice_ids=[f"1{batch.pk:05}{number:04}" for number in range(500)],
            care_recipient_ids=[care_recipient_id(number) for number in range(500)],
        )
        for batch in batches
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {PaymentRequest._meta.db_table} (batch_id, line_item_id, state, amount, cautions, "
            "paid_amount, payment_determination, aged_care_reference, payment_date, is_matched) "
            f"SELECT b.id, l.id, CASE WHEN l.delivery_date > '{undecided}' THEN 'claimed' "
            "WHEN l.id % 30011 = 0 THEN 'refused' ELSE 'paid' END, "
            "l.quantity * l.price_per_unit + CASE WHEN l.id % 20011 = 0 THEN 10 ELSE 0 END, '[]', "
            "l.quantity * l.price_per_unit, '', '', b.to_date, FALSE "
            "FROM records_claimbatch b JOIN records_invoice i ON i.service_provider_id = b.service_provider_id "
            "JOIN records_invoicelineitem l ON l.invoice_id = i.id "
            "WHERE i.invoice_id IS NOT NULL AND l.delivery_date BETWEEN b.from_date AND b.to_date ORDER BY b.id, l.id"
        )


def _match_lines() -> None:
    """What the background would have marked by now."""
    doubt_changed_lines(timezone.now())
    after_id: int | None = 0
    while after_id is not None:
        after_id = match_some_lines(after_id, limit=20_000)


def _make_new(clients: int, new: int) -> None:
    Client.objects.bulk_create(
        (
            Client(
                care_recipient_id=care_recipient_id(number), first_name="Wilma", last_name=f"Example {number}",
                service_provider_id=world.BRANCH,
            )
            for number in range(clients, clients + new)
        ),
        batch_size=2000,
    )  # fmt: skip


def _set_counters() -> None:
    """Let PostgreSQL's sequences go on after the ids given here."""
    touched = [Client, Plan, PlanBudget, Invoice, InvoiceLineItem, ServiceContract, ServiceContractBudget]
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), touched):
            cursor.execute(statement)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=10_000)
    parser.add_argument("--new", type=int, default=0)
    options = parser.parse_args()
    build(options.clients, options.new)
