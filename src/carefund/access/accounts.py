"""Accounts of people and of machines: found, listed and added. What an account may do is in roles.py."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from carefund.access.roles import Role, give_role
from carefund.access.tokens import end_tokens
from carefund.records.not_found import find_one


class AccountExists(Exception):
    """There is an account of this name already."""


def add_user(
    username: str, password: str, role: Role, *, service_provider_ids: Iterable[str] = (), **names: str
) -> User:
    """Add an account in a role and branches; `names` are its first and last name. Raises AccountExists."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(username, password=password, **names)
            give_role(user, role, service_provider_ids)
    except IntegrityError:
        raise AccountExists from None
    return user


def has_account(username: str) -> bool:
    """Whether there is an account of this name."""
    return User.objects.filter(username=username).exists()


def find_account(username: str) -> User:
    """The account of a name. Raises NotHere."""
    return find_one(User.objects.filter(username=username), "There is no account with this name.")


def find_account_to_sign_in(username: str) -> User:
    """The account of a name, if it may sign in. Raises NotHere."""
    return find_one(list_active_accounts().filter(username=username), "No account with this name can sign in.")


def find_account_by_number(number: int) -> User:
    """The account with a key. Raises NotHere."""
    return find_one(User.objects.filter(pk=number), "There is no account with this name.")


def list_active_accounts() -> QuerySet[User]:
    """The accounts that may sign in, by name."""
    return User.objects.filter(is_active=True).order_by("username")


def list_accounts_that_claim() -> QuerySet[User]:
    """The accounts that may sign in and claim, by name."""
    in_role = Q(is_superuser=True) | Q(groups__name__in=(Role.ADMINISTRATOR, Role.FINANCE))
    return list_active_accounts().filter(in_role).distinct()


@dataclass(frozen=True, slots=True)
class Account:
    """An account with what it may do; `branches` says nothing where every branch is theirs."""

    person: User
    role: Role | None
    branches: tuple[str, ...]
    two_factor: bool


def list_accounts() -> list[Account]:
    """Every account with its role, branches and second factor, those that may sign in first."""
    people: Any = User.objects.prefetch_related("groups", "branch_memberships", "authenticator_set")
    return [_describe(person) for person in people.order_by("-is_active", "username")]


def _describe(person: Any) -> Account:
    names = {group.name for group in person.groups.all()}
    role = Role.ADMINISTRATOR if person.is_superuser else next((role for role in Role if role in names), None)
    branches = tuple(branch_membership.service_provider_id for branch_membership in person.branch_memberships.all())
    return Account(person, role, branches, any(device.confirmed for device in person.authenticator_set.all()))


def store_account(user: User, role: Role | None, service_provider_ids: Iterable[str], new_password: str = "") -> None:
    """Keep an account as edited, with its role and branches, and a new password if there is one; the tokens of one that
    may not sign in end."""
    if new_password:
        user.set_password(new_password)
    elif user._state.adding:  # somebody whom the directory will sign in
        user.set_unusable_password()
    user.save()
    give_role(user, role, service_provider_ids)
    if not user.is_active:
        end_tokens(user)
