"""Alerts: what somebody should know in time, as a list and as CSV; the rules, and the email of one's own account."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access.access_log import store_export, store_views
from carefund.access.alerts import find_mail_choice, list_alerts_for, store_mail_choice
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer, may_export
from carefund.console.alert_forms import MailForm, RulesForm
from carefund.console.csv_download import stream_csv
from carefund.console.page_access import Request, page
from carefund.domain.alerts import AlertKind
from carefund.records.alerts.store import (
    describe_alert,
    find_looked_at,
    find_rules,
    list_clients_of,
    list_standing,
    sum_up_alerts,
)
from carefund.records.care_recipient.queries import find_branch_names, list_service_providers
from carefund.records.models import Alert
from carefund.runs.alerts.rules import change_rules
from carefund.runs.alerts.smtp import find_mail_obstacle
from carefund.runs.business_day import business_today

_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as the list shows it: what it is about, what it says, and where it leads."""

    alert: Alert
    kind: AlertKind
    subject: str
    words: str
    address: str


@page()
def list_all(request: Request) -> HttpResponse:
    """The alerts that one may see, soonest first, of one kind or branch if it is chosen."""
    kind, branch = read_kind(request), read_branch(request)
    seen = list_alerts_for(request.user)
    shown = Paginator(list_standing(seen, kind, branch), _PAGE_SIZE).get_page(request.GET.get("page"))
    lines = list(_describe(list(shown.object_list)))
    store_views(request.user, (line.alert.client_id for line in lines if line.alert.client_id), "Alerts")
    context = {
        "lines": lines,
        "page": shown,
        "sums": sum_up_alerts(list_standing(seen, branch=branch)),
        "kind": kind,
        "branch": branch,
        "providers": list_service_providers(),
        "query": urlencode({name: value for name, value in (("kind", kind), ("branch", branch)) if value}),
        "looked_at": find_looked_at(),
    }
    return render(request, "console/alerts.html", context)


@page(may_export)
def export(request: Request) -> StreamingHttpResponse:
    """The list as CSV, in the access log with its size."""
    standing = list_standing(list_alerts_for(request.user), read_kind(request), read_branch(request))
    store_export(request.user, "Alerts (CSV)", clients=list_clients_of(standing))
    return stream_csv(_write_lines(standing.iterator(chunk_size=2000)), f"alerts-{business_today():%Y-%m-%d}.csv")


@page(may_administer)
def edit_rules(request: Request) -> HttpResponse:
    """Which alerts are raised, and their limits."""
    form = RulesForm(find_rules(), request.POST or None)
    if request.method == "POST" and form.is_valid():
        change_rules(request.user, form.rules)
        messages.success(request, "Rules saved. Alerts are updated within a few minutes.")
        return redirect("console:alert-rules")
    return render(request, "console/alert_rules.html", {"form": form, "mail_obstacle": find_mail_obstacle()})


@require_POST
@page()
def choose_mail(request: Request) -> HttpResponse:
    """How often one is sent alerts, and where to."""
    choice = find_mail_choice(request.user)
    form = MailForm(request.POST)
    if not form.is_valid():
        wrong = " ".join(str(message) for texts in form.errors.values() for message in texts)
        messages.error(request, f"Nothing was saved. {wrong}")
        return redirect("console:account")
    given = form.cleaned_data
    with one_act():
        moved = "changed" if given["email"] != request.user.email else "not changed"
        before = {"frequency": choice.frequency, "amounts": choice.has_amounts, "address": "not changed"}
        after = {"frequency": given["frequency"], "amounts": given["has_amounts"], "address": moved}
        store_mail_choice(request.user, given["email"], given["frequency"], given["has_amounts"], business_today())
        store_act(request.user, "Own alert email changed", f"account {request.user.get_username()}",
                  before=before, after=after)  # fmt: skip
    messages.success(request, "Alert email saved.")
    return redirect("console:account")


def read_kind(request: Request) -> str:
    """The kind that an address asks for, "" for all."""
    asked = request.GET.get("kind", "")
    return asked if asked in {kind.value for kind in AlertKind} else ""


def read_branch(request: Request) -> str:
    """The Service Provider ID that an address asks for, "" for all."""
    return request.GET.get("branch", "").strip()[:20]


def _describe(alerts: Sequence[Alert]) -> Iterator[AlertView]:
    branches, today = find_branch_names(), business_today()
    for alert in alerts:
        kind = AlertKind(alert.kind)
        words = describe_alert(alert, today)
        branch = branches.get(alert.service_provider_id, alert.service_provider_id)
        subject = alert.client.full_name if alert.client else branch or _name_subject(kind)
        yield AlertView(alert, kind, subject, words, _find_address(alert, kind))


def _name_subject(kind: AlertKind) -> str:
    return "PRODA device" if kind is AlertKind.KEY else "No branch yet"


def _find_address(alert: Alert, kind: AlertKind) -> str:
    """Where one does something about it."""
    branch = alert.service_provider_id
    if kind in (AlertKind.RUNS_OUT, AlertKind.LOSS):
        return reverse("console:spending", args=[alert.client_id])
    if alert.client_id:
        return reverse("console:client", args=[alert.client_id])
    if kind is AlertKind.STALE:
        return f"{reverse('console:clients')}?{urlencode({'state': 'stale', 'provider': branch})}"
    if kind is AlertKind.REFUSED:
        return reverse("console:batch", args=[alert.key])
    if kind is AlertKind.WINDOW:
        return f"{reverse('console:money-list', args=['not-claimed'])}?{urlencode({'branch': branch})}"
    return reverse("console:administration")


def _find_branch(alert: Alert) -> str:
    return alert.client.service_provider_id if alert.client else alert.service_provider_id


def _write_lines(alerts: Iterator[Alert]) -> Iterator[Sequence[object]]:
    yield (
        "kind", "care_recipient_id", "last_name", "first_name", "service_provider_id", "due_date", "amount", "number",
        "since", "alert",
    )  # fmt: skip
    today = business_today()
    for alert in alerts:
        kind, client = AlertKind(alert.kind), alert.client
        yield (
            kind.value, client.care_recipient_id or "" if client else "", client.last_name if client else "",
            client.first_name if client else "", _find_branch(alert),
            alert.due_date or "", "" if alert.amount is None else alert.amount, alert.number,
            timezone.localdate(alert.begun_at), describe_alert(alert, today),
        )  # fmt: skip
