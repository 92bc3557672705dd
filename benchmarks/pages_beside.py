"""What the pages' world holds beside funding and claims: surveys, planned services, unspent funds, care management,
webhooks, deliveries under the NDIS, and the audit log. Import this after Django was set up.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from benchmarks.upstream import care_recipient_id
from carefund.access.models import ApiToken, AuditEntry
from carefund.domain.quarters import Quarter, previous_quarter, quarter_of
from carefund.records.models import (
    CareManagementBudget,
    CareManagementSave,
    CareManagementUse,
    Client,
    ClientMatch,
    DeliveredService,
    PlanBudget,
    PlannedService,
    ServiceContract,
    ServiceContractBudget,
    ServiceProvider,
    Survey,
    SurveyMark,
    SurveySuspect,
    UnspentBalance,
    WebhookDelivery,
    WebhookEndpoint,
)

_QUARTERS, _SAVES_A_QUARTER, _USES, _SUM = 12, 3, 400, "0123456789abcdef" * 2
_DELIVERIES, _MESSAGES, _ACTS, _TOKENS, _MATCHES, _AT_ONCE = 20, 20_000, 5_000, 40, 30, 5_000


def make_pattern_beside(client: Client, user: User) -> None:
    """What one client has of all this; the world copies it to the others."""
    _make_spending(client)
    _make_survey(client)
    _make_deliveries(client, user)


def _make_spending(client: Client) -> None:
    today = timezone.localdate()
    for number, frequency in enumerate(("weekly", "weekly", "fortnightly")):
        PlannedService.objects.create(
            client=client, service_id="SERV-0012", service_text="Personal care", funding_source="ON",
            price=Decimal("140.00"), frequency=frequency, from_date=today - timedelta(days=60 + number),
            entered_by="rostering",
        )  # fmt: skip
    for number in range(4):
        UnspentBalance.objects.create(
            client=client, source=("CU", "HC")[number % 2], amount=Decimal(4000 - 500 * number), entered_by="fay",
            balance_date=today - timedelta(days=120 - 30 * number),
        )  # fmt: skip


def _make_survey(client: Client) -> None:
    now = timezone.now()
    survey = Survey.objects.create(started_at=now - timedelta(hours=1), calls=18, people=10_000)
    details = dict.fromkeys(PlanBudget.objects.filter(client=client).values_list("budget_id", flat=True), _SUM)
    SurveyMark.objects.create(
        client=client, summary=_SUM, contributions=_SUM, budgets=_SUM, frame=_SUM, version=3, details=details,
        read_in_full_at=now - timedelta(days=9),
    )  # fmt: skip
    SurveySuspect.objects.create(
        client=client, survey=survey, reason="rotation", is_doubt=False, summary=_SUM, contributions=_SUM,
        budgets=_SUM, frame=_SUM, figures=[1, 2, 3], since=now,
    )  # fmt: skip


def _make_deliveries(client: Client, user: User) -> None:
    contract = ServiceContract.objects.get(client=client)
    budget = ServiceContractBudget.objects.filter(contract=contract).order_by("id")[0]
    DeliveredService.objects.bulk_create(
        DeliveredService(
            contract=contract, budget=budget, support_item_description="Self-care", service_provider_name="Another",
            delivered_date=timezone.localdate() - timedelta(days=number), amount=Decimal("67.56"),
            created_at=timezone.now(),
        )
        for number in range(_DELIVERIES)
    )  # fmt: skip


def make_rest(user: User, clients: int) -> None:
    """What is not of one client: each branch's saved pools, webhooks with their messages, tokens, acts, matches."""
    ServiceProvider.objects.update(detected_at=timezone.now())
    _make_pools(clients)
    _make_webhooks(clients)
    ApiToken.objects.bulk_create(
        ApiToken(name=f"rostering {number}", digest=f"{number:064x}", user=user) for number in range(_TOKENS)
    )
    AuditEntry.objects.bulk_create(
        AuditEntry(
            user=user, user_name=user.username, act="Claim batch sent", subject=f"batch {number}",
            before={"state": "prepared", "lines": number}, after={"state": "claimed", "lines": number},
        )
        for number in range(_ACTS)
    )  # fmt: skip
    ClientMatch.objects.bulk_create(
        ClientMatch(
            client_id=1 + number, care_recipient_id=f"49{number:07}", first_name="Wilma", last_name=f"Example {number}"
        )
        for number in range(min(_MATCHES, clients))
    )


def _make_pools(clients: int) -> None:
    branches = list(ServiceProvider.objects.values_list("service_provider_id", flat=True))
    saves = [
        CareManagementSave(
            service_provider_id=branch, quarter_start_date=quarter.start_date, synced_at=at, last_synced_at=at
        )
        for quarter in _list_quarters(timezone.localdate())
        for at in _list_times(quarter)
        for branch in branches
    ]
    CareManagementSave.objects.bulk_create(saves)
    CareManagementBudget.objects.bulk_create(
        CareManagementBudget(
            save_record=saved, budget_id=f"CM-{saved.quarter_start_date}", budget_type_code="CM", status="OPEN",
            service_provider_id=saved.service_provider_id, budget_type="Care management", total=Decimal(150_000),
            used=Decimal(-40_000), available=Decimal(110_000), start_date=saved.quarter_start_date,
            end_date=Quarter(saved.quarter_start_date).end_date,
        )
        for saved in saves
    )  # fmt: skip
    CareManagementUse.objects.bulk_create(
        (
            CareManagementUse(
                save_record=saved, care_recipient_id=care_recipient_id((place * 37 + number) % clients),
                amount=Decimal(-100), lines=3,
            )
            for place, saved in enumerate(saves)
            for number in range(min(_USES, clients))
        ),
        batch_size=_AT_ONCE,
    )  # fmt: skip


def _list_quarters(today: date) -> Iterator[Quarter]:
    quarter = quarter_of(today)
    for _ in range(_QUARTERS):
        yield quarter
        quarter = previous_quarter(quarter)


def _list_times(quarter: Quarter) -> Iterator[datetime]:
    """Some days of a quarter, none of them to come."""
    last = timezone.now() - timedelta(hours=3)
    begun = last - timedelta(days=(timezone.localdate() - quarter.start_date).days)
    for number in range(_SAVES_A_QUARTER):
        yield min(begun + timedelta(days=25 * number), last) + timedelta(seconds=number)


def _make_webhooks(clients: int) -> None:
    now = timezone.now()
    for name in ("Rostering", "Data warehouse"):
        endpoint = WebhookEndpoint.objects.create(
            name=name, url="https://example.org/hook", events=["client.changed"], is_on=False
        )
        WebhookDelivery.objects.bulk_create(_list_messages(endpoint, now, clients), batch_size=_AT_ONCE)


def _list_messages(endpoint: WebhookEndpoint, now: datetime, clients: int) -> Iterator[Any]:
    for number in range(_MESSAGES):
        client_id = 1 + number % clients
        yield WebhookDelivery(
            endpoint=endpoint, message_id=f"msg_{number}", event="client.changed", subject=f"client:{client_id}",
            client_id=client_id, happened_at=now - timedelta(minutes=number), state="delivered", attempts=1, status=200,
            data={"changes": 3}, first_attempt_at=now, last_attempt_at=now,
        )  # fmt: skip
