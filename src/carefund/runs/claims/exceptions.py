"""What people and other systems do about exceptions, with its entry in the audit log."""

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from carefund.access.audit_log import one_act, store_act
from carefund.domain.wording import many
from carefund.records.claims.exceptions import CaseChange, store_case_changes


def change_exceptions(
    user: User, asked: CaseChange, *, request_ids: Sequence[int] = (), usage_ids: Sequence[int] = ()
) -> int:
    """Set owner, due day, state or a note of exceptions: claimed lines and draws. Return how many there were."""
    with one_act():
        number = store_case_changes(asked, user, request_ids=request_ids, usage_ids=usage_ids)
        after: dict[str, Any] = {name: str(value or "nobody") for name, value in asked.sets.items()}
        about = {"claimed lines": list(request_ids), "draws": list(usage_ids)}
        after |= {name: keys for name, keys in about.items() if keys} | ({"note": "added"} if asked.note else {})
        store_act(user, "Exceptions changed", many(number, "exception"), after=after)
    return number
