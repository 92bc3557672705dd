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

    name: str
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
    """A client's identity as their page shows it: the rows only where one of them differs."""
    identity = describe_identity(client)
    theirs = identity.theirs
    differing = set(IDENTITY_FIELDS).intersection(identity.check.differing)
    if theirs is None or not differing:
        return IdentityView(identity, ())
    rows = (_write_row(name, identity.ours, theirs, differing) for name in IDENTITY_FIELDS)
    return IdentityView(identity, tuple(row for row in rows if row.ours or row.theirs))


def list_taken_over(client: Client) -> list[IdentityRow]:
    """The funder's details with which a form is filled, beside what they would replace."""
    view = show_identity(client)
    return [row for row in view.rows if row.name in view.identity.offered]


def _write_row(name: str, ours: PersonDetails, theirs: PersonDetails, differing: set[str]) -> IdentityRow:
    return IdentityRow(
        name, _LABELS[name], _write(getattr(ours, name)), _write(getattr(theirs, name)), name in differing
    )


def _write(value: str | date | None) -> str:
    return write_day(value) if isinstance(value, date) else value or ""
