"""Alerts by API: what somebody should know in time, and the rules by which alerts are raised."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ninja import Field, Path, Query, Router, Schema, Status

from carefund.access.access_log import store_views
from carefund.access.alerts import list_alerts_for
from carefund.access.gate import reads_every_branch
from carefund.access.roles import may_administer, may_read
from carefund.domain.alerts import MOST_AMOUNT, MOST_DAYS, AlertKind, AlertRule
from carefund.records.alerts.store import describe_alert, find_rules, list_by_number
from carefund.records.models import Alert
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken
from carefund.rest.values import BranchId, Flag, Given, Page, Price
from carefund.runs.alerts.rules import change_rule
from carefund.runs.business_day import business_today

router = Router(tags=["alerts"])
Kind = Literal[
    "runs-out", "loss", "funding-expires", "window-closes", "claim-refused", "consent-missing", "sync-stale",
    "key-expires",
]  # fmt: skip


def may_set_rules(user: Any) -> bool:
    """Whether someone may see and change the rules: they are about clients of every branch."""
    return may_administer(user) and reads_every_branch(user)


class AlertOut(Schema):
    """An alert that stands. `client_id` is null where it is about a branch, a batch or a device."""

    alert_id: int
    kind: str
    client_id: int | None
    service_provider_id: str
    due_date: date | None
    amount: Decimal | None
    number: int
    begun_at: datetime
    text: str


class AlertsOut(Schema):
    """A page of alerts. Ask again with `after` set to `next_after`; null: there are no more."""

    alerts: list[AlertOut]
    next_after: int | None


class AlertPage(Page):
    """Which alerts: without `kind` and `service_provider_id`, all that the token may see."""

    kind: Kind | None = None
    service_provider_id: BranchId = ""


class RuleIn(Given):
    """A rule: whether it is on, and its limits. A limit that the kind does not have is refused."""

    is_on: Flag
    days: Annotated[int, Field(ge=0, le=MOST_DAYS, strict=True)] | None = None
    amount: Price | None = None


class RuleOut(Schema):
    """A rule as it is in force; null: the kind has no such limit."""

    kind: str
    is_on: bool
    days: int | None
    amount: Decimal | None


@router.get(
    "",
    auth=BearerToken(may_read),
    response={200: AlertsOut, **NOT_CHANGED, **refusals(422)},
    operation_id="list_alerts",
)
def list_page(request: AuthenticatedRequest, wanted: Query[AlertPage]) -> dict[str, Any]:
    """The alerts that stand, by number, as of the last look. The access log names the clients of the page."""
    found = list_by_number(list_alerts_for(request.auth), wanted.after, wanted.kind or "", wanted.service_provider_id)
    alerts = list(found[: wanted.limit + 1])
    shown = alerts[: wanted.limit]
    store_views(request.auth, (alert.client_id for alert in shown if alert.client_id), "Alerts (API)")
    return {
        "alerts": [_describe(alert) for alert in shown],
        "next_after": shown[-1].pk if len(alerts) > wanted.limit else None,
    }


@router.get(
    "/rules",
    auth=BearerToken(may_set_rules),
    response={200: list[RuleOut], **NOT_CHANGED, **refusals()},
    operation_id="list_alert_rules",
)
def list_rules(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """The rules by which alerts are raised."""
    return [_as_data(kind, rule) for kind, rule in find_rules().items()]


@router.put(
    "/rules/{kind}",
    auth=BearerToken(may_set_rules),
    response={200: RuleOut, **refusals(413, 415)},
    operation_id="store_alert_rule",
)
def store_rule(request: AuthenticatedRequest, kind: Annotated[Kind, Path()], wanted: RuleIn) -> Status[dict[str, Any]]:
    """Change one rule. It holds from the next look on, which is asked for at once."""
    chosen = AlertKind(kind)
    known = find_rules()[chosen]
    for name in ("days", "amount"):
        if (getattr(known, name) is None) != (getattr(wanted, name) is None):
            raise _wrong(name, "is not a limit of this kind" if getattr(known, name) is None else "is missing")
    if wanted.amount is not None and wanted.amount > MOST_AMOUNT:
        raise _wrong("amount", f"is more than {MOST_AMOUNT}")
    rule = AlertRule(wanted.is_on, wanted.days, wanted.amount)
    change_rule(request.auth, chosen, rule)
    return Status(200, _as_data(chosen, rule))


def _as_data(kind: AlertKind, rule: AlertRule) -> dict[str, Any]:
    return {"kind": kind.value, "is_on": rule.is_on, "days": rule.days, "amount": rule.amount}


def _describe(alert: Alert) -> dict[str, Any]:
    names = ("kind", "client_id", "service_provider_id", "due_date", "amount", "number", "begun_at")
    words = describe_alert(alert, business_today())
    return {"alert_id": alert.pk, "text": words, **{name: getattr(alert, name) for name in names}}


def _wrong(field: str, message: str) -> ApiProblem:
    return ApiProblem("invalid", problems=[LineProblem(line=None, field=field, message=message)])
