"""Erase one person: what goes and what has to stay is said beforehand, then it is done in one transaction.

Records of claims stay, and so do NDIS contracts with delivered services. Source: rule CLAIM-11.
Both logs stay as well; they name a person by our own number alone.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import CASCADE, Model, QuerySet
from django.utils import timezone

from carefund.access.audit_log import store_act
from carefund.access.idempotency import forget_answers
from carefund.domain.wording import write_day
from carefund.records.models import (
    CareManagementUse,
    Client,
    DeliveredService,
    ExceptionCase,
    ExceptionNote,
    FileUpload,
    Invoice,
    InvoiceLineItem,
    LateEvidence,
    NdisParticipant,
    Payload,
    PaymentRequest,
    ServiceContract,
)
from carefund.records.personal_data import FoundRows, list_claims_with, list_found_rows, list_relations
from carefund.runs.models import RunItem
from carefund.runs.queries import is_under_way

_NDIS = (NdisParticipant, ServiceContract)
_LOG_WAITS_MS = 300


class CannotErase(Exception):
    """The person cannot be erased now; the text says why."""


@dataclass(frozen=True, slots=True)
class ErasurePlan:
    """What an erasure does: how many rows go and how many stay, by what people call them.

    All uploaded files go as well. They may be about anybody and come and go, so they make no other plan of it.
    """

    erased: dict[str, int]
    kept: dict[str, int]
    uploads: int = field(default=0, compare=False)

    @property
    def all_erased(self) -> dict[str, int]:
        """What goes, uploaded files included."""
        return self.erased | ({"Uploaded files": self.uploads} if self.uploads else {})

    @property
    def is_whole(self) -> bool:
        """Whether nothing of the person stays."""
        return not self.kept

    @property
    def fingerprint(self) -> str:
        """What stands for this plan when somebody confirms it: another plan has another one."""
        return sha256(json.dumps([self.erased, self.kept], sort_keys=True).encode()).hexdigest()


def plan_erasure(client: Client) -> ErasurePlan:
    """Say what an erasure would do, and change nothing."""
    kept = {
        "Invoice lines that were sent or prepared": _list_kept_lines(client).count(),
        "Claims": len(list_claims_with(client)),
        "NDIS contracts with delivered services": _count_delivered(client),
    }
    kept = {words: number for words, number in kept.items() if number}
    if kept:
        kept["Name and Care Recipient ID"] = 1
    erased = {
        found.label: number for found in list_found_rows(client) if (number := _count_erased(found, client, kept))
    }
    return ErasurePlan(erased, kept, FileUpload.objects.count())


def erase(client: Client, plan: ErasurePlan, by: str, *, actor: User | None = None) -> None:
    """Carry out a plan in the name of an administrator, all or nothing; `actor` is None at the terminal.

    Raise CannotErase while a sync is under way, or if something came meanwhile.
    """
    with transaction.atomic():
        if is_under_way(client):
            raise CannotErase("A sync of this client is in progress. Wait until it finishes.")
        if plan_erasure(client) != plan:
            raise CannotErase("The client's records have changed meanwhile. Start again.")
        number, payloads = client.pk, _list_payloads(client)
        _erase_unsent_lines(client)
        _name_nobody(client)
        if plan.is_whole:
            client.delete()
        else:
            _erase_around(client, keeps_ndis=_count_delivered(client) > 0)
        _erase_unused(payloads)
        forget_answers()
        after: dict[str, Any] = {
            "in the name of": by,
            "records": sum(plan.all_erased.values()),
            "kept": sum(plan.kept.values()),
        }
        store_act(actor, "Client erased", f"client {number}", after=after)


def describe_backup_copies() -> str:
    """Say how long backups hold a client who is erased today, and what to do after restoring one."""
    if not settings.BACKUP_FOLDER:
        return "Backups hold this client until you delete them. If you restore one, erase the client again."
    weeks = max(settings.BACKUP_KEEP_WEEKLY, settings.BACKUP_KEEP_DAILY // 7 + 1)
    until = timezone.localdate() + timedelta(weeks=weeks)
    return (
        f"Backups hold this client until about {write_day(until)}, when the last of them is removed. If you "
        "restore one, erase the client again."
    )


def wipe_free_space() -> bool:
    """Remove from the database file whatever was deleted. Return whether that is done.

    For the terminal alone: nobody can write while SQLite copies the file, which takes minutes if it is large. On
    PostgreSQL an administrator runs VACUUM FULL.
    """
    if connection.vendor != "sqlite":
        return False
    try:
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")
    except DatabaseError:
        return False
    return empty_log()


def empty_log() -> bool:
    """Move what SQLite's write-ahead log holds into the file and empty the log. Return whether that is done.

    It needs a moment without readers and keeps writers out meanwhile, so it waits for a moment only.
    """
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout")
        usual = cursor.fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {_LOG_WAITS_MS}")
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            return not cursor.fetchone()[0]
        except DatabaseError:
            return False
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {usual}")


def _list_unsent_lines(client: Client) -> "QuerySet[InvoiceLineItem]":
    """Lines that are ours alone: in no batch, and never on the way to the funder."""
    lines = InvoiceLineItem.objects.filter(client=client, payment_requests__isnull=True, invoice__batch__isnull=True)
    return lines.filter(invoice__invoice_id__isnull=True, invoice__is_uncertain=False)


def _list_kept_lines(client: Client) -> "QuerySet[InvoiceLineItem]":
    unsent = _list_unsent_lines(client).values("pk")
    return InvoiceLineItem.objects.filter(client=client).exclude(pk__in=unsent)


def _count_delivered(client: Client) -> int:
    delivered = DeliveredService.objects.filter(contract__client=client)
    return delivered.values("contract").distinct().count()


def _count_erased(found: FoundRows, client: Client, kept: dict[str, int]) -> int:
    if found.model is Client:
        return 0 if kept else 1
    if found.model is InvoiceLineItem:
        return _list_unsent_lines(client).count()
    if found.model is PaymentRequest:
        return 0
    if found.model is LateEvidence:
        return found.rows.filter(line_item__in=_list_unsent_lines(client)).count()
    if found.model is ExceptionCase:  # about a claimed line they stay with it
        return found.rows.filter(usage__isnull=False).count()
    if found.model is ExceptionNote:
        return found.rows.filter(case__usage__isnull=False).count()
    if found.model in _ndis_tables() and _count_delivered(client):
        return 0
    return found.rows.count()


def _ndis_tables() -> set[type[Model]]:
    """The tables of NDIS contracts, and those that hang on them."""
    tables: set[type[Model]] = set(_NDIS)
    waiting = list(_NDIS)
    while waiting:
        new = {relation.related_model for relation in list_relations(waiting.pop())} - tables
        tables |= new
        waiting += list(new)
    return tables


def _list_payloads(client: Client) -> set[str]:
    """The answers and files of a person, which other people's may be the same as."""
    digests: set[str] = set()
    for found in list_found_rows(client):
        for column in found.model._meta.concrete_fields:
            if column.related_model is Payload:
                digests.update(found.rows.values_list(column.attname, flat=True))
    return digests


def _erase_unused(digests: Iterable[str]) -> None:
    unused = Payload.objects.filter(pk__in=list(digests))
    for relation in Payload._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete:
            model: Any = relation.related_model
            unused = unused.exclude(pk__in=model._default_manager.values(relation.field.attname))  # type: ignore[union-attr]
    unused.delete()


def _erase_unsent_lines(client: Client) -> None:
    invoices = set(_list_unsent_lines(client).values_list("invoice_id", flat=True))
    InvoiceLineItem.objects.filter(pk__in=list(_list_unsent_lines(client).values_list("pk", flat=True))).delete()
    Invoice.objects.filter(pk__in=invoices, line_items__isnull=True).delete()


def _name_nobody(client: Client) -> None:
    """Take the person's id out of what is about many: sums stay right, and nobody is named."""
    FileUpload.objects.all().delete()  # a file may name anybody; whoever needs it uploads it again
    if client.care_recipient_id:
        CareManagementUse.objects.filter(care_recipient_id=client.care_recipient_id).update(care_recipient_id="")
        strangers = RunItem.objects.filter(care_recipient_id=client.care_recipient_id, client__isnull=True)
        strangers.update(care_recipient_id="")


def _erase_around(client: Client, *, keeps_ndis: bool) -> None:
    """Erase all but what the kept records need: who the person is. `list_erased_clients` knows them by this."""
    for relation in list_relations(Client):
        if relation.on_delete is CASCADE and not (keeps_ndis and relation.related_model in _NDIS):
            relation.related_model._default_manager.filter(**{relation.field.name: client}).delete()
    Client.objects.filter(pk=client.pk).update(
        birth_date=None, external_reference_id="", added_by=None, is_active=False
    )
