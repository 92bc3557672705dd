"""Keep rates by page or by API: each act is one entry in the audit log, with what was before and after."""

from typing import Any

from django.contrib.auth.models import User

from carefund.access.audit_log import one_act, store_act
from carefund.domain.care_recipient.rates import WantedRate
from carefund.records.care_recipient import rates as store
from carefund.records.care_recipient.rates import describe_entered
from carefund.records.models import EnteredRate
from carefund.runs.business_day import business_today


def add(by: User, wanted: WantedRate) -> EnteredRate:
    """Add a rate. Raise WrongRate."""
    with one_act():
        row = store.add_rate(wanted, by.get_username(), business_today())
        _note(by, "Rate added", row, after=describe_entered(row))
    return row


def edit(by: User, number: int, wanted: WantedRate) -> EnteredRate:
    """Change an entered rate. Raise WrongRate, NotHere."""
    with one_act():
        before, row = store.edit_rate(number, wanted, by.get_username(), business_today())
        _note(by, "Rate changed", row, before=describe_entered(before), after=describe_entered(row))
    return row


def steer(by: User, number: int, step: str) -> EnteredRate:
    """Remove a rate, restore a removed one, or undo the last edit. Raise NotHere, WrongRate."""
    with one_act():
        if step == "remove":
            row = store.remove_rate(number, by.get_username())
            _note(by, "Rate removed", row, before=describe_entered(row))
        elif step == "restore":
            row = store.restore_rate(number, business_today())
            _note(by, "Rate restored", row, after=describe_entered(row))
        else:
            undone, row = store.undo_edit(number, by.get_username(), business_today())
            _note(by, "Edit of a rate undone", row, before=describe_entered(undone), after=describe_entered(row))
    return row


def _note(by: User, act: str, row: EnteredRate, **values: dict[str, Any]) -> None:
    store_act(by, act, f"rate {row.key} from {row.from_date}", **values)
