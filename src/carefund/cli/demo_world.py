"""What happens in the demo's world between two nights: services are delivered, and the government changes its mind."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from carefund.records.models import ApprovedService, Client, Invoice, InvoiceLineItem

Ask = Callable[[str, dict[str, Any] | None], Any]

_CLIENTS_SERVED = 18
_PRICES = (Decimal("95.00"), Decimal("112.50"), Decimal("68.40"), Decimal("140.00"))
_ELSEWHERE = {"serviceProviderId": "9900000045"}
# Who, how much, which service, under whose id: spending by another provider, and some that we claimed in the portal.
_SPENDING: tuple[tuple[str, str, str, str, dict[str, str]], ...] = (
    ("400000005", "-184.50", "SERV-0036", "Exercise physiology", _ELSEWHERE),
    ("400000012", "-96.00", "SERV-0001", "General house cleaning", {}),
    ("400000024", "-412.75", "SERV-0036", "Exercise physiology", _ELSEWHERE),
    ("400000033", "-58.20", "SERV-0001", "General house cleaning", {}),
    ("400000047", "-245.00", "SERV-0036", "Exercise physiology", _ELSEWHERE),
)
_LEVEL_RISES = ("400000003", 5)


@transaction.atomic
def deliver_services() -> int:
    """Invoice lines of this week that nobody has claimed yet: committed money, something to claim. Gives how many."""
    today = timezone.localdate()
    served = Client.objects.filter(is_active=True, care_recipient_id__isnull=False).order_by("care_recipient_id")
    made = 0
    for number, client in enumerate(served[:_CLIENTS_SERVED]):
        service = (
            ApprovedService.objects.filter(client=client, no_longer_returned_date__isnull=True, end_date__isnull=True)
            .filter(service_id__startswith="SERV-", service_group_id="SERG-0001")
            .order_by("service_id")
            .first()
        )
        if service is None:
            continue
        invoice, is_new = Invoice.objects.get_or_create(
            external_reference_id=f"WG-DEMO-{number + 1:03}",
            defaults={"service_provider_id": client.service_provider_id},
        )
        if not is_new:
            continue
        InvoiceLineItem.objects.create(
            invoice=invoice,
            client=client,
            external_reference_id=f"WG-DEMO-{number + 1:03}-1",
            service_id=service.service_id,
            service_text=service.service_text,
            delivery_date=today - timedelta(days=number % 5 + 1),
            quantity=Decimal("1.50"),
            price_per_unit=_PRICES[number % len(_PRICES)],
            unit_type="hours",
            funding_source="ON",
        )
        made += 1
    return made


def change_funding(ask: Ask) -> None:
    """Spending that no line here explains, and a higher level for one person from today."""
    today = timezone.localdate()
    for number, (care_recipient_id, amount, item_code, description, provider) in enumerate(_SPENDING):
        ask(
            f"/sandbox/care-recipients/{care_recipient_id}/add-usage",
            {
                "amount": amount,
                "itemCode": item_code,
                "description": description,
                "deliveryDate": (today - timedelta(days=number + 2)).isoformat(),
                **provider,
            },
        )
    care_recipient_id, level = _LEVEL_RISES
    ask(f"/sandbox/care-recipients/{care_recipient_id}/change-level", {"level": level, "from": today.isoformat()})
