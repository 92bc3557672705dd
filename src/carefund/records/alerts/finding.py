"""Look for what somebody should know: the stored figures of each subject, and the limits of domain/alerts.py.

Every figure is asked where its own page asks for it. Nothing here writes.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from itertools import chain

from django.db.models import Count, Exists, OuterRef, Q

from carefund.domain.alerts import (
    ZERO,
    AlertKind,
    AlertRule,
    FoundAlert,
    find_coming_loss,
    find_loss,
    find_run_out,
    is_due,
)
from carefund.domain.care_recipient.quarter_close import quarter_to_close
from carefund.domain.claims.checks import amount_of
from carefund.domain.claims.money import TO_CLAIM, Stage, count_days_left
from carefund.domain.key_expiry import DEVICE, KEY, write_matter
from carefund.records.care_recipient.client_list import is_stale
from carefund.records.care_recipient.commitments import available_of, find_spendings
from carefund.records.care_recipient.quarter_close import list_closing_rows
from carefund.records.care_recipient.queries import list_devices
from carefund.records.care_recipient.spending import find_trends
from carefund.records.claims.money import list_lines_in
from carefund.records.models import Client, PaymentRequest, PlanBudget

Rules = Mapping[AlertKind, AlertRule]
_ONGOING, _EQUIPMENT = "ON", ("AT", "HM")
_LATER = PaymentRequest.objects.filter(line_item=OuterRef("line_item"), pk__gt=OuterRef("pk")).exclude(
    state=PaymentRequest.State.WITHDRAWN
)


def list_clients_with_trend(rules: Rules, today: date) -> list[int]:
    """The active clients whose ongoing money has to be looked at: those with a budget of today, if a rule asks."""
    if not (rules[AlertKind.RUNS_OUT].is_on or rules[AlertKind.LOSS].is_on):
        return []
    current = PlanBudget.objects.filter(
        Q(start_date__isnull=True) | Q(start_date__lte=today),
        budget_type_code=_ONGOING,
        end_date__gte=today,
        no_longer_returned_date__isnull=True,
        client__is_active=True,
    )
    return sorted(set(current.order_by().values_list("client_id", flat=True)))


def find_by_trend(client_ids: Sequence[int], rules: Rules, today: date) -> list[FoundAlert]:
    """What the trend of these people says: money that runs out, and what their quarter will lose."""
    found = []
    for client_id, trend in find_trends(find_spendings(client_ids, today)).items():
        found.append(find_run_out(client_id, trend, today, rules[AlertKind.RUNS_OUT]))
        found.append(find_coming_loss(client_id, trend, today, rules[AlertKind.LOSS]))
    return [alert for alert in found if alert is not None]


def find_others(rules: Rules, today: date, now: datetime, stale_hours: int, zone: tzinfo) -> list[FoundAlert]:
    """Everything else that somebody should know."""
    finders: dict[AlertKind, Callable[[AlertRule], Iterator[FoundAlert]]] = {
        AlertKind.LOSS: lambda rule: _find_losses(rule, today),
        AlertKind.EXPIRES: lambda rule: _find_expiring(rule, today),
        AlertKind.WINDOW: lambda rule: _find_closing(rule, today),
        AlertKind.REFUSED: lambda _: _find_refused(today),
        AlertKind.CONSENT: lambda _: _find_without_consent(),
        AlertKind.STALE: lambda _: _find_stale(now - timedelta(hours=stale_hours)),
        AlertKind.KEY: lambda rule: _find_expiring_keys(rule, today, zone),
    }
    return list(chain.from_iterable(find(rules[kind]) for kind, find in finders.items() if rules[kind].is_on))


def _find_losses(rule: AlertRule, today: date) -> Iterator[FoundAlert]:
    quarter = quarter_to_close(today)
    for row in list_closing_rows(quarter, today):
        found = find_loss(row.budget.client_id, row.projection, row.closing.end_date, today, rule)
        if found is not None:
            yield found


def _find_expiring(rule: AlertRule, today: date) -> Iterator[FoundAlert]:
    ending = PlanBudget.objects.filter(
        budget_type_code__in=_EQUIPMENT,
        end_date__range=(today, today + timedelta(days=rule.days or 0)),
        no_longer_returned_date__isnull=True,
        client__is_active=True,
    )
    for budget in ending.order_by("id"):
        left = available_of(budget)
        if left > 0 and left >= (rule.amount or ZERO):
            key = f"{budget.client_id}:{budget.budget_id}"
            yield FoundAlert(AlertKind.EXPIRES, key[:60], budget.client_id, due_date=budget.end_date, amount=left)


def _find_closing(rule: AlertRule, today: date) -> Iterator[FoundAlert]:
    """By branch and the last day on which a claim can be made."""
    columns = ("invoice__service_provider_id", "funding_source", "delivery_date", "quantity", "price_per_unit")
    for stage in sorted(TO_CLAIM):
        parts = list_lines_in(stage, today).parts
        alike = (part.order_by().values_list(*columns).annotate(number=Count("pk")) for part in parts)
        for branch, source, delivered, quantity, price, number in chain.from_iterable(alike):
            left = count_days_left(source, delivered, today)
            due_date = None if left is None else today + timedelta(days=left)
            if is_due(due_date, today, rule.days):
                amount = amount_of(quantity, price) * number
                yield FoundAlert(AlertKind.WINDOW, f"{branch}:{due_date}", None, branch, due_date, amount, number)


def _find_refused(today: date) -> Iterator[FoundAlert]:
    """By the batch of the newest request for each line that was refused and waits."""
    [waiting] = list_lines_in(Stage.REFUSED, today).parts
    refused = PaymentRequest.objects.filter(
        ~Exists(_LATER), state=PaymentRequest.State.REFUSED, line_item__in=waiting.order_by().values("pk")
    )
    columns = ("batch", "batch__service_provider_id", "line_item__quantity", "line_item__price_per_unit")
    for batch_id, branch, quantity, price in refused.order_by().values_list(*columns):
        yield FoundAlert(AlertKind.REFUSED, str(batch_id), None, branch, None, amount_of(quantity, price))


def _find_without_consent() -> Iterator[FoundAlert]:
    missing = Client.objects.filter(is_active=True, sync_state__consent_missing=True).order_by("pk")
    for client_id in missing.values_list("pk", flat=True):
        yield FoundAlert(AlertKind.CONSENT, str(client_id), client_id)


def _find_stale(stale_before: datetime) -> Iterator[FoundAlert]:
    """By branch: on the day after an outage it would be everybody."""
    stale = Client.objects.filter(is_stale(stale_before), is_active=True).order_by()
    for branch, number in stale.values_list("service_provider_id").annotate(number=Count("pk")):
        yield FoundAlert(AlertKind.STALE, branch or "none", None, branch, number=number)


def _find_expiring_keys(rule: AlertRule, today: date, zone: tzinfo) -> Iterator[FoundAlert]:
    """The PRODA devices and keys that expire soon, or have: each apart, and apart by how far ahead it is."""
    for device in list_devices():
        for what, at in ((KEY, device.key_expires_at), (DEVICE, device.device_expires_at)):
            due_date = None if at is None else at.astimezone(zone).date()
            left = None if due_date is None else (due_date - today).days
            if left is not None and left <= (rule.days or 0):
                yield FoundAlert(AlertKind.KEY, write_matter(device.pk, what, left), due_date=due_date)
