"""Who the funder says a client is, beside what is kept here, and how the two stand: worked out in this module alone.

The state is stored beside the funder's side, so that a list can be filtered by it. Whoever writes either side has it
worked out anew in the same transaction, with the client's row locked, and so is whoever's answers are read otherwise
than before, the rules of comparing among them: so it is never other than what a page compares.
Source: rule SYNC-20.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from carefund.domain.care_recipient.identity import (
    IDENTITY_FIELDS,
    IdentityCheck,
    IdentityState,
    PersonDetails,
    compare_identities,
)
from carefund.funders.errors.answers import WrongPerson
from carefund.funders.errors.people import NotFound
from carefund.records import synced_tables
from carefund.records.models import Client, FunderIdentity, SyncState

_FAILED = "failed"
_NO_ONE = IdentityCheck(IdentityState.NOT_FOUND, (), ("Services Australia has no one with this Care Recipient ID.",))
_ANOTHER = IdentityCheck(
    IdentityState.DIFFERS,
    ("care_recipient_id",),
    ("Services Australia answered with another Care Recipient ID.",),
)


@dataclass(frozen=True, slots=True)
class ClientIdentity:
    """A client's own details, what the funder says (None: it was never asked, or gave nothing), and how both stand."""

    ours: PersonDetails
    theirs: PersonDetails | None
    given_at: datetime | None
    check: IdentityCheck

    @property
    def offered(self) -> dict[str, object]:
        """The client's details that can be taken over from the funder, as the funder has them."""
        return {name: getattr(self.theirs, name) for name in self.check.offered}


def describe_identity(client: Client) -> ClientIdentity:
    """How a client's name and date of birth stand to the funder's, by the last attempt to ask it."""
    row = getattr(client, "funder_identity", None)
    ours, theirs = _read_ours(client), _read_theirs(row) if row else None
    check = IdentityCheck(IdentityState.NOT_COMPARED)
    if theirs is not None:
        check = compare_identities(ours, theirs)
    state = getattr(client, "sync_state", None)
    if state is not None and state.outcome == _FAILED:
        check = {NotFound.code: _NO_ONE, WrongPerson.code: _ANOTHER}.get(state.error_code, check)
    return ClientIdentity(ours, theirs, row.given_at if row else None, check)


def is_in_state(state: IdentityState) -> Q:
    """The clients of whom `describe_identity` gives this state, as a condition."""
    no_one, another = _failed_with(NotFound.code), _failed_with(WrongPerson.code)
    if state is IdentityState.NOT_FOUND:
        return no_one
    stored = Q(funder_identity__state=state.value)
    if state is IdentityState.DIFFERS:
        return another | (stored & ~no_one)
    if state is IdentityState.NOT_COMPARED:
        stored |= Q(funder_identity__isnull=True)
    return stored & ~no_one & ~another


def _failed_with(code: str) -> Q:
    """Whoever's last sync failed with a code. Of few, so that whoever was never synchronised needs no thought."""
    return Q(pk__in=SyncState.objects.filter(outcome=_FAILED, error_code=code).values("client"))


def find_states(client_ids: Collection[int], states: Sequence[IdentityState]) -> dict[int, IdentityState]:
    """Which of these clients are in one of these states."""
    return {
        client_id: state
        for state in states
        for client_id in Client.objects.filter(is_in_state(state), pk__in=client_ids).values_list("pk", flat=True)
    }


def list_answered_as_another(client_ids: Collection[int]) -> set[int]:
    """Those of these clients for whom the funder last answered with another Care Recipient ID."""
    states = SyncState.objects.filter(outcome=_FAILED, error_code=WrongPerson.code, client__in=client_ids)
    return set(states.values_list("client", flat=True))


def read_identities(client_ids: Collection[int]) -> dict[int, PersonDetails]:
    """Who the funder said these clients are; those of whom that was never read are left out."""
    rows = synced_tables.read(FunderIdentity, ("client_id", *IDENTITY_FIELDS), "client_id", client_ids)
    return {
        client_id: PersonDetails(first_name, last_name, birth_date, middle_name)
        for client_id, first_name, middle_name, last_name, birth_date in rows
    }


def store_identities(
    said: Iterable[tuple[int, PersonDetails, datetime]], others_to_compare: Collection[int] = ()
) -> None:
    """Keep who the funder says clients are, each with the time of the answer; of the others, compare what is kept. The
    caller holds the transaction."""
    given = {client_id: (theirs, given_at) for client_id, theirs, given_at in said}
    if not given and not others_to_compare:
        return
    ours = _lock_ours({*given, *others_to_compare})  # all at once: in two turns, two writers could wait for each other
    _move_states({client_id: person for client_id, person in ours.items() if client_id not in given})
    known = read_identities(given)
    new, changed = [], []
    for client_id, (theirs, given_at) in given.items():
        state = compare_identities(ours[client_id], theirs).state.value
        values = (*(getattr(theirs, name) for name in IDENTITY_FIELDS), given_at, state)
        if client_id in known:
            changed.append((*values, client_id))
        else:
            new.append((client_id, *values))
    synced_tables.insert(FunderIdentity, ("client_id", *_WRITTEN), new)
    synced_tables.update(FunderIdentity, _WRITTEN, changed)


_WRITTEN = (*IDENTITY_FIELDS, "given_at", "state")


def _lock_ours(client_ids: Collection[int]) -> dict[int, PersonDetails]:
    """What is kept here of clients, who are not edited until the transaction ends. Rows that refer to them may come."""
    clients = Client.objects.select_for_update(no_key=True).filter(pk__in=list(client_ids)).order_by("pk")
    rows = clients.values_list("pk", "first_name", "last_name", "birth_date")
    return {client_id: PersonDetails(first_name, last_name, born) for client_id, first_name, last_name, born in rows}


def compare_again(clients: Iterable[Client]) -> None:
    """Compare clients, just edited and still locked, with what the funder said of them."""
    _move_states({client.pk: _read_ours(client) for client in clients})


def _move_states(ours: Mapping[int, PersonDetails]) -> None:
    """Compare what is kept on both sides of locked clients, and write where it comes to another state."""
    if not ours:
        return
    states = dict(FunderIdentity.objects.filter(client__in=ours).values_list("client_id", "state"))
    moved = []
    for client_id, theirs in read_identities(list(states)).items():
        state = compare_identities(ours[client_id], theirs).state.value
        if state != states[client_id]:
            moved.append((state, client_id))
    synced_tables.update(FunderIdentity, ("state",), moved)


def _read_ours(client: Client) -> PersonDetails:
    return PersonDetails(client.first_name, client.last_name, client.birth_date)


def _read_theirs(row: FunderIdentity) -> PersonDetails:
    return PersonDetails(row.first_name, row.last_name, row.birth_date, row.middle_name)
