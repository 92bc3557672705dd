"""Alerts as they stand, and the rules by which they are raised. The only writer of both."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Count, Min, Q, QuerySet, Sum

from carefund.domain.alerts import (
    AlertKind,
    AlertRule,
    AlertSum,
    FoundAlert,
    describe,
    merge,
    read_rules,
    sum_up,
    write_rules,
)
from carefund.records.models import Alert, OrganisationSetting

_RULES, _LOOKED_AT = "alerts.rules", "alerts.looked-at"
_KEPT_DAYS = 365
_FACTS = ("due_date", "amount", "number", "service_provider_id")
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look came to."""

    begun: int
    ended: int
    standing: int


def find_rules() -> dict[AlertKind, AlertRule]:
    """The rules as an administrator left them."""
    return read_rules(OrganisationSetting.objects.filter(key=_RULES).values_list("value", flat=True).first())


def store_rules(rules: Mapping[AlertKind, AlertRule]) -> None:
    """Keep what an administrator decided; it holds from the next look on."""
    OrganisationSetting.objects.update_or_create(key=_RULES, defaults={"value": write_rules(rules)})


def find_looked_at() -> datetime | None:
    """When alerts were last looked for."""
    text = OrganisationSetting.objects.filter(key=_LOOKED_AT).values_list("value", flat=True).first()
    return datetime.fromisoformat(text) if isinstance(text, str) else None


def store_found(found: Iterable[FoundAlert], now: datetime) -> Looked:
    """Keep what was found: what is new begins, what is no longer found ends, the rest gets today's figures."""
    wanted = merge(found)
    standing = {(AlertKind(row.kind), row.key): row for row in Alert.objects.filter(ended_at__isnull=True)}
    gone = [row.pk for place, row in standing.items() if place not in wanted]
    for first in range(0, len(gone), _AT_ONCE):
        Alert.objects.filter(pk__in=gone[first : first + _AT_ONCE]).update(ended_at=now)
    new = [_new(alert, now) for place, alert in wanted.items() if place not in standing]
    Alert.objects.bulk_create(new, batch_size=_AT_ONCE)
    changed = [row for place, row in standing.items() if place in wanted and _take_over(row, wanted[place])]
    Alert.objects.bulk_update(changed, _FACTS, batch_size=200)
    Alert.objects.filter(ended_at__lt=now - timedelta(days=_KEPT_DAYS)).delete()
    OrganisationSetting.objects.update_or_create(key=_LOOKED_AT, defaults={"value": now.isoformat()})
    return Looked(len(new), len(gone), len(wanted))


def _new(alert: FoundAlert, now: datetime) -> Alert:
    facts = {name: getattr(alert, name) for name in _FACTS}
    return Alert(kind=alert.kind.value, key=alert.key, client_id=alert.client_id, begun_at=now, **facts)


def _take_over(row: Alert, alert: FoundAlert) -> bool:
    """Give a row today's figures; return whether any of them is another than before."""
    different = [name for name in _FACTS if getattr(row, name) != getattr(alert, name)]
    for name in different:
        setattr(row, name, getattr(alert, name))
    return bool(different)


def list_standing(alerts: QuerySet[Alert], kind: str = "", branch: str = "") -> QuerySet[Alert]:
    """Alerts that have not ended, by kind and day, of one kind or branch if it is named."""
    alerts = alerts.filter(ended_at__isnull=True)
    if kind:
        alerts = alerts.filter(kind=kind)
    if branch:
        alerts = alerts.filter(Q(service_provider_id=branch) | Q(client__service_provider_id=branch))
    return alerts.select_related("client").order_by("due_date", "id")


def list_by_number(alerts: QuerySet[Alert], after_id: int, kind: str = "", branch: str = "") -> QuerySet[Alert]:
    """The same after a number, by number."""
    return list_standing(alerts, kind, branch).filter(pk__gt=after_id).order_by("pk")


def describe_alert(alert: Alert, today: date) -> str:
    """What an alert says today, without a name."""
    return describe(AlertKind(alert.kind), alert.number, alert.due_date, alert.amount, alert.key, today)


def describe_first_expiry(alerts: QuerySet[Alert], today: date) -> str:
    """Which PRODA device or key expires first, and in how many days; "" where none does soon."""
    first = list_standing(alerts, AlertKind.KEY.value).first()
    return describe_alert(first, today) if first else ""


def list_clients_of(alerts: QuerySet[Alert]) -> set[int]:
    """Whom alerts are about."""
    return set(alerts.filter(client__isnull=False).order_by().values_list("client_id", flat=True))


def sum_up_alerts(alerts: QuerySet[Alert]) -> list[AlertSum]:
    """What alerts come to, kind by kind. The database adds up: there may be one for each client."""
    rows = alerts.order_by().values_list("kind").annotate(Count("pk"), Min("due_date"), Sum("amount"))
    return list(sum_up(list(rows)))
