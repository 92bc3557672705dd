"""Planned services from a rostering system: what a file would add or change, and the writing, all or nothing.

A planned service is known by its reference: the same again changes nothing, other values replace it. What a file
leaves out stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from carefund.domain.care_recipient.planned_file import BookedRow, read_planned_file
from carefund.domain.csv_tables import RowProblems, UnreadableFile
from carefund.records.batching import batched
from carefund.records.models import ApprovedService, Client, PlannedService
from carefund.records.not_found import find_one

LARGEST_FILE = 16 * 1024 * 1024
_FIELDS = ("service_id", "price", "frequency", "from_date", "to_date", "funding_source")
_AT_ONCE = 500


class Taken(Exception):
    """A planned service of another client has this reference."""


@dataclass(slots=True)
class PlannedImport(RowProblems):
    """What a file would do: `changed` are rows with the names of what differs. Stored only without problems."""

    new: list[BookedRow] = field(default_factory=list)
    changed: list[tuple[BookedRow, list[str]]] = field(default_factory=list)
    same_count: int = 0
    client_ids: dict[str, int] = field(default_factory=dict)


def plan_planned_file(content: bytes) -> PlannedImport:
    """What a file would add or change, and every row that is wrong. Raises UnreadableFile."""
    if len(content) > LARGEST_FILE:
        raise UnreadableFile("The file is larger than 16 MB. Split it into smaller files.")
    file = read_planned_file(content)
    plan = PlannedImport(problems=file.problems, problem_count=file.problem_count)
    plan.client_ids = _find_clients(row.care_recipient_id for row in file.rows)
    held = _find_held(row.reference for row in file.rows)
    for row in file.rows:
        client_id, stored = plan.client_ids.get(row.care_recipient_id), held.get(row.reference)
        if client_id is None:
            plan.complain(row.line, "care_recipient_id", "no client has this Care Recipient ID")
        elif stored is None:
            plan.new.append(row)
        elif stored.client_id != client_id:
            plan.complain(row.line, "reference", "is that of another client's planned service")
        elif differences := _compare(stored, {name: getattr(row, name) for name in _FIELDS}):
            plan.changed.append((row, differences))
        else:
            plan.same_count += 1
    return plan


def store_planned_import(plan: PlannedImport, entered_by: str) -> int:
    """Store all that is new or changed, or nothing; gives how many. Raises ValueError for a plan with problems."""
    if not plan.is_loadable:
        raise ValueError("a plan with problems is not stored")
    texts = _find_texts(row.service_id for row in [*plan.new, *(row for row, _ in plan.changed)])
    with transaction.atomic():
        for row in [*plan.new, *(row for row, _ in plan.changed)]:
            values: dict[str, Any] = {name: getattr(row, name) for name in _FIELDS}
            values["service_text"] = row.service_text or texts.get(row.service_id, "")
            values["entered_by"] = entered_by[:150]
            PlannedService.objects.update_or_create(
                external_reference_id=row.reference, client_id=plan.client_ids[row.care_recipient_id], defaults=values
            )
    return len(plan.new) + len(plan.changed)


def store_planned(
    client: Client, reference: str, values: Mapping[str, Any], entered_by: str
) -> tuple[PlannedService, str]:
    """Add or replace one by its reference; gives it with "added", "changed" or "". Raises Taken."""
    held = PlannedService.objects.select_for_update().filter(external_reference_id=reference).first()
    given = {
        **values,
        "service_text": values["service_text"] or _find_texts([values["service_id"]]).get(values["service_id"], ""),
    }
    if held is None:
        created = PlannedService.objects.create(
            client=client, external_reference_id=reference, entered_by=entered_by[:150], **given
        )
        return created, "added"
    if held.client_id != client.pk:
        raise Taken
    if not _compare(held, given):
        return held, ""
    for name, value in given.items():
        setattr(held, name, value)
    held.entered_by = entered_by[:150]
    held.save()
    return held, "changed"


def remove_planned_by_reference(client: Client, reference: str) -> str:
    """Remove one, and return what the audit log calls it. Raises NotHere."""
    found = find_one(
        PlannedService.objects.filter(client=client, external_reference_id=reference),
        "There is no planned service with this reference.",
    )
    name = str(found)
    found.delete()
    return name


def _compare(held: PlannedService, given: Mapping[str, Any]) -> list[str]:
    return [name for name, value in given.items() if getattr(held, name) != value]


def _find_clients(ids: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batched(dict.fromkeys(ids), _AT_ONCE):
        rows = Client.objects.filter(care_recipient_id__in=some).values_list("care_recipient_id", "pk")
        found.update({care_recipient_id: number for care_recipient_id, number in rows if care_recipient_id})
    return found


def _find_held(references: Iterable[str]) -> dict[str, PlannedService]:
    return {
        held.external_reference_id: held
        for some in batched(dict.fromkeys(references), _AT_ONCE)
        for held in PlannedService.objects.filter(external_reference_id__in=some)
    }


def _find_texts(service_ids: Iterable[str]) -> dict[str, str]:
    """What Services Australia calls these services."""
    known = ApprovedService.objects.filter(service_id__in=set(service_ids)).exclude(service_text="").order_by()
    return dict(known.values_list("service_id", "service_text").distinct())
