"""What is under way goes on: people of runs hold themselves, searches for service providers become runs."""

from typing import Any

from django.db import migrations
from django.db.models import F, Q, Value
from django.db.models.functions import Cast, Concat
from django.db.models import CharField


def carry_over(apps: Any, schema_editor: Any) -> None:
    """Name what items hold where it will matter (not done, or to be retried), and make a run of each search."""
    items = apps.get_model("runs", "RunItem")
    matters = Q(status__in=("queued", "running")) | Q(outcome="failed")
    items.objects.filter(matters, client__isnull=False).update(
        holds=Concat(Value("client:"), Cast(F("client_id"), CharField()))
    )
    for search in apps.get_model("runs", "ProviderSearch").objects.order_by("id"):
        _make_run(apps, search)


def _make_run(apps: Any, search: Any) -> None:
    runs, items = apps.get_model("runs", "Run"), apps.get_model("runs", "RunItem")
    run = runs.objects.create(
        kind="service-providers",
        trigger="on demand",
        status="finished" if search.is_over else "queued",
        scope="service provider ids on care recipients' budgets",
        requested_by=search.requested_by,
        total=1,
        started_at=search.requested_at,
        finished_at=search.ended_at,
    )
    runs.objects.filter(pk=run.pk).update(created_at=search.requested_at)
    outcome = ""
    if search.is_over:
        outcome = "failed" if search.status == "failed" else "changed"
    items.objects.create(
        run=run,
        holds="service-providers",
        status="done" if search.is_over else "queued",
        outcome=outcome,
        error_code="funder-error" if outcome == "failed" else "",
        message=search.message,
        advice=search.advice,
        result=search.result,
        steps=search.people,
        steps_done=search.people - search.left,
        started_at=search.requested_at,
        finished_at=search.ended_at,
    )


class Migration(migrations.Migration):
    dependencies = [("runs", "0004_work_of_any_kind")]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
