"""Bring in what the provider's own system holds: branches, clients, invoices with their line items.

The format is one JSON object with `serviceProviders`, `clients` and `invoices` (docs/provider-file.md). Loading it
again changes nothing: clients are known by care recipient id, invoices and lines by external reference. An id that
nobody here has, beside the name and birth date of a client without one, is proposed to a person (client_store.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated

import msgspec
from django.db import transaction
from django.utils import timezone

from carefund.domain.claims.checks import ONGOING
from carefund.funders.bounds import Bounds, Quantity
from carefund.plain_numbers import may_be_misread, read_scientific
from carefund.records.care_recipient.client_matching import sort_clients
from carefund.records.models import Client, ClientMatch, Invoice, InvoiceLineItem, ServiceProvider

# What a column would refuse on some databases and cut on others is refused here, with its place in the file.
_PersonId = Annotated[str, msgspec.Meta(pattern=r"^[0-9A-Za-z-]{0,20}$")]
_Name = Annotated[str, msgspec.Meta(max_length=80)]
_BranchId = Annotated[str, msgspec.Meta(max_length=20)]
_Number = Annotated[str, msgspec.Meta(max_length=24)]
_OwnNumber = Annotated[str, msgspec.Meta(min_length=1, max_length=24)]


class FileClient(msgspec.Struct, rename="camel"):
    care_recipient_id: _PersonId
    first_name: _Name
    last_name: _Name
    birth_date: date | None = None
    service_provider_id: _BranchId = ""


class FileServiceProvider(msgspec.Struct, rename="camel"):
    service_provider_id: _BranchId
    name: Annotated[str, msgspec.Meta(max_length=120)] = ""


class FileLineItem(msgspec.Struct, rename="camel"):
    external_reference_id: _OwnNumber
    care_recipient_id: _PersonId
    service_id: Annotated[str, msgspec.Meta(max_length=60)]
    delivery_date: date
    quantity: Quantity
    price_per_unit: Quantity
    item_id: _Number = ""
    service_text: Annotated[str, msgspec.Meta(max_length=200)] = ""
    funding_source: Annotated[str, msgspec.Meta(max_length=4)] = ""


class FileInvoice(msgspec.Struct, rename="camel"):
    external_reference_id: _OwnNumber
    items: tuple[FileLineItem, ...]
    invoice_id: _Number | None = None
    service_provider_id: _BranchId = ""


class ProviderFile(msgspec.Struct, rename="camel"):
    clients: tuple[FileClient, ...] = ()
    invoices: tuple[FileInvoice, ...] = ()
    service_providers: tuple[FileServiceProvider, ...] = ()


_BOUNDS = Bounds(ProviderFile)


@dataclass(frozen=True, slots=True)
class Loaded:
    """How much of a file was new here, and how many rows wait for a person: they may be clients who are here."""

    clients: int
    invoices: int
    line_items: int
    waiting: int = 0


class NotAProviderFile(ValueError):
    """The file is not JSON, or a member is missing or of the wrong type; the message names it."""


def read_provider_file(content: bytes) -> ProviderFile:
    """The file's content. Raises NotAProviderFile."""
    try:
        found = msgspec.json.decode(content, type=ProviderFile)
    except msgspec.DecodeError as error:
        raise NotAProviderFile(str(error)) from None
    except UnicodeDecodeError:
        raise NotAProviderFile("The file is not in UTF-8.") from None
    except RecursionError:
        raise NotAProviderFile("The file is nested too deeply to be read.") from None
    if fault := _BOUNDS.find_fault([found]):
        field, wrong = fault
        raise NotAProviderFile(f"The field {field} {wrong}.")
    if may_be_misread(content):
        _require_plain_numbers(content)
    return found


def _require_plain_numbers(content: bytes) -> None:
    """Refuse amounts in texts that only look like a number to the decoder."""
    for invoice in msgspec.json.decode(content).get("invoices") or ():
        for item in invoice["items"]:
            for name in ("quantity", "pricePerUnit"):
                try:
                    read_scientific(str(item[name]))
                except ValueError:
                    raise NotAProviderFile(f"The field invoices.items.{name} is not a number.") from None


@transaction.atomic
def store_provider_file(content: ProviderFile) -> Loaded:
    """Add what is not there yet, all of it or nothing. Names of known clients are not overwritten."""
    add_service_providers({row.service_provider_id: row.name for row in content.service_providers})
    before = count_own_records()
    people = sort_clients(content.clients)
    Client.objects.bulk_create(people.new, ignore_conflicts=True, batch_size=1000)
    ClientMatch.objects.bulk_create(people.matches, ignore_conflicts=True, batch_size=1000)
    _store_invoices(content.invoices)
    clients, invoices, line_items = (there - here for there, here in zip(count_own_records(), before, strict=True))
    return Loaded(clients, invoices, line_items, len(people.matches))


def add_service_providers(names: Mapping[str, str]) -> None:
    """Add the branches that are not here yet; `names` are by their ids."""
    now = timezone.now()
    ServiceProvider.objects.bulk_create(
        [
            ServiceProvider(service_provider_id=service_provider_id, name=name, first_seen_at=now, last_seen_at=now)
            for service_provider_id, name in names.items()
        ],
        ignore_conflicts=True,
    )


def count_own_records() -> tuple[int, int, int]:
    """How many clients, invoices and line items there are."""
    return Client.objects.count(), Invoice.objects.count(), InvoiceLineItem.objects.count()


def _store_invoices(invoices: Sequence[FileInvoice]) -> None:
    Invoice.objects.bulk_create(
        [
            Invoice(
                external_reference_id=row.external_reference_id,
                invoice_id=row.invoice_id or None,
                service_provider_id=row.service_provider_id,
                status="COMPLETED" if row.invoice_id else "",
            )
            for row in invoices
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
    clients = dict(Client.objects.filter(care_recipient_id__isnull=False).values_list("care_recipient_id", "id"))
    ours = {
        reference: (key, bool(number))
        for reference, key, number in Invoice.objects.values_list("external_reference_id", "id", "invoice_id")
    }
    InvoiceLineItem.objects.bulk_create(
        [
            InvoiceLineItem(
                invoice_id=key,
                client_id=clients[item.care_recipient_id],
                item_id=item.item_id if is_sent else "",  # nobody numbers a line of what was not sent
                external_reference_id=item.external_reference_id,
                service_id=item.service_id,
                service_text=item.service_text,
                delivery_date=item.delivery_date,
                quantity=item.quantity,
                price_per_unit=item.price_per_unit,
                funding_source=item.funding_source or ONGOING,
            )
            for invoice in invoices
            for key, is_sent in (ours[invoice.external_reference_id],)
            for item in invoice.items
            if item.care_recipient_id in clients
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )
