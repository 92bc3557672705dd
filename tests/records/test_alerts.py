"""Alerts from stored rows: each kind is found by the figure of its own page, begins, changes, ends and begins again."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from carefund.domain.alerts import DEFAULTS, AlertKind, AlertRule, FoundAlert
from carefund.domain.claims.money import Stage
from carefund.domain.quarters import quarter_of
from carefund.records.alerts.finding import find_by_trend, find_others, list_clients_with_trend
from carefund.records.alerts.store import describe_alert, find_rules, list_standing, store_found, store_rules
from carefund.records.care_recipient.commitments import find_spending
from carefund.records.care_recipient.spending import find_trend, find_trends
from carefund.records.claims.money import list_lines_in
from carefund.records.models import (
    Alert,
    BudgetUsage,
    ClaimBatch,
    Client,
    InvoiceLineItem,
    PaymentRequest,
    PlanBudget,
    ProdaDevice,
    SyncState,
)
from tests.console import world

pytestmark = pytest.mark.django_db
ZONE = ZoneInfo("Australia/Sydney")
EVERYTHING = {
    **DEFAULTS,
    AlertKind.RUNS_OUT: AlertRule(days=120),
    AlertKind.LOSS: AlertRule(days=120, amount=Decimal("0.00")),
    AlertKind.EXPIRES: AlertRule(days=365, amount=Decimal("1.00")),
    AlertKind.WINDOW: AlertRule(days=365),
}


def find(
    rules: Any = None, today: date | None = None, now: datetime | None = None
) -> dict[AlertKind, list[FoundAlert]]:
    """Everything that is found, by kind."""
    today, now, rules = today or timezone.localdate(), now or timezone.now(), rules or EVERYTHING
    found = find_by_trend(list_clients_with_trend(rules, today), rules, today)
    found += find_others(rules, today, now, 24, ZONE)
    return {kind: [alert for alert in found if alert.kind is kind] for kind in AlertKind}


@pytest.fixture
def margaret() -> Client:
    client = world.make_clients(1)[0]
    world.make_funding(client, quarters=2)
    return client


def test_the_trend_of_many_is_that_of_each(margaret: Client):
    other = world.make_clients(1, first_id=400000900)[0]
    world.make_funding(other, level="5", quarters=1)
    nobody = world.make_clients(1, first_id=400000950)[0]
    today = timezone.localdate()
    spendings = {client.pk: find_spending(client, today) for client in (margaret, other, nobody)}
    together = find_trends(spendings)
    assert together == {number: find_trend(spending) for number, spending in spendings.items()}
    assert len({trend.weekly for trend in together.values()}) > 1


def test_money_that_runs_out_and_what_a_quarter_loses_are_the_figures_of_spending(margaret: Client):
    budget = PlanBudget.objects.get(client=margaret, budget_type_code="ON", status="OPEN")
    today = timezone.localdate()
    trend = find_trend(find_spending(margaret, today))
    lost = next(row.lost for row in trend.quarters if row.period.covers(today))
    found = find()
    assert [alert.amount for alert in found[AlertKind.LOSS]] == ([lost] if lost else [])
    PlanBudget.objects.filter(pk=budget.pk).update(available=Decimal("1.00"))
    BudgetUsage.objects.filter(plan_budget=budget).update(delivery_date=today, amount=Decimal("-90.00"))
    InvoiceLineItem.objects.filter(item_id="90").delete()
    trend = find_trend(find_spending(margaret, today))
    expected = trend.runs_out_date
    found = find()
    if today < quarter_of(today).end_date:  # on the last day no day is left to run out on
        assert expected is not None
        assert [(alert.client_id, alert.due_date) for alert in found[AlertKind.RUNS_OUT]] == [(margaret.pk, expected)]


def test_equipment_funding_that_expires_with_money_in_it(margaret: Client):
    budget = PlanBudget.objects.get(client=margaret, budget_type_code="AT")
    found = find()[AlertKind.EXPIRES]
    assert [(alert.client_id, alert.due_date, alert.amount) for alert in found] == [
        (margaret.pk, budget.end_date, Decimal("360.00"))
    ]
    assert budget.end_date is not None
    far = EVERYTHING | {
        AlertKind.EXPIRES: AlertRule(days=(budget.end_date - timezone.localdate()).days - 1, amount=Decimal(1))
    }
    assert not find(far)[AlertKind.EXPIRES]
    more = EVERYTHING | {AlertKind.EXPIRES: AlertRule(days=365, amount=Decimal("360.01"))}
    assert not find(more)[AlertKind.EXPIRES]
    Client.objects.update(is_active=False)
    assert not any(find()[kind] for kind in (AlertKind.EXPIRES, AlertKind.RUNS_OUT, AlertKind.LOSS))


def test_a_window_that_closes_comes_to_what_money_shows(margaret: Client):
    today = timezone.localdate()
    InvoiceLineItem.objects.filter(item_id="90").update(delivery_date=today)
    InvoiceLineItem.objects.exclude(item_id="90").delete()
    InvoiceLineItem.objects.get().invoice.__class__.objects.update(invoice_id=None)
    InvoiceLineItem.objects.update(item_id="")
    [line] = list_lines_in(Stage.NOT_CLAIMED, today)
    found = find()[AlertKind.WINDOW]
    closing = quarter_of(today).end_date + timedelta(days=60)
    assert [(alert.service_provider_id, alert.due_date, alert.amount, alert.number) for alert in found] == [
        (world.BRANCH, closing, line.quantity * line.price_per_unit, 1)
    ]
    assert not find(EVERYTHING | {AlertKind.WINDOW: AlertRule(days=(closing - today).days - 1)})[AlertKind.WINDOW]


def refuse(line: InvoiceLineItem) -> PaymentRequest:
    batch = ClaimBatch.objects.create(
        service_provider_id=world.BRANCH, from_date=line.delivery_date, to_date=line.delivery_date
    )
    return PaymentRequest.objects.create(batch=batch, line_item=line, state="refused", amount=Decimal("402.75"))


def test_a_refused_claim_is_an_alert_of_its_newest_batch_until_it_is_claimed_again(margaret: Client):
    BudgetUsage.objects.all().delete()
    line = InvoiceLineItem.objects.get(item_id="90")
    refuse(line)
    second = refuse(line)
    found = find()[AlertKind.REFUSED]
    assert [(alert.key, alert.number) for alert in found] == [(str(second.batch_id), 1)]
    third = refuse(line)
    PaymentRequest.objects.filter(pk=third.pk).update(state=PaymentRequest.State.CLAIMED)
    assert not find()[AlertKind.REFUSED]


def test_consent_and_old_figures(margaret: Client):
    assert not any(find()[kind] for kind in (AlertKind.CONSENT, AlertKind.STALE))
    SyncState.objects.update(consent_missing=True, checked_at=timezone.now() - timedelta(days=2))
    found = find()
    assert [alert.client_id for alert in found[AlertKind.CONSENT]] == [margaret.pk]
    assert [(alert.service_provider_id, alert.number) for alert in found[AlertKind.STALE]] == [(world.BRANCH, 1)]


@pytest.mark.parametrize("what", ["key", "device"])
def test_a_key_or_device_is_an_alert_of_its_own_at_each_of_four_steps(what: str):
    expires_at = datetime(2027, 3, 31, 12, tzinfo=ZONE)
    device = ProdaDevice.objects.create(device_name="A", **{f"{what}_expires_at": expires_at})
    begun: dict[str, list[int]] = {}
    for ahead in range(33, -3, -1):
        now = expires_at - timedelta(days=ahead)
        store_found(find(DEFAULTS, now.date(), now)[AlertKind.KEY], now)
        store_found(find(DEFAULTS, now.date(), now)[AlertKind.KEY], now)
        for alert in Alert.objects.filter(begun_at=now):
            begun.setdefault(alert.key, []).append(ahead)
        assert Alert.objects.filter(ended_at__isnull=True).count() == (1 if ahead <= 30 else 0), ahead
    assert begun == {f"device {device.pk} {what} {step}": [step] for step in (30, 14, 7, 1)}
    last = list_standing(Alert.objects.all()).get()
    name = f"The PRODA {what}"
    sentences = {ahead: describe_alert(last, date(2027, 3, 31) - timedelta(days=ahead)) for ahead in (30, 1, 0, -1)}
    assert sentences == {
        30: f"{name} expires on 31 March 2027, in 30 days",
        1: f"{name} expires on 31 March 2027, tomorrow",
        0: f"{name} expires on 31 March 2027, today",
        -1: f"{name} expired on 31 March 2027",
    }


def test_the_administrators_limit_says_when_warnings_of_a_key_begin():
    ProdaDevice.objects.create(device_name="A", key_expires_at=datetime(2027, 3, 31, 12, tzinfo=ZONE))

    def count(days_ahead: int, limit: int) -> int:
        day = date(2027, 3, 31) - timedelta(days=days_ahead)
        rules = DEFAULTS | {AlertKind.KEY: AlertRule(days=limit)}
        return len(find(rules, day)[AlertKind.KEY])

    assert [count(60, 60), count(61, 60), count(10, 10), count(11, 10), count(0, 0), count(1, 0)] == [1, 0, 1, 0, 1, 0]


def test_a_device_and_its_key_are_two_matters_and_what_is_extended_ends():
    now = datetime(2027, 3, 1, 12, tzinfo=ZONE)
    soon, later = now + timedelta(days=6), now + timedelta(days=400)
    ProdaDevice.objects.create(device_name="A", key_expires_at=soon, device_expires_at=soon)
    assert store_found(find(DEFAULTS, now.date(), now)[AlertKind.KEY], now).begun == 2
    ProdaDevice.objects.update(device_expires_at=later)
    assert store_found(find(DEFAULTS, now.date(), now)[AlertKind.KEY], now).ended == 1


def test_a_rule_that_is_off_finds_nothing(margaret: Client):
    SyncState.objects.update(consent_missing=True, checked_at=None)
    off = {kind: AlertRule(is_on=False, days=rule.days, amount=rule.amount) for kind, rule in EVERYTHING.items()}
    store_rules(off)
    assert find_rules() == off
    assert not any(find(off).values())


def test_an_alert_begins_keeps_its_row_ends_and_begins_anew(margaret: Client, alert_of: Callable[..., FoundAlert]):
    now = timezone.now()
    first = store_found([alert_of(amount="10.00")], now)
    row = Alert.objects.get()
    again = store_found([alert_of(amount="12.00")], now + timedelta(hours=1))
    assert (first.begun, again.begun, again.ended) == (1, 0, 0)
    assert [(alert.pk, alert.amount) for alert in Alert.objects.all()] == [(row.pk, Decimal("12.00"))]
    gone = store_found([], now + timedelta(hours=2))
    assert (gone.ended, list(list_standing(Alert.objects.all()))) == (1, [])
    store_found([alert_of()], now + timedelta(hours=3))
    assert Alert.objects.count() == 2
    assert list_standing(Alert.objects.all()).get().pk != row.pk
    store_found([alert_of()], now + timedelta(days=400))
    assert Alert.objects.count() == 1, "what ended long ago is removed"


@pytest.fixture
def alert_of(margaret: Client) -> Callable[..., FoundAlert]:
    def make(amount: str = "10.00") -> FoundAlert:
        return FoundAlert(AlertKind.LOSS, f"{margaret.pk}:x", margaret.pk, amount=Decimal(amount))

    return make
