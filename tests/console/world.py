"""A believable provider in real rows: accounts of the cast, two branches, clients with funding, runs and changes.

Ada administers, Ben coordinates care at the first branch, Cy coordinates at another, Dee has no role, Fay does finance,
Rex reads only. Nobody here is real.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.roles import Role, give_role
from carefund.domain.quarters import Quarter, next_quarter, previous_quarter, quarter_of
from carefund.records.models import (
    ApprovedService,
    BudgetUsage,
    Change,
    Classification,
    Client,
    Entitlement,
    IndividualContribution,
    Invoice,
    InvoiceLineItem,
    Plan,
    PlanBudget,
    ServiceProvider,
    Supplement,
    SyncState,
)
from carefund.runs.models import Run, RunItem

PASSWORD = "a long enough sentence"
ZERO = Decimal("0.00")
BRANCH, OTHER_BRANCH = "2200000011", "2200000012"
NAMES = (
    ("Margaret", "Doyle"), ("Nguyen", "Thi Lan"), ("Giuseppe", "Marino"), ("Aroha", "Paki"), ("Dorothy", "Whitlock"),
    ("Stavros", "Pappas"), ("Eileen", "O'Hara"), ("Kwame", "Boateng"), ("Ingrid", "Sorensen"), ("Harold", "Finch"),
    ("Meera", "Iyer"), ("Stanislaw", "Nowak"),
)  # fmt: skip
DAILY = {"5": Decimal("108.76"), "6": Decimal("131.82")}


@dataclass(frozen=True)
class Cast:
    """The people who sign in."""

    ada: User
    ben: User
    cy: User
    dee: User
    fay: User
    rex: User


def make_cast() -> Cast:
    """Accounts, all with the same password."""
    people = {}
    for name, first, last, role, branches in (
        ("ada", "Ada", "Ferris", Role.ADMINISTRATOR, ()),
        ("ben", "Ben", "Okafor", Role.COORDINATOR, (BRANCH,)),
        ("cy", "Cy", "Lindqvist", Role.COORDINATOR, (OTHER_BRANCH,)),
        ("dee", "Dee", "Marsh", None, ()),
        ("fay", "Fay", "Tran", Role.FINANCE, ()),
        ("rex", "Rex", "Hall", Role.READ_ONLY, (BRANCH,)),
    ):
        person = User.objects.create_user(name, password=PASSWORD, first_name=first, last_name=last)
        give_role(person, role, branches)
        people[name] = person
    return Cast(**people)


def make_branches() -> None:
    """Two service provider ids."""
    now = timezone.now()
    for service_provider_id, name in ((BRANCH, "Wattle Grove North"), (OTHER_BRANCH, "Wattle Grove South")):
        ServiceProvider.objects.create(
            service_provider_id=service_provider_id, name=name, first_seen_at=now, last_seen_at=now
        )


def make_clients(number: int = 12, *, branch: str = BRANCH, first_id: int = 400000001) -> list[Client]:
    """Clients without any funding."""
    return [
        Client.objects.create(
            care_recipient_id=str(first_id + index),
            first_name=NAMES[index % len(NAMES)][0],
            last_name=NAMES[index % len(NAMES)][1],
            birth_date=date(1936 + index % 12, 1 + index % 12, 3 + index % 20),
            service_provider_id=branch,
        )
        for index in range(number)
    ]


def make_funding(client: Client, *, level: str = "6", hours_ago: int = 2, quarters: int = 4) -> Plan:
    """A plan as it stands after some quarters: level rose this quarter, services, a supplement, budgets, usage."""
    now = timezone.now() - timedelta(hours=hours_ago)
    today = timezone.localdate()
    this = quarter_of(today)
    start = Quarter(this.start_date)
    for _ in range(quarters - 1):
        start = previous_quarter(start)
    plan = Plan.objects.create(client=client, start_date=start.start_date)
    common = {"client": client, "plan": plan, "changed_at": now}
    rise = min(this.start_date + timedelta(days=9), today)
    if level == "6":
        Classification.objects.create(
            **common, type="Home support ongoing", code="ON", level="5", start_date=start.start_date,
            end_date=rise - timedelta(days=1), status="Ended", priority="Medium",
        )  # fmt: skip
    Classification.objects.create(
        **common, type="Home support ongoing", code="ON", level=level, status="Active", priority="High",
        start_date=rise if level == "6" else start.start_date,
    )  # fmt: skip
    for service_id, text, category in (
        ("SERV-0001", "General house cleaning", "Everyday living"),
        ("SERV-0012", "Personal care", "Independence"),
        ("SERV-0036", "Exercise physiology", "Clinical supports"),
        ("SERV-0041", "Community transport", "Independence"),
    ):
        ApprovedService.objects.create(
            **common, service_group_id="SERG-0001", service_type_id="SERT-0001", service_id=service_id,
            service_text=text, category=category, start_date=start.start_date, status="Active",
        )  # fmt: skip
    Supplement.objects.create(
        **common, type_code="OXY_NORM", description="Oxygen supplement", start_date=start.start_date, status="Active"
    )
    IndividualContribution.objects.create(
        **common, service_provider_id=client.service_provider_id, clinical_percentage=Decimal("0.00"),
        independence_percentage=Decimal("5.00"), effective_date_from=start.start_date,
        everyday_living_percentage=Decimal("17.50"),
    )  # fmt: skip
    quarter, index = start, 0
    while quarter.start_date <= this.start_date:
        _make_ongoing(client, plan, quarter, quarter == this, now, DAILY[level])
        quarter, index = next_quarter(quarter), index + 1
    _make_at(client, plan, this, now)
    budgets = PlanBudget.objects.filter(client=client)
    SyncState.objects.create(
        client=client,
        digests={f"budget_details:{budget.budget_id}": "0" * 64 for budget in budgets},
        unread_budgets=0,
        fetch_started_at=now,
        checked_at=now,
        changed_at=now,
        attempted_at=now,
        version=3,
        outcome="changed",
    )
    return plan


def _make_ongoing(client: Client, plan: Plan, quarter: Quarter, current: bool, now: object, daily: Decimal) -> None:
    cents = Decimal("0.01")
    base = (daily * Decimal("0.9") * quarter.days).quantize(cents)
    oxygen = (Decimal("14.66") * quarter.days).quantize(cents)
    budget = PlanBudget(
        client=client, plan=plan, changed_at=now, service_provider_id=client.service_provider_id,
        budget_id=f"{quarter.financial_year % 100}{quarter.number}{client.care_recipient_id}", budget_type_code="ON",
        budget_type="Home support ongoing", start_date=quarter.start_date, end_date=quarter.end_date,
        total=base + oxygen + (Decimal("1000.00") if current else 0), status="OPEN" if current else "CLOSED",
    )  # fmt: skip
    budget.save()
    for code, text, amount in (
        ("ON_RATE_6", "Home support ongoing - class 6", base),
        ("OXY_NORM", "Oxygen supplement", oxygen),
    ):
        Entitlement.objects.create(
            client=client, plan_budget=budget, changed_at=now, item_code=code, description=text, amount=amount,
            start_date=quarter.start_date, end_date=quarter.end_date,
        )  # fmt: skip
    used = Decimal(0)
    days = min((timezone.localdate() - quarter.start_date).days, quarter.days) if current else quarter.days
    services = (("SERV-0001", "General house cleaning", "142.00"), ("SERV-0012", "Personal care", "268.50"),
                ("SERV-0036", "Exercise physiology", "190.25"))  # fmt: skip
    invoice = Invoice.objects.create(
        external_reference_id=f"INV-{client.pk}-{quarter.start_date:%y%m}",
        invoice_id=f"1{client.pk:05}{quarter.start_date:%y%m}", service_provider_id=client.service_provider_id,
    )  # fmt: skip
    for item, offset in enumerate(range(2, max(days - 4, 3), 5)):
        service_id, text, price = services[item % 3]
        ours = item % 5 != 4
        line = None
        delivered = quarter.start_date + timedelta(days=offset)
        if ours:
            line = InvoiceLineItem.objects.create(
                invoice=invoice, client=client, item_id=str(item + 1), service_id=service_id, service_text=text,
                external_reference_id=f"{client.pk}-{quarter.start_date:%y%m}-{item}", delivery_date=delivered,
                quantity=Decimal("2.00"), price_per_unit=Decimal(price) / 2, funding_source="ON",
            )  # fmt: skip
        amount = -Decimal(price)
        used += amount
        BudgetUsage.objects.create(
            client=client, plan_budget=budget, changed_at=now, invoice_line_item=line, amount=amount,
            service_provider_id=client.service_provider_id if ours else "2209999999", item_code=service_id,
            description=text, invoice_id=invoice.invoice_id if ours else f"2{item:05}", item_id=str(item + 1),
            delivery_date=delivered,
        )  # fmt: skip
    budget.used, budget.write_off, budget.rollover_deduction = used, Decimal("0.00"), Decimal("0.00")
    left = budget.total + used
    if current:
        InvoiceLineItem.objects.create(
            invoice=invoice, client=client, item_id="90", service_id="SERV-0012", service_text="Personal care",
            external_reference_id=f"{client.pk}-{quarter.start_date:%y%m}-90", quantity=Decimal("3.00"),
            delivery_date=timezone.localdate() - timedelta(days=1), price_per_unit=Decimal("134.25"),
            funding_source="ON",
        )  # fmt: skip
    else:
        budget.rollover_deduction = -min(left, max(Decimal(1000), budget.total / 10)).quantize(cents)
        budget.write_off = -(left + budget.rollover_deduction)
    budget.available = budget.total + budget.used + budget.write_off + budget.rollover_deduction
    budget.save()


def _make_at(client: Client, plan: Plan, quarter: Quarter, now: object) -> None:
    start = quarter.start_date - timedelta(days=60)
    PlanBudget.objects.create(
        client=client, plan=plan, changed_at=now, budget_id=f"90{client.pk:08}", budget_type_code="AT",
        budget_type="Assistive technology", start_date=start, end_date=start + timedelta(days=364),
        total=Decimal("2000.00"), used=Decimal("-1640.00"), write_off=ZERO, rollover_deduction=ZERO,
        available=Decimal("360.00"), status="OPEN", service_provider_id=client.service_provider_id,
    )  # fmt: skip


def make_changes(client: Client, *, hours_ago: int = 2) -> None:
    """A level that rose, with what it did to the quarter's budget, and a draw."""
    at = timezone.now() - timedelta(hours=hours_ago)
    old, new = Classification.objects.filter(client=client).order_by("start_date")[:2]
    budget = PlanBudget.objects.filter(client=client, budget_type_code="ON").order_by("-start_date")[0]
    usage = BudgetUsage.objects.filter(plan_budget=budget).order_by("-id")[0]
    common = {"client": client, "fetched_at": at}
    for change in (
        Change(**common, kind="classifications", action="changed", field="end_date", before=None,
               key=["Home support ongoing", "ON", "5", str(old.start_date)], after=str(old.end_date)),
        Change(**common, kind="classifications", action="new",
               key=["Home support ongoing", "ON", "6", str(new.start_date)]),
        Change(**common, kind="budgets", action="changed", field="total", key=[budget.budget_id],
               before=str(budget.total - Decimal("2104.33")), after=str(budget.total)),
        Change(**common, kind="budgets", action="changed", field="available", key=[budget.budget_id],
               before=str(budget.available - Decimal("1835.83")), after=str(budget.available)),
        Change(**common, kind="budget_usage", action="new",
               key=[budget.budget_id, usage.invoice_id, usage.item_id]),
    ):  # fmt: skip
        change.save()


def make_run(clients: list[Client], requested_by: User, *, finished: bool = True) -> Run:
    """A bulk run in which one failed and one had no consent."""
    now = timezone.now()
    run = Run.objects.create(
        trigger=Run.Trigger.BULK, scope="active clients", requested_by=requested_by, total=len(clients),
        status=Run.Status.FINISHED if finished else Run.Status.RUNNING,
        started_at=now - timedelta(minutes=3), finished_at=now - timedelta(minutes=2) if finished else None,
    )  # fmt: skip
    for index, client in enumerate(clients):
        done = finished or index < len(clients) // 2
        outcome = ("failed", "consent not given")[index] if index < 2 else ("changed", "unchanged")[index % 2]
        RunItem.objects.create(
            run=run, client=client, care_recipient_id=client.care_recipient_id, outcome=outcome if done else "",
            status=RunItem.Status.DONE if done else RunItem.Status.QUEUED,
            counts=make_counts() if index > 1 and done else {},
            finished_at=now - timedelta(minutes=2) if done else None,
            **({"error_code": "timed-out", "failed_step": "budgets by care recipient",
                "message": "The funder's system did not answer in time.",
                "advice": "Nothing was changed. Try again in a few minutes."} if index == 0 and done else {}),
        )  # fmt: skip
    return run


def make_counts() -> dict[str, dict[str, int]]:
    """Counts of a sync that found a little that is new."""
    kinds = ("budgets", "approved_services", "classifications", "individual_contributions", "supplements",
             "entitlements", "budget_usage")  # fmt: skip
    return {
        kind: {
            "new": int(kind == "budget_usage") * 3,
            "changed": int(kind == "budgets"),
            "unchanged": 4,
            "no_longer_returned": 0,
        }
        for kind in kinds
    }


def make_everything() -> tuple[Cast, list[Client]]:
    """The whole provider, as pictures and journeys want it."""
    cast = make_cast()
    make_branches()
    clients = make_clients()
    for index, client in enumerate(clients[:9]):
        make_funding(client, level="6" if index % 3 == 0 else "5", hours_ago=2 + index * 6)
    elsewhere = make_clients(2, branch=OTHER_BRANCH, first_id=400000101)
    make_funding(elsewhere[0], level="5")
    make_changes(clients[0])
    make_changes(clients[3], hours_ago=26)
    SyncState.objects.filter(client=clients[1]).update(
        outcome="failed", failed_step="budgets by care recipient", attempted_at=timezone.now()
    )
    SyncState.objects.filter(client=clients[2]).update(consent_missing=True, outcome="consent not given")
    make_run([clients[1], clients[2], *clients[3:9], clients[0]], cast.ada)
    return cast, clients
