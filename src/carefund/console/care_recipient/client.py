"""One client's funding: as it is now, and the plan across its quarters."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone

from carefund.access.access_log import store_view
from carefund.access.gate import find_client_to_read
from carefund.console.care_recipient.budget_views import show_budgets
from carefund.console.care_recipient.charts import draw_time_line
from carefund.console.care_recipient.identity_views import show_identity
from carefund.console.care_recipient.missing_details import find_details_state
from carefund.console.care_recipient.plan_views import explain_plan_dates, write_level, write_plan_dates
from carefund.console.care_recipient.spending_forms import QuestionForm
from carefund.console.page_access import Request, page
from carefund.domain.care_recipient.budgets import is_closed
from carefund.records.care_recipient.changes import cut_at_sync, find_last_change_at, list_changes
from carefund.records.care_recipient.funding import find_funding
from carefund.records.care_recipient.surveys import list_freshness
from carefund.records.models import Client
from carefund.records.ndis.queries import list_contracts
from carefund.runs.models import RunItem
from carefund.runs.queries import list_syncs_of
from carefund.sync.change_log.sentences import write_sentences

_CHANGES = 12


def frame(client: Client) -> dict[str, Any]:
    """What every page about one client shows at its head: who, and how far in step."""
    state = getattr(client, "sync_state", None)
    fresh = list_freshness([client])[client.pk]
    stale_before = timezone.now() - timedelta(hours=settings.STALE_AFTER_HOURS)
    return {
        "client": client,
        "state": state,
        "checked_at": fresh.checked_at,
        "read_in_full_at": fresh.read_in_full_before,
        "find_last_change_at": partial(find_last_change_at, client),  # asked only where it is shown
        "is_stale": fresh.checked_at is not None and fresh.checked_at < stale_before,
        "last_attempt_failed": state is not None and state.outcome == RunItem.Outcome.FAILED,
    }


@page()
def show_funding(request: Request, client_id: int) -> HttpResponse:
    """The funding of one client."""
    client = find_client_to_read(request.user, client_id)
    funding = find_funding(client, timezone.localdate(), open_days=settings.OPEN_BUDGET_DAYS)
    store_view(request.user, client, "Funding")
    syncs = list(list_syncs_of(client)[:6])
    head = frame(client)
    known = find_details_state(client)
    others = [other_budget for other_budget in funding.other_budgets if other_budget.with_usage]
    ended = [other for other in others if is_closed(other.budget.status)]
    still_open = [other for other in others if other not in ended]
    return render(
        request,
        "console/care_recipient/client.html",
        {
            **head,
            "identity": show_identity(client),
            "funding": funding,
            "question": QuestionForm(initial={"from_date": funding.today}),
            "level": write_level(funding),
            "plan_dates": write_plan_dates(funding),
            "current": show_budgets(funding.current_budgets, funding, known),
            "others": show_budgets(still_open, funding, known),
            "has_more_budgets": len(funding.other_budgets) > len(still_open),
            "time_line": draw_time_line(funding.classifications, funding.today),
            "sentences": write_sentences(cut_at_sync(list_changes(client=client), _CHANGES).changes)[:_CHANGES],
            "syncs": syncs,
            "contracts": list_contracts(client.pk) if client.is_under_ndis_alone else [],
            "last_failure": next((sync for sync in syncs if sync.outcome == RunItem.Outcome.FAILED), None),
        },
    )


@page()
def show_plan(request: Request, client_id: int) -> HttpResponse:
    """The plan: its dates and how they came about, and the budgets across quarters."""
    client = find_client_to_read(request.user, client_id)
    funding = find_funding(client, timezone.localdate(), open_days=settings.OPEN_BUDGET_DAYS, with_all_usage=True)
    store_view(request.user, client, "Plan")
    head = frame(client)
    known = find_details_state(client)
    return render(
        request,
        "console/care_recipient/plan.html",
        {
            **head,
            "funding": funding,
            "budgets": show_budgets(list(funding.budgets), funding, known),
            "plan_dates": write_plan_dates(funding),
            "explanation": explain_plan_dates(funding),
        },
    )
