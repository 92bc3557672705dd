"""Preview before apply: what was reviewed is what is applied, or nothing is."""

import asyncio
from dataclasses import replace

import pytest
from django.conf import settings
from django.test.utils import override_settings

from carefund.records.models import Change, PlanBudget
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.execution import Worker, work_on_run
from carefund.runs.funder_sessions import open_sources
from carefund.runs.models import Preview, RunItem
from carefund.runs.previews import CannotApply, apply_preview, changes_of, request_preview
from tests.conftest import table_rows

pytestmark = pytest.mark.django_db(transaction=True)


def preview(client):
    run = request_preview(client)

    async def work():
        database = DatabaseThreads()
        async with open_sources() as sources:
            await work_on_run(Worker(sources, database, "test"), run.pk)
        await database.close()

    asyncio.run(work())
    return Preview.objects.select_related("item").get(item__run=run)


def test_a_preview_writes_no_record_and_names_every_changed_field(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    before = table_rows(PlanBudget, Change)
    world.ask("POST", "/change?share=1")
    made = preview(client)
    assert changes_of(made)
    assert table_rows(PlanBudget, Change) == before


def test_applying_a_preview_does_exactly_what_it_showed(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    world.ask("POST", "/change?share=1")
    made = preview(client)
    latest = Change.objects.order_by("-id").first()
    applied = apply_preview(made)
    assert applied.outcome == RunItem.Outcome.CHANGED
    logged = Change.objects.filter(client=client, id__gt=latest.pk if latest else 0)
    assert [(row.kind, row.field, row.after) for row in logged] == [
        (change.kind, change.field, change.after) for change in changes_of(made)
    ]
    assert synchronise(client).outcome == RunItem.Outcome.UNCHANGED


def test_a_preview_is_refused_when_the_data_moved_and_when_it_was_applied(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    world.ask("POST", "/change?share=1")
    stale = preview(client)
    synchronise(client)
    before = table_rows(PlanBudget, Change)
    with pytest.raises(CannotApply):
        apply_preview(stale)
    assert table_rows(PlanBudget, Change) == before
    world.ask("POST", "/change?share=1&seed=again")
    made = preview(client)
    apply_preview(made)
    with pytest.raises(CannotApply):
        apply_preview(made)


def test_a_preview_is_refused_when_its_answers_are_read_otherwise_since(world, add_client, synchronise):
    client = add_client("400000003")
    synchronise(client)
    world.ask("POST", "/change?share=1")
    made = preview(client)
    before = table_rows(PlanBudget, Change)
    own = replace(settings.SERVICES_AUSTRALIA, spellings={"Budget.used": ("amountSpent",)})
    with override_settings(SERVICES_AUSTRALIA=own), pytest.raises(CannotApply):
        apply_preview(made)
    assert table_rows(PlanBudget, Change) == before
    assert apply_preview(made).outcome == RunItem.Outcome.CHANGED
