"""Edits of a client by a person here, in plain sentences with their author."""

from carefund.records.models import Change
from carefund.sync.change_log.record_kinds import kind_of

_NAMES = {"service_provider_id": "branch", "birth_date": "date of birth"}


def write_edit(change: Change) -> str:
    """What somebody entered, and who: "Client: branch changed from 1 to 2 (ben)."."""
    by = f" ({change.made_by})."
    if change.action == Change.NEW:
        return f"Client added{by}"
    if change.field == "is_active":
        return f"Client made {change.after}{by}"
    kind = kind_of(change.kind)
    name = _NAMES.get(change.field) or kind.name_in_sentence(change.field)
    before, after = (kind.write(change.field, text) for text in (change.before, change.after))
    if not before:
        return f"Client: {name} {after} entered{by}"
    if not after:
        return f"Client: {name} {before} removed{by}"
    return f"Client: {name} changed from {before} to {after}{by}"
