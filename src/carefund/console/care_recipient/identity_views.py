"""A client's identity here and at the funder, side by side, as a page shows it."""

from dataclasses import dataclass
from datetime import date

from carefund.domain.care_recipient.identity import IDENTITY_FIELDS, IdentityState, PersonDetails
from carefund.domain.wording import write_day
from carefund.records.care_recipient.identities import ClientIdentity, describe_identity
from carefund.records.models import Client

_LABELS = {
    "first_name": "First name",
    "middle_name": "Middle name",
    "last_name": "Last name",
    "birth_date": "Date of birth",
}


@dataclass(frozen=True, slots=True)
class IdentityRow:
    """One detail, as both sides have it; "" where a side has none."""

    label: str
    ours: str
    theirs: str
    differs: bool


@dataclass(frozen=True, slots=True)
class IdentityView:
    """How a client's identity stands, and the details that a person compares, if there are any."""

    identity: ClientIdentity
    rows: tuple[IdentityRow, ...]

    @property
    def state(self) -> IdentityState:
        return self.identity.check.state


def show_identity(client: Client) -> IdentityView:
    """A client's identity as their page shows it: the rows only where something differs that could be entered here."""
    identity = describe_identity(client)
    theirs = identity.theirs
    if theirs is None or not identity.offered:
        return IdentityView(identity, ())
    rows = (_write_row(name, identity.ours, theirs, identity.offered) for name in IDENTITY_FIELDS)
    return IdentityView(identity, tuple(row for row in rows if row.ours or row.theirs))


def list_taken_over(client: Client) -> list[IdentityRow]:
    """The details that the funder has otherwise, before a form is filled with them."""
    return [row for row in show_identity(client).rows if row.differs]


def _write_row(name: str, ours: PersonDetails, theirs: PersonDetails, offered: dict[str, object]) -> IdentityRow:
    return IdentityRow(_LABELS[name], _write(getattr(ours, name)), _write(getattr(theirs, name)), name in offered)


def _write(value: str | date | None) -> str:
    return write_day(value) if isinstance(value, date) else value or ""
