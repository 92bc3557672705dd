"""From facts to wire members: how a person, a budget and their rows are written in Services Australia's JSON.

Member names as in the shared wire contract; the only place where they are spelt for reads.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from sandbox.clock import day_stamp
from sandbox.money import Budget, Entitlement
from sandbox.people import Allocation, Classification, Contribution, Person, UsageLine
from sandbox.rates import SUPPLEMENTS

Row = dict[str, Any]

# What a sparse person's answers leave out.
OPTIONAL = frozenset(
    {
        "careRecipientName",
        "entryDate",
        "budgetType",
        "createdAtDateTime",
        "updatedAtDateTime",
        "middleName",
        "gender",
        "myAgedCareId",
        "priority",
        "status",
        "description",
        "serviceGroupText",
        "serviceTypeText",
        "serviceText",
        "serviceNapsId",
        "clinicalPercentage",
    }
)


def trimmed(person: Person, row: Row) -> Row:
    """The row as this person's answers show it: without optional members, or with unknown ones."""
    if person.sparse:
        return {name: value for name, value in row.items() if name not in OPTIONAL}
    if person.extra_members:
        row["futureMember"] = {"since": 2027, "values": [1, "two"]}
    return row


def _state(start: date, end: date | None, today: date) -> str:
    if end is not None and end < today:
        return "ENDED"
    return "ACTIVE" if start <= today else "FUTURE"


def _is_kept(person: Person, what: str, *keys: str) -> bool:
    dropped = person.dropped.get(what)
    return not dropped or ("all" not in dropped and not dropped.intersection(keys))


def summary_row(person: Person, today: date) -> Row:
    """The care recipient summary: the person with classifications, approved services and supplements."""
    row: Row = {
        "careRecipientId": person.care_recipient_id,
        "firstName": person.first_name,
        "middleName": person.middle_name,
        "lastName": person.last_name,
        "gender": person.gender,
        "birthDate": person.birth_date,
        "myAgedCareId": person.my_aged_care_id,
        "serviceProviderId": person.service_provider_id,
        "classifications": [
            _classification_row(person, item, today)
            for index, item in enumerate(person.classifications)
            if _is_kept(person, "classifications", str(index), item.code)
        ],
        "approvedServices": [
            _service_row(person, item, today)
            for item in person.approved_services
            if _is_kept(person, "approvedServices", item.code)
        ],
        "supplements": [
            _supplement_row(person, item, today)
            for item in person.supplements
            if _is_kept(person, "supplements", item.code)
        ],
    }
    return trimmed(person, row)


def _classification_row(person: Person, item: Classification, today: date) -> Row:
    return trimmed(
        person,
        {
            "type": item.type,
            "code": item.code,
            "level": item.level,
            "startDate": item.start_date,
            "endDate": item.end_date,
            "status": _state(item.start_date, item.end_date, today),
            "priority": item.priority,
        },
    )


def _service_row(person: Person, item: Allocation, today: date) -> Row:
    service = item.service
    if service is None:
        raise ValueError("an approved service without its service")
    return trimmed(
        person,
        {
            "serviceGroupId": service.service_group_id,
            "serviceGroupText": service.service_group_text,
            "serviceTypeId": service.service_type_id,
            "serviceTypeText": service.service_type_text,
            "serviceId": service.service_id,
            "serviceText": service.service_text,
            "category": service.category,
            "startDate": item.start_date,
            "endDate": item.end_date,
            "status": _state(item.start_date, item.end_date, today),
        },
    )


def _supplement_row(person: Person, item: Allocation, today: date) -> Row:
    return trimmed(
        person,
        {
            "typeCode": item.code,
            "description": SUPPLEMENTS[item.code].description,
            "startDate": item.start_date,
            "endDate": item.end_date,
            "status": _state(item.start_date, item.end_date, today),
        },
    )


def contribution_rows(person: Person, today: date) -> list[Row]:
    """The individual contributions; rows have no id of their own."""
    if not _is_kept(person, "contributions"):
        return []
    return [_contribution_row(person, item, today) for item in person.contributions or ()]


def _contribution_row(person: Person, item: Contribution, today: date) -> Row:
    return trimmed(
        person,
        {
            "serviceProviderId": person.service_provider_id,
            "serviceNapsId": person.service_naps_id,
            "careRecipientId": person.care_recipient_id,
            "clinicalPercentage": 0,
            "independencePercentage": item.independence,
            "everydayLivingPercentage": item.everyday,
            "effectiveDateFrom": item.effective_from,
            "effectiveDateTo": item.effective_to,
            "status": _state(item.effective_from, item.effective_to, today),
            "updatedAtDateTime": day_stamp(item.effective_from, "02:00:00"),
        },
    )


def budget_row(person: Person, budget: Budget, *, with_entry_date: bool = False) -> Row:
    """The header of a budget, as lists show it; the entry date is filled in the summary view only."""
    return trimmed(
        person,
        budget_header(
            budget, f"{person.first_name} {person.last_name}", person.entry_date if with_entry_date else None
        ),
    )


def budget_header(budget: Budget, care_recipient_name: str, entry_date: date | None) -> Row:
    """The members of a budget without its rows, in the order in which the funder writes them."""
    return {
        "budgetId": budget.budget_id,
        "serviceProviderId": budget.service_provider_id,
        "careRecipientId": budget.care_recipient_id,
        "careRecipientName": care_recipient_name,
        "entryDate": entry_date or "",
        "budgetTypeCode": budget.type_code,
        "budgetType": budget.type_text,
        "startDate": budget.start_date,
        "endDate": budget.end_date,
        "total": budget.total,
        "available": budget.available,
        "used": budget.used,
        "writeOff": budget.write_off,
        "rolloverDeduction": budget.rollover_deduction,
        "status": budget.status,
        "createdAtDateTime": budget.created_at,
        "updatedAtDateTime": budget.updated_at,
    }


def entitlement_row(item: Entitlement) -> Row:
    """One entitlement; rows have no id."""
    return {
        "careRecipientId": item.care_recipient_id,
        "itemCode": item.item_code,
        "description": item.description,
        "amount": item.amount,
        "startDate": item.start_date,
        "endDate": item.end_date,
        "createdAtDateTime": item.created_at,
    }


def usage_row(item: UsageLine, care_recipient_id: str) -> Row:
    """One usage line, its amount negative."""
    return {
        "serviceProviderId": item.service_provider_id,
        "careRecipientId": care_recipient_id,
        "itemCode": item.item_code,
        "description": item.description,
        "invoiceId": item.invoice_id,
        "itemId": item.item_id,
        "amount": item.amount,
        "deliveryDate": item.delivery_date,
        "updatedAtDateTime": item.updated_at,
    }


def entitlement_rows(person: Person, budget: Budget) -> list[Row]:
    """The entitlements of a budget as this person's answers show them."""
    return [trimmed(person, entitlement_row(item)) for item in budget.entitlements]


def usage_rows(person: Person, budget: Budget) -> list[Row]:
    """The usage lines of a budget as this person's answers show them."""
    if not _is_kept(person, "usage", budget.budget_id):
        return []
    return [trimmed(person, usage_row(item, person.care_recipient_id)) for item in budget.usage]
