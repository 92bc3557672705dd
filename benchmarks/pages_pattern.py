"""The pattern of the pages' world: one client of one of many branches, with three years of history, by the product's
own models. Import this after Django was set up.
"""

import json
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db.models import F
from django.utils import timezone

from benchmarks.upstream import FIRST_NUMBER
from carefund.domain.quarters import previous_quarter, quarter_of
from carefund.records.archive import ReceivedPage, digest_of, record_answers
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Change,
    Client,
    Invoice,
    InvoiceLineItem,
    NdisParticipant,
    PaceComparison,
    PlanBudget,
    ServiceContract,
    ServiceContractBudget,
    ServiceProvider,
    SyncState,
)
from carefund.runs.models import Run
from carefund.sync.care_recipient import recordsets
from carefund.sync.care_recipient.answers import (
    BUDGET_DETAILS,
    BUDGET_LIST,
    CONTRIBUTIONS,
    SUMMARY,
    AnswerKind,
    fingerprint,
)
from tests.console import world

BRANCHES, QUARTERS, RUNS = 20, 12, 30


def make_branches() -> None:
    """The provider's branches."""
    now = timezone.now()
    for number in range(BRANCHES):
        ServiceProvider.objects.create(
            service_provider_id=str(int(world.BRANCH) + number), name=f"Branch {number}", first_seen_at=now,
            last_seen_at=now,
        )  # fmt: skip


def make_pattern() -> Client:
    """One client with three years of funding, use, changes and answers."""
    client = world.make_clients(1, first_id=FIRST_NUMBER)[0]
    plan = world.make_funding(client, quarters=QUARTERS)
    for number in range(16):
        ApprovedService.objects.create(
            client=client, plan=plan, changed_at=timezone.now(), service_group_id="SERG-0001", status="Active",
            service_type_id=f"SERT-{number:04}", service_id=f"SERV-1{number:03}", service_text=f"Service {number}",
            category=("Clinical supports", "Independence", "Everyday living")[number % 3], start_date=plan.start_date,
        )  # fmt: skip
    # A price that is a whole number of cents, or the database's rounding would make exceptions of a third of the lines.
    InvoiceLineItem.objects.filter(service_id="SERV-0036").update(price_per_unit=Decimal("95.25"))
    BudgetUsage.objects.filter(item_code="SERV-0036").update(amount=Decimal("-190.50"))
    _leave_last_quarter_open(client)
    _make_changes(client)
    _make_answers(client)
    _deliver_lately(client)
    return client


def _leave_last_quarter_open(client: Client) -> None:
    """What was left of the quarter that ended last has not been rolled over yet."""
    last = previous_quarter(quarter_of(timezone.localdate()))
    PlanBudget.objects.filter(client=client, end_date=last.end_date, budget_type_code="ON").update(
        status="OPEN", rollover_deduction=0, write_off=0, available=F("total") + F("used")
    )


def _deliver_lately(client: Client) -> None:
    """What was delivered this week: invoiced, and not claimed yet."""
    invoice = Invoice.objects.create(external_reference_id="OPEN", service_provider_id=client.service_provider_id)
    for days in range(3):
        InvoiceLineItem.objects.create(
            invoice=invoice, client=client, external_reference_id=f"open-{days}", service_id="SERV-0012",
            delivery_date=timezone.localdate() - timedelta(days=days), quantity=Decimal(2), price_per_unit=Decimal(70),
            funding_source="ON",
        )  # fmt: skip


def _make_changes(client: Client) -> None:
    """What a sync a week found: new draws, and what they left of their budget."""
    used = BudgetUsage.objects.filter(client=client).select_related("plan_budget").order_by("delivery_date", "id")
    changes = []
    for (at, _), draws in groupby(used, key=lambda usage: (_found_at(usage), usage.plan_budget_id)):
        common = {"client": client, "fetched_at": at}
        for usage in draws:
            budget = usage.plan_budget
            key = [budget.budget_id, usage.invoice_id, usage.item_id]
            changes.append(Change(**common, kind="budget_usage", action=Change.NEW, key=key))
        for field in ("used", "available"):
            value: Decimal = getattr(budget, field)
            changes.append(
                Change(**common, kind="budgets", action=Change.CHANGED, field=field, key=[budget.budget_id],
                       before=str(value + 270), after=str(value))
            )  # fmt: skip
    Change.objects.bulk_create(changes)


def _found_at(usage: BudgetUsage) -> datetime:
    """The Monday's sync after a draw, or the last one."""
    day = usage.delivery_date or timezone.localdate()
    last = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=4)
    return min(datetime.combine(day + timedelta(days=7 - day.weekday()), time(16), UTC), last)


def _make_answers(client: Client) -> None:
    """The archive of one person: the answers in force, and what the budgets' details were before."""
    summary = {
        "careRecipientId": client.care_recipient_id,
        "firstName": client.first_name,
        "lastName": client.last_name,
        "serviceProviderId": client.service_provider_id,
        "classifications": _as_sent(recordsets.CLASSIFICATIONS, client),
        "approvedServices": _as_sent(recordsets.APPROVED_SERVICES, client),
        "supplements": _as_sent(recordsets.SUPPLEMENTS, client),
    }
    questions: list[tuple[AnswerKind[Any], str, Any]] = [(SUMMARY, "", summary)]
    questions += [(CONTRIBUTIONS, "", _as_sent(recordsets.INDIVIDUAL_CONTRIBUTIONS, client))]
    questions += [(BUDGET_LIST, "", _as_sent(recordsets.BUDGETS, client))]
    for budget in PlanBudget.objects.filter(client=client):
        details = _sent(recordsets.BUDGETS, budget) | {
            "entitlements": _as_sent(recordsets.ENTITLEMENTS, client, plan_budget=budget),
            "usage": _as_sent(recordsets.BUDGET_USAGE, client, plan_budget=budget),
        }
        questions.append((BUDGET_DETAILS, budget.budget_id, details))
    digests: dict[str, str] = {}
    for weeks in range(4, -1, -1):
        at = timezone.now() - timedelta(days=7 * weeks, hours=2)
        pages = []
        for kind, subject_id, document in questions:
            body = json.dumps(document, default=str).encode() + b" " * weeks
            digests[kind.key(subject_id)] = digest_of(body)
            pages.append(ReceivedPage(client.pk, kind.operation, subject_id, 1, digest_of(body), body, at))
        record_answers(pages, [client.pk])
    # As read by this version, so that nobody is read anew while pages are timed.
    SyncState.objects.filter(client=client).update(
        digests=digests, row_counts={key: {} for key in digests}, reader=fingerprint()
    )


def _as_sent(kind: recordsets.RecordSet, client: Client, **which: Any) -> list[dict[str, Any]]:
    return [_sent(kind, row) for row in kind.model._default_manager.filter(client=client, **which)]


def _sent(kind: recordsets.RecordSet, row: Any) -> dict[str, Any]:
    """A row as the funder would send it."""
    values = {_in_camel_case(name): getattr(row, name) for name in (*kind.key, *kind.fields)}
    return {
        name: float(value) if isinstance(value, Decimal) else value
        for name, value in values.items()
        if value not in (None, "")
    }


def _in_camel_case(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def make_runs(client: Client, user: Any) -> None:
    """A run a night, the last a few hours ago."""
    for nights in range(RUNS, 0, -1):
        at = timezone.now() - timedelta(days=nights - 1, hours=3)
        run = world.make_run([client], user)
        Run.objects.filter(pk=run.pk).update(
            trigger=Run.Trigger.SCHEDULED,
            scope="active clients",
            started_at=at,
            finished_at=at + timedelta(minutes=9),
        )
        run.items.update(outcome="changed", counts=world.make_counts(), error_code="", message="", advice="")


def make_ndis(client: Client) -> None:
    """A plan under the NDIS for the same client, in step with PACE."""
    now, today = timezone.now(), timezone.localdate()
    NdisParticipant.objects.create(client=client, ndis_number="430000000", is_pace_participant=True, api_access=True)
    contract = ServiceContract.objects.create(
        client=client, ndis_number="430000000", start_date=today - timedelta(days=100), created_at=now, synced_at=now,
        end_date=today + timedelta(days=265),
    )  # fmt: skip
    for number in range(1, 6):
        ServiceContractBudget.objects.create(
            contract=contract, category_text=f"Category {number}", category_number=f"{number:02}",
            category_name=f"Category {number}", approved_amount=Decimal(9000), released_amount=Decimal(4500),
            spent_amount=Decimal(1200), remaining_amount=Decimal(3300),
        )  # fmt: skip
    PaceComparison.objects.create(contract=contract, outcome="in step", compared_at=now)
