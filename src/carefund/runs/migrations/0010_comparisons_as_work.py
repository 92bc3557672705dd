"""Contracts that waited to be compared with PACE become a run; see docs/decisions/0016-one-hall.md."""

from typing import Any

from django.db import migrations


def carry_over(apps: Any, schema_editor: Any) -> None:
    """One run for all that wait; what was found before is told by the numbers that were kept."""
    comparisons = apps.get_model("records", "PaceComparison").objects
    waiting = list(comparisons.filter(outcome="queued").select_related("contract").order_by("queued_at"))
    if not waiting:
        return
    runs, items = apps.get_model("runs", "Run"), apps.get_model("runs", "RunItem")
    run = runs.objects.create(
        kind="contract-comparison", trigger="bulk", scope="contracts against PACE", total=len(waiting)
    )
    for comparison in waiting:
        contract = comparison.contract
        items.objects.create(run=run, holds=f"contract:{contract.pk}", client_id=contract.client_id)
    comparisons.filter(outcome="queued", compared_at=None).delete()
    comparisons.filter(outcome="queued", number_of_differences=0).update(outcome="in step")
    comparisons.filter(outcome="queued").update(outcome="different")


class Migration(migrations.Migration):
    dependencies = [("records", "0009_no_lease_of_batches"), ("runs", "0009_pools_as_work")]
    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
