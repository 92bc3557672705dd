"""What the funder accepts as an item of an invoice, and what it says when it does not.

Source: rules SA-12 and CLAIM-03.
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from sandbox.people import Person
from sandbox.quarters import quarter_of
from sandbox.rates import CLAIM_WINDOW_DAYS
from sandbox.services_australia.claim_life import Row, live_items
from sandbox.world import World

FUNDING_SOURCES = ("ON", "AT", "CM", "EL", "HM", "RC", "AS")
UNIT_TYPES = ("hours", "trip", "item", "bill", "voucher", "meal")
OPTIONAL = (
    "externalReferenceId", "careRecipientFirstName", "careRecipientLastName", "unitType", "deliveredByThirdParty",
    "itemDescription", "lateSubmissionReasonCode", "lateSubmissionJustification",
)  # fmt: skip
UNCHANGEABLE = ("careRecipientId", "serviceId", "deliveryDate")


class Schema(ValueError):
    """The body does not fit the schema."""


class ItemRefused(ValueError):
    """The body fits and the funder's rules say no."""


def read_item(body: Any) -> Row:
    """The members of an item from a request's body, money as text. Raises Schema."""
    if not isinstance(body, dict):
        raise Schema("Invalid object syntax")
    for name in ("careRecipientId", "serviceId", "deliveryDate", "quantity", "pricePerUnit", "fundingSource"):
        if body.get(name) in (None, ""):
            raise Schema(f"Invalid object: mandatory property {name} is missing")
    item = {name: body[name] for name in OPTIONAL if body.get(name) not in (None, "")}
    for name, longest in (("externalReferenceId", 24), ("careRecipientId", 10), ("lateSubmissionJustification", 500)):
        if len(str(body.get(name) or "")) > longest:
            raise Schema(f"Invalid string: {name} too long (limit {longest})")
    item["careRecipientId"], item["serviceId"] = str(body["careRecipientId"]), str(body["serviceId"])
    try:
        item["deliveryDate"] = date.fromisoformat(str(body["deliveryDate"])).isoformat()
    except ValueError:
        raise Schema("Invalid string: deliveryDate does not match the pattern yyyy-MM-dd") from None
    for name, step in (("quantity", ""), ("pricePerUnit", "0.01")):
        item[name] = str(_number(body, name, step))
    if body["fundingSource"] not in FUNDING_SOURCES:
        raise Schema("Invalid string: fundingSource is not one of the allowed values")
    item["fundingSource"] = body["fundingSource"]
    if item.get("unitType") and item["unitType"] not in UNIT_TYPES:
        raise Schema("Invalid string: unitType is not one of the allowed values")
    return item


def _number(body: Row, name: str, step: str) -> Decimal:
    try:
        number = Decimal(str(body[name]))
    except InvalidOperation:
        raise Schema(f"Invalid number: {name}") from None
    if not number.is_finite() or number < 0 or (step and number % Decimal(step)):
        raise Schema(f"Invalid number: {name}")
    return number


def check_item(world: World, invoice: Row, item: Row, item_id: str) -> None:
    """Raises ItemRefused when the funder's rules say no to an item."""
    recipient, service_id = item["careRecipientId"], item["serviceId"].partition("|")[0]
    delivered = date.fromisoformat(item["deliveryDate"])
    person = world.find_person(recipient)
    if person is None or person.service_provider_id != invoice["serviceProviderId"]:
        raise ItemRefused(f"Item {item_id}: Care recipient {recipient} is not in the care of this service provider")
    if item["fundingSource"] != "CM" and not _is_approved(person, service_id, delivered):
        raise ItemRefused(
            f"Item {item_id}: Care recipient {recipient} is not approved for {service_id} on {delivered:%d.%m.%Y}"
        )
    if item.get("unitType", "hours") == "hours" and Decimal(item["quantity"]) % Decimal("0.25"):
        raise ItemRefused(f"Item {item_id}: quantity must be a multiple of 0.25")
    if delivered > world.clock.today():
        raise ItemRefused(f"Item {item_id}: the delivery date is in the future")
    service = next((row.service for row in person.approved_services if row.service and row.code == service_id), None)
    item["serviceText"] = service.service_text if service else service_id
    item["serviceGroupId"] = service.service_group_id if service else "SERG-0001"
    item["serviceTypeId"] = service.service_type_id if service else ""


def _is_approved(person: Person, service_id: str, day: date) -> bool:
    return any(
        row.code == service_id and row.start_date <= day and (row.end_date is None or day <= row.end_date)
        for row in person.approved_services
    )


def submit_outcome(world: World, invoice: Row, *, needs_evidence: bool = False) -> str:
    """SUBMITTED, or HELD when a late item has a reason, and evidence if that is asked for. Raises ItemRefused."""
    items = live_items(invoice)
    if not items:
        raise ItemRefused("The invoice has no items")
    today, outcome = world.clock.today(), "SUBMITTED"
    for item in items:
        if today > _last_day(world, item):
            if not item.get("lateSubmissionReasonCode"):
                raise ItemRefused(f"Item {item['itemId']}: a late submission reason is required")
            item["attachmentRequired"] = True
            if needs_evidence and not item.get("attachmentProvided"):
                raise ItemRefused(f"Item {item['itemId']}: evidence for the late submission is required")
            outcome = "HELD"
    return outcome


def _last_day(world: World, item: Row) -> date:
    """The end of the claim window of the budget that an item is for."""
    delivered = date.fromisoformat(item["deliveryDate"])
    if item["fundingSource"] in ("ON", "CM"):
        return quarter_of(delivered).end_date + timedelta(days=CLAIM_WINDOW_DAYS)
    number = world.number_of(item["careRecipientId"])
    budgets = world.entry(number).budgets if number is not None else []
    ends = [
        row.end_date or date.max - timedelta(days=CLAIM_WINDOW_DAYS)
        for row in budgets
        if row.type_code == item["fundingSource"] and row.start_date <= delivered
    ]
    if not ends:
        raise ItemRefused(f"Item {item['itemId']}: there is no such budget on the delivery date")
    return max(ends) + timedelta(days=CLAIM_WINDOW_DAYS)
