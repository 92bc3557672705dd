"""The provider's own side of the world: its clients and the invoices that it lodged, for a demo to load.

What a care provider's system would already hold. Foreign invoices and lines without ids are not in it.
"""

from __future__ import annotations

from typing import Any

from sandbox.gateway import ORGANISATION_ID
from sandbox.people import PROVIDERS, Person, UsageLine
from sandbox.quarters import quarters_between
from sandbox.rates import PROGRAM_START_DATE
from sandbox.spending import grant_usage, quarter_usage
from sandbox.world import World

ORGANISATION_NAME = "Wattle Grove Care (fictitious)"
_PROVIDER_NAMES = (
    "Wattle Grove Care North (fictitious)",
    "Wattle Grove Care South (fictitious)",
    "Wattle Grove Care West (fictitious)",
)


def provider_file(world: World, first: int, limit: int, *, with_invoices: bool) -> dict[str, Any]:
    """Clients numbered from `first`, at most `limit`, and their invoices with line items; money in two decimals."""
    people = [
        world.entry(number).person for number in range(max(1, first), min(world.care_recipients, first + limit - 1) + 1)
    ]
    return {
        "organisationId": ORGANISATION_ID,
        "organisationName": ORGANISATION_NAME,
        "serviceProviders": [
            {"serviceProviderId": provider, "serviceNapsId": naps, "name": name}
            for (provider, naps), name in zip(PROVIDERS, _PROVIDER_NAMES, strict=True)
        ],
        "clients": [_client(person) for person in people],
        "invoices": [invoice for person in people for invoice in _invoices(world, person)] if with_invoices else [],
    }


def own_lines(world: World, person: Person) -> list[UsageLine]:
    """What our organisation delivered to a person up to today, processed or not, oldest first."""
    today = world.clock.today()
    spans = [row for row in person.classifications if row.code == "ON"]
    lines = [
        line
        for quarter in quarters_between(PROGRAM_START_DATE, today)
        for line in quarter_usage(person, quarter)
        if any(span.covers(line.delivery_date) for span in spans)
    ]
    lines += [line for grant in person.grants for line in grant_usage(person, grant)]
    ours = {provider for provider, _ in PROVIDERS}
    return sorted(
        (
            line
            for line in lines
            if line.delivery_date <= today and line.invoice_id and line.service_provider_id in ours
        ),
        key=lambda line: (line.invoice_id, line.item_id),
    )


def _client(person: Person) -> dict[str, Any]:
    return {
        "careRecipientId": person.care_recipient_id,
        "firstName": person.first_name,
        "lastName": person.last_name,
        "birthDate": person.birth_date,
        "serviceProviderId": person.service_provider_id,
    }


def _invoices(world: World, person: Person) -> list[dict[str, Any]]:
    if not person.known:
        return []
    invoices: dict[str, dict[str, Any]] = {}
    for line in own_lines(world, person):
        invoice = invoices.setdefault(
            line.invoice_id,
            {
                "invoiceId": line.invoice_id,
                "externalReferenceId": f"WG-{line.invoice_id}",
                "serviceProviderId": line.service_provider_id,
                "serviceNapsId": dict(PROVIDERS)[line.service_provider_id],
                "careRecipientId": person.care_recipient_id,
                "items": [],
            },
        )
        invoice["items"].append(
            {
                "invoiceId": line.invoice_id,
                "itemId": line.item_id,
                "externalReferenceId": f"WG-{line.invoice_id}-{line.item_id}",
                "serviceId": line.item_code,
                "serviceText": line.description,
                "fundingSource": line.type_code,
                "deliveryDate": line.delivery_date,
                "quantity": line.quantity,
                "pricePerUnit": -line.amount / line.quantity,
                "careRecipientId": person.care_recipient_id,
            }
        )
    return list(invoices.values())
