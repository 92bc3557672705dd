"""The gate: the console, REST and the command line obtain clients only here, and obtaining one means being allowed to.

A client of another branch is answered like one who does not exist, so that nobody learns who is cared for elsewhere.
Everything here raises NotHere and PermissionDenied only; each interface translates both in one place.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet

from carefund.access.roles import Role, may_claim, may_enter, may_synchronise, rights_of
from carefund.records.models import Client, ClientMatch, Invoice, InvoiceLineItem, ServiceContract
from carefund.records.not_found import NotHere, find_one


@dataclass(frozen=True, slots=True)
class Operator:
    """Whoever types at the machine itself: they hold its database and its keys, so every client is theirs."""


OPERATOR = Operator()
Visitor = User | Operator


def list_clients_for(user: Visitor) -> QuerySet[Client]:
    """The clients someone may read: all, or those of their branches.

    A client of no known branch is in none: a coordinator sees those that they added themselves, until it is known; a
    token for some branches alone does not. Source: rule SYNC-17.
    """
    if isinstance(user, Operator):
        return Client.objects.all()
    rights = rights_of(user)
    if rights.role is None:
        return Client.objects.none()
    if rights.service_provider_ids is None:
        return Client.objects.all()
    theirs = Q(service_provider_id__in=rights.service_provider_ids - {""})
    if rights.role is Role.COORDINATOR and not rights.is_narrowed:
        theirs |= Q(service_provider_id="", added_by=user)
    return Client.objects.filter(theirs)


def list_chosen_clients(user: Visitor, client_ids: Iterable[int]) -> QuerySet[Client]:
    """Those of these clients whom somebody may read."""
    return list_clients_for(user).filter(pk__in=list(client_ids))


def find_clients_by_care_recipient_id(user: Visitor, care_recipient_ids: Iterable[str]) -> dict[str, Client]:
    """The clients with these keys of Services Australia whom somebody may read, by key."""
    found = list_clients_for(user).filter(care_recipient_id__in=list(care_recipient_ids))
    return {client.care_recipient_id or "": client for client in found}


def list_hidden_ids(user: Visitor, care_recipient_ids: "Iterable[str] | QuerySet[Any, Any]") -> set[str]:
    """Those of these keys of Services Australia whose client is here and may not be read by somebody."""
    if reads_every_branch(user):
        return set()
    listed = care_recipient_ids if isinstance(care_recipient_ids, QuerySet) else list(care_recipient_ids)
    theirs = list_clients_for(user).order_by().values("pk")
    hidden = Client.objects.filter(care_recipient_id__in=listed).exclude(pk__in=theirs)
    return {key for key in hidden.order_by().values_list("care_recipient_id", flat=True) if key}


def list_clients_by_ndis_number(user: Visitor, ndis_number: str) -> list[Client]:
    """The clients with an NDIS number whom somebody may read: one, unless a number was entered for two."""
    return list(list_clients_for(user).filter(ndis__ndis_number=ndis_number))


def list_others_of_number(user: Visitor, ndis_number: str, client: Client) -> list[Client]:
    """The other clients with an NDIS number whom somebody may read; of those whom they may not nothing is told."""
    return list(list_clients_for(user).filter(ndis__ndis_number=ndis_number).exclude(pk=client.pk))


def find_client_to_read(user: Visitor, client_id: int) -> Client:
    """One client with the state of their synchronisation. NotHere if there is none for this person."""
    return _find(user, "There is no such client.", id=client_id)


def find_care_recipient_to_read(user: Visitor, care_recipient_id: str) -> Client:
    """As `find_client_to_read`, by Services Australia's key."""
    advice = "Check the ID for typing errors, or add the client with `carefund clients add` first."
    return _find(user, "No client has this Care Recipient ID.", advice, care_recipient_id=care_recipient_id)


def find_client_to_synchronise(user: Visitor, client_id: int) -> Client:
    """One client whom this person may synchronise. PermissionDenied if they may only read, NotHere as above."""
    client = find_client_to_read(user, client_id)
    require(user, may_synchronise)
    return client


def find_match_to_decide(user: Visitor, match_id: int) -> ClientMatch:
    """A row of a provider file that may be a client whom this person may synchronise."""
    matches = ClientMatch.objects.select_related("client").filter(pk=match_id)
    match = find_one(matches, "No match has this number.")
    find_client_to_synchronise(user, match.client_id)
    return match


def find_contract_to_read(user: Visitor, contract_id: int) -> ServiceContract:
    """A service contract of a client whom this person may read: a contract is as visible as its client."""
    contract = find_one(ServiceContract.objects.filter(pk=contract_id), "There is no such service contract.")
    contract.client = find_client_to_read(user, contract.client_id)
    return contract


def list_contracts_for(user: Visitor, *, client_id: int = 0, after_id: int = 0) -> QuerySet[ServiceContract]:
    """The service contracts of clients whom someone may read, or of one of them, by number."""
    clients = list_clients_for(user)
    contracts = ServiceContract.objects.filter(
        client__in=clients.filter(pk=client_id) if client_id else clients, pk__gt=after_id
    )
    return contracts.select_related("comparison").order_by("pk")


def find_contract_to_synchronise(user: Visitor, contract_id: int) -> ServiceContract:
    """A service contract of a client whom this person may synchronise. PermissionDenied if they may only read."""
    contract = find_contract_to_read(user, contract_id)
    require(user, may_synchronise)
    return contract


def list_invoices_for(user: Visitor) -> QuerySet[Invoice]:
    """Our invoices; for a token of some branches those with lines of their clients alone."""
    if reads_every_branch(user):
        return Invoice.objects.all()
    lines, theirs = InvoiceLineItem.objects.filter(invoice=OuterRef("pk")), list_clients_for(user)
    return Invoice.objects.filter(Exists(lines.filter(client__in=theirs)), ~Exists(lines.exclude(client__in=theirs)))


def find_invoice_to_claim(user: Visitor, *, reference: str = "", line_reference: str = "") -> Invoice:
    """One of our invoices by its reference, or by that of one of its lines, for those who may claim."""
    require(user, may_claim)
    wanted = {"line_items__external_reference_id": line_reference} if line_reference else {}
    wanted |= {"external_reference_id": reference} if reference else {}
    invoices = list_invoices_for(user).filter(**wanted)
    return find_one(invoices, "There is no invoice with this reference.")


def find_line_to_claim(user: Visitor, line_id: int) -> InvoiceLineItem:
    """One of our lines by its key, with its client and invoice, for those who may claim and read its client."""
    require(user, may_claim)
    lines = InvoiceLineItem.objects.select_related("client", "invoice")
    return find_one(lines.filter(pk=line_id, client__in=list_clients_for(user)), "There is no line with this number.")


def require(user: Visitor, may: Callable[[User], bool]) -> None:
    """Raise PermissionDenied unless somebody may do this; whoever sits at the machine may."""
    if not isinstance(user, Operator) and not may(user):
        raise PermissionDenied


def find_client_to_watch(user: User, client_id: int, *, asked_by_id: int | None) -> Client | None:
    """The client of a sync that somebody watches; None where they asked for it and may no longer read the client.

    Whoever asked may see that sync's outcome and counts, also when it has moved the client to another branch, and of
    the client nothing. NotHere for everybody else.
    """
    try:
        return find_client_to_read(user, client_id)
    except NotHere:
        if asked_by_id is None or asked_by_id != user.pk:
            raise
        return None


def reads_every_branch(user: Visitor) -> bool:
    """Whether every client here is among those whom somebody may read."""
    return isinstance(user, Operator) or (
        rights_of(user).role is not None and rights_of(user).service_provider_ids is None
    )


def may_read_branch(user: User, service_provider_id: str) -> bool:
    """Whether the clients of a branch are among those that this person may read."""
    rights = rights_of(user)
    if rights.role is None:
        return False
    return rights.service_provider_ids is None or service_provider_id in rights.service_provider_ids - {""}


def _find(user: Visitor, message: str, advice: str = "", **key: int | str) -> Client:
    require(user, may_enter)
    return find_one(
        list_clients_for(user).select_related("sync_state", "ndis", "funder_identity").filter(**key), message, advice
    )
