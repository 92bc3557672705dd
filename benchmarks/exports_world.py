"""Many people with budgets, copied row by row from one by the database itself, for what only reads tables.

Run by itself, `python -m benchmarks.exports_world PEOPLE BUDGETS`, it fills the empty database of the environment.
"""

import sys
from datetime import date
from decimal import Decimal

from django.core.management import call_command
from django.utils import timezone

from benchmarks.pages_world import copy_rows  # sets Django up
from carefund.records.models import Client, Plan, PlanBudget


def fill(people: int, budgets: int) -> None:
    """So many clients in the empty database of the environment, each with a plan and budgets, copied from one."""

    call_command("migrate", verbosity=0)
    client = Client.objects.create(
        care_recipient_id="400000000", first_name="Wilma", last_name="Example", birth_date=date(1940, 5, 3),
        service_provider_id="2200000011", external_reference_id="HR-0",
    )  # fmt: skip
    plan = Plan.objects.create(client=client, start_date=date(2025, 11, 1))
    for number in range(budgets):
        PlanBudget.objects.create(
            client=client, plan=plan, budget_id=f"90000000{number}", service_provider_id="2200000011",
            budget_type_code="ON", budget_type="Support at Home ongoing", start_date=date(2026, 1 + 2 * number, 1),
            end_date=date(2026, 2 + 2 * number, 28), total=Decimal("4321.09"), available=Decimal("1234.56"),
            used=Decimal("-3086.53"), status="Active", updated_at_date_time="2026-05-03T04:05:06Z",
            changed_at=timezone.now(),
        )  # fmt: skip
    keys = {
        "id": "1 + n.k",
        "care_recipient_id": "CAST(400000000 + n.k AS text)",
        "external_reference_id": "'HR-' || n.k",
    }
    copy_rows(Client, people - 1, **keys)
    copy_rows(Plan, people - 1, id="1 + n.k", client_id="1 + n.k")
    copy_rows(PlanBudget, people - 1, client_id="1 + n.k", plan_id="1 + n.k", budget_id="t.budget_id || n.k")


if __name__ == "__main__":
    fill(int(sys.argv[1]), int(sys.argv[2]))
