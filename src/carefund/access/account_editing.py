"""Accounts added and changed by an administrator, by page or API, with the entry in the audit log.

What only people change, in front of a screen, is elsewhere: second factors in two_factor.py, sessions in sessions.py.
"""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError

from carefund.access.accounts import AccountExists, find_account_by_number, store_account
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import Role, rights_of


class OwnRole(Exception):
    """Whoever asks would lose their own Administrator role."""


def keep_account(
    by: User, person: User, role: Role | None, service_provider_ids: Collection[str], *, new_password: str = ""
) -> User:
    """Keep an account as given, new or changed; one that is added without a password cannot sign in until it has one.

    Raises OwnRole, AccountExists. A password's text is in no log.
    """
    if person.pk == by.pk and (role is not Role.ADMINISTRATOR or not person.is_active):
        raise OwnRole
    before = _describe_stored(person.pk) if person.pk else {}
    if not person.pk and not new_password:
        person.set_unusable_password()
    try:
        with one_act():
            store_account(person, role, service_provider_ids, new_password)
            after = _describe(person, role, service_provider_ids) | ({"new password": True} if new_password else {})
            act = "Account changed" if before else "Account added"
            store_act(by, act, f"account {person.get_username()}", before=before, after=after)
    except IntegrityError:
        raise AccountExists from None
    return person


def _describe_stored(number: int) -> dict[str, Any]:
    stored = find_account_by_number(number)
    rights = rights_of(stored)
    return _describe(stored, rights.role, rights.service_provider_ids or ())


def _describe(person: User, role: Role | None, service_provider_ids: Collection[str]) -> dict[str, Any]:
    """What the audit log keeps of an account."""
    return {
        "username": person.get_username(),
        "first name": person.first_name,
        "last name": person.last_name,
        "email": person.email,
        "may sign in": person.is_active,
        "role": role.value if role else "",
        "branches": sorted(service_provider_ids),
    }
