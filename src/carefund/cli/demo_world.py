"""What happens in the demo's world between two nights: services are delivered, and the government changes its mind."""

from collections.abc import Callable, Collection, Iterable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from carefund.domain.claims.invoice_file import InvoiceRow
from carefund.records.claims.invoices import list_known_lines, plan_import, store_import
from carefund.records.claims.open_lines import list_services_in_force
from carefund.records.models import Client

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


def rename_people(ask: Ask, clients: Iterable[Client]) -> int:
    """Have the government know some clients by another name or date of birth, as it happens. Gives how many; nobody
    who was synchronised already."""
    number = 0
    for client in clients:
        known_as = _KNOWN_OTHERWISE.get(client.care_recipient_id or "")
        if known_as is not None and getattr(client, "sync_state", None) is None:
            ask(f"/sandbox/care-recipients/{client.care_recipient_id}/identity", known_as(client))
            number += 1
    return number


_KNOWN_OTHERWISE: dict[str, Callable[[Client], dict[str, Any]]] = {
    "400000007": lambda client: {"firstName": client.last_name, "lastName": client.first_name},
    "400000009": lambda client: {"firstName": "Margaret", "middleName": client.first_name},
    "400000013": lambda client: {"birthDate": _swap_day_and_month(client.birth_date)},
    "400000019": lambda client: {"lastName": f"{client.last_name}-Everlasting"},
}


def _swap_day_and_month(born: date | None) -> str:
    """The same date with day and month the wrong way round; another day where no month has that number."""
    if born is None:
        return "1940-04-03"
    return (born.replace(month=born.day, day=born.month) if born.day <= 12 else born.replace(day=1)).isoformat()


def deliver_services() -> int:
    """Invoice lines of this week that nobody has claimed yet: committed money, something to claim. Gives how many.

    They come in as a file's lines would, so the same week twice brings nothing.
    """
    today = timezone.localdate()
    rows = [
        InvoiceRow(
            line=number,
            invoice_reference=f"WG-DEMO-{number:03}",
            line_reference=f"WG-DEMO-{number:03}-1",
            care_recipient_id=client.care_recipient_id or "",
            service_id=service.service_id,
            service_text=service.service_text,
            delivery_date=today - timedelta(days=(number - 1) % 5 + 1),
            quantity=Decimal("1.50"),
            price_per_unit=_PRICES[(number - 1) % len(_PRICES)],
            unit_type="hours",
            funding_source="ON",
        )
        for number, (client, service) in enumerate(list_services_in_force(_CLIENTS_SERVED), 1)
        if service is not None
    ]
    known = list_known_lines(row.line_reference for row in rows)
    return store_import(plan_import([row for row in rows if row.line_reference not in known]))


def change_funding(ask: Ask, care_recipient_ids: Collection[str]) -> None:
    """Spending that no line here explains, and a higher level for one person from today; of these people alone, since
    a demo may have fewer than usual."""
    today = timezone.localdate()
    for number, (care_recipient_id, amount, item_code, description, provider) in enumerate(_SPENDING):
        if care_recipient_id not in care_recipient_ids:
            continue
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
    if care_recipient_id in care_recipient_ids:
        ask(f"/sandbox/care-recipients/{care_recipient_id}/change-level", {"level": level, "from": today.isoformat()})
