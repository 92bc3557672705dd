"""Home: what changed since one last looked, what needs attention, and how the runs are doing."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access import last_seen
from carefund.access.access_log import store_views
from carefund.access.alerts import list_alerts_for
from carefund.access.gate import list_clients_for
from carefund.access.models import LastSeen
from carefund.access.roles import may_administer, may_run_in_bulk, rights_of
from carefund.access.tokens import list_expiring_tokens
from carefund.console.page_access import Request, page
from carefund.console.url_numbers import read_number
from carefund.domain.alerts import AlertKind
from carefund.domain.wording import many
from carefund.records.alerts.store import describe_first_expiry, list_standing, sum_up_alerts
from carefund.records.care_recipient import queries
from carefund.records.care_recipient.changes import cut_at_sync, find_last_change_id, find_newest_id, list_changes
from carefund.records.care_recipient.queries import Attention
from carefund.records.models import Change, Client
from carefund.records.not_found import Listing
from carefund.records.webhooks.store import list_gone_endpoints
from carefund.runs.business_day import business_today
from carefund.runs.queries import find_last_run
from carefund.sync.change_log.sentences import write_sentences

_CHANGES = 100
_MANY = 1000  # beyond which nobody wants the exact number
# Of these Home has a tile or a note of its own.
_SHOWN_ELSEWHERE = (AlertKind.CONSENT, AlertKind.STALE, AlertKind.KEY)
_TOKEN_WARNING = timedelta(days=14)
_NOTICES = 5


@page()
def show_home(request: Request) -> HttpResponse:
    """The page one starts the day with."""
    now = timezone.now()
    clients = list_clients_for(request.user)
    seen = last_seen.find_last_seen(request.user)
    changes = _list_new(request, seen)
    newest = cut_at_sync(changes, _CHANGES).changes
    store_views(request.user, (change.client_id for change in newest), "Home")
    last_run = find_last_run() if may_run_in_bulk(request.user) else None
    attention = queries.find_attention(clients, now - timedelta(hours=settings.STALE_AFTER_HOURS))
    seen_alerts = list_alerts_for(request.user)
    alerts = sum_up_alerts(list_standing(seen_alerts))
    has_expiry = any(sums.kind is AlertKind.KEY for sums in alerts)
    return render(
        request,
        "console/home.html",
        {
            "lead": _write_lead(attention),
            "sentences": write_sentences(newest),
            "more_changes": _write_many(changes[: _MANY + 1].count() - len(newest)),
            "up_to_change_id": newest[0].pk if newest else 0,
            "seen": seen,
            "attention": attention,
            "stale_hours": settings.STALE_AFTER_HOURS,
            "alert_sums": [sums for sums in alerts if sums.kind not in _SHOWN_ELSEWHERE],
            "key_words": describe_first_expiry(seen_alerts, business_today()) if has_expiry else "",
            **(_list_for_administrators(now) if may_administer(request.user) else {}),
            "last_run": last_run,
        },
    )


def _list_for_administrators(now: datetime) -> dict[str, object]:
    """Doors for other systems that closed, or are about to."""
    expiring = list(list_expiring_tokens(now, now + _TOKEN_WARNING)[: _NOTICES + 1])
    return {
        "gone_webhooks": list(list_gone_endpoints()[:_NOTICES]),
        "expiring_tokens": expiring[:_NOTICES],
        "has_more_tokens": len(expiring) > _NOTICES,
    }


def _write_lead(attention: Attention) -> str:
    """How one's clients are doing, in one sentence."""
    if not attention.total:
        return "No clients yet."
    clients = many(attention.total, "active client")
    if attention.failed or attention.consent_missing or attention.stale:
        return f"{clients}. Some need attention."
    return f"{clients}, all up to date."


def _write_many(number: int) -> str:
    """A number of changes in words, "" for none; beyond `_MANY` nobody wants it exactly."""
    if number <= 0:
        return ""
    return f"more than {_MANY:,}" if number > _MANY else f"{number:,}"


def _list_new(request: Request, seen: LastSeen | None) -> Listing[Change]:
    """What one has not seen yet of those one may read; of the last seven days if one never looked."""
    return list_changes(
        _list_news(request),
        after_id=seen.change_id if seen else 0,
        since=None if seen else timezone.now() - timedelta(days=7),
        only_news=True,
    )


def _list_news(request: Request) -> Listing[Client] | None:
    """Whose changes one may read; None, which is quicker, for everybody's."""
    everybody = rights_of(request.user).service_provider_ids is None
    return None if everybody else list_clients_for(request.user)


@page()
def show_changes(request: Request) -> HttpResponse:
    """Everything that is new, page by page; with `all` whatever was ever found, seen or not."""
    seen = last_seen.find_last_seen(request.user)
    new = _list_new(request, seen)
    with_seen = request.GET.get("all") == "1"
    listed = list_changes(_list_news(request)) if with_seen else new
    before_id = read_number(request.GET.get("before", ""))
    shown = cut_at_sync(listed, _CHANGES, before_id)
    store_views(request.user, (change.client_id for change in shown.changes), "Changes")
    # What comes while one turns the pages stays new: the newest change of the first page is carried along.
    newest = find_newest_id(new)
    number = new[: _MANY + 1].count()
    return render(
        request,
        "console/care_recipient/all_changes.html",
        {
            "shown": shown,
            "sentences": write_sentences(shown.changes),
            "with_seen": with_seen,
            "before_id": before_id,
            "seen": seen,
            "number_new": _write_many(number),
            "up_to_change_id": read_number(request.GET.get("up_to", "")) or newest,
        },
    )


@require_POST
@page()
def mark_as_seen(request: Request) -> HttpResponse:
    """Remember how far the changes were read. What came after the page was shown stays new."""
    sent = request.POST.get("up_to", "")
    newest = find_last_change_id()
    last_seen.store_last_seen(request.user, min(read_number(sent) or newest, newest))
    messages.success(request, "Changes marked as seen.")
    return redirect("console:home")
