"""Home: what changed since one last looked, what needs attention, and how the runs are doing."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST

from carefund.access import looks
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_run_in_bulk, rights_of
from carefund.console.door import Request, page
from carefund.console.sentences import write_sentences
from carefund.records import queries
from carefund.records.models import Change
from carefund.records.models.devices import ProdaDevice
from carefund.runs.queries import find_last_run

_CHANGES = 60
_MANY = 1000  # beyond which nobody wants the exact number
_KEY_WARNING = timedelta(days=14)


@page()
def show_home(request: Request) -> HttpResponse:
    """The page one starts the day with."""
    now = timezone.now()
    clients = list_clients_for(request.user)
    look = looks.find_last_look(request.user)
    everybody = rights_of(request.user).service_provider_ids is None
    changes = queries.list_changes(
        None if everybody else clients,
        after_id=look.change_id if look else 0,
        since=None if look else now - timedelta(days=7),
    )
    newest = _whole_groups(list(changes[:_CHANGES]))
    last_run = find_last_run() if may_run_in_bulk(request.user) else None
    return render(
        request,
        "console/home.html",
        {
            "sentences": write_sentences(newest),
            "more_changes": changes[: _MANY + 1].count() - len(newest),
            "many": _MANY,
            "up_to_change_id": newest[0].pk if newest else 0,
            "look": look,
            "attention": queries.find_attention(clients, now - timedelta(hours=settings.STALE_AFTER_HOURS)),
            "stale_hours": settings.STALE_AFTER_HOURS,
            "expiring_devices": _expiring_devices(request, now + _KEY_WARNING),
            "last_run": last_run,
        },
    )


def _whole_groups(newest: list[Change]) -> list[Change]:
    """Without the oldest sync's changes if some of them may be missing, since they would tell half a story."""
    if len(newest) < _CHANGES:
        return newest
    last = (newest[-1].client_id, newest[-1].fetched_at)
    return [change for change in newest if (change.client_id, change.fetched_at) != last] or newest


def _expiring_devices(request: HttpRequest, before: datetime) -> list[ProdaDevice]:
    if not may_run_in_bulk(request.user):
        return []
    return [each for each in queries.list_devices() if each.key_expires_at and each.key_expires_at < before]


@require_POST
@page()
def mark_as_seen(request: Request) -> HttpResponse:
    """Remember how far the changes were read. What came after the page was shown stays new."""
    sent = request.POST.get("up_to", "")
    newest = queries.find_last_change_id()
    looks.store_look(request.user, min(int(sent), newest) if sent.isdigit() else newest)
    messages.success(request, "Marked as seen.")
    return redirect("console:home")
