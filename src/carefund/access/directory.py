"""Accounts of people whom the provider's own directory signs in: found, added, and given what their groups give.

What the directory said is checked before it comes here (openid_connect.py). Roles and branches are set anew at each
sign-in; in between they last as long as the session. A local account is never handed to somebody of the directory
because the usernames are alike, unless an administrator made it for that: without a password, and without an API token
that is in force.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import HttpRequest

from carefund.access import two_factor
from carefund.access.audit_log import one_act, store_act
from carefund.access.models import DirectoryIdentity
from carefund.access.role_names import GroupRole, Role, find_role
from carefund.access.roles import give_role, rights_of
from carefund.access.sessions import end_sessions
from carefund.access.tokens import end_tokens, holds_token_in_force

DIRECTORY = "Directory"
_LONGEST = 255


class NotAdmitted(Exception):
    """Somebody whom the directory knows may not come in; the text says why, for that person to read."""


@dataclass(frozen=True, slots=True)
class DirectoryPerson:
    """Who signed in, as the directory says."""

    issuer: str
    subject: str
    username: str
    first_name: str
    last_name: str
    email: str
    groups: frozenset[str]


def read_person(issuer: str, claims: Mapping[str, Any], groups_claim: str) -> DirectoryPerson:
    """Return who signed in from the claims of an ID token. Raise NotAdmitted when they do not say it."""
    subject, username = _text(claims, "sub"), _text(claims, "preferred_username") or _text(claims, "email")
    username = username or subject
    if not subject or len(subject) > _LONGEST:
        raise NotAdmitted("The directory did not say who you are.")
    groups = claims.get(groups_claim)
    if isinstance(groups, str):
        groups = [groups]
    held = frozenset(group for group in groups if isinstance(group, str)) if isinstance(groups, list) else frozenset()
    return DirectoryPerson(
        issuer,
        subject,
        username[:150],
        _text(claims, "given_name")[:150],
        _text(claims, "family_name")[:150],
        _text(claims, "email")[:254],
        held,
    )


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    return value.replace("\0", "").strip() if isinstance(value, str) else ""


def admit(person: DirectoryPerson, group_roles: Iterable[GroupRole]) -> User:
    """Return the account of somebody who signed in, with the role and branches of their groups.

    Raise NotAdmitted when they have no role, their account is inactive, or its username is somebody else's. An
    account that lost its role loses its sessions and tokens too, also a superuser's.
    """
    role, branches = find_role(person.groups, group_roles)
    try:
        with one_act():
            user = _find_account(person, is_wanted=role is not None)
            if user is not None:
                _keep(user, person, role, branches)
    except IntegrityError:  # the same person, twice at the same moment
        raise NotAdmitted("You are signing in twice at the same time. Try again.") from None
    if user is None or role is None:
        raise NotAdmitted("Your account has no role in Carefund. Ask your administrator to add you to a group.")
    if not user.is_active:
        raise NotAdmitted("Your account in Carefund is inactive. Ask your administrator.")
    return user


def _find_account(person: DirectoryPerson, *, is_wanted: bool) -> User | None:
    """The account that is this person's already, or one that becomes theirs."""
    known = DirectoryIdentity.objects.select_related("user").filter(issuer=person.issuer, subject=person.subject)
    identity = known.first()
    if identity is not None:
        return User.objects.select_for_update().get(pk=identity.user_id)
    if not is_wanted:
        return None
    user = User.objects.filter(username=person.username).first()
    if user is None:
        user = User(username=person.username)
        user.set_unusable_password()
        _check(user)
        user.save()
        store_act(DIRECTORY, "Account added", f"account {user.get_username()}")
    else:
        _refuse_if_in_use(user)
    two_factor.remove(user)
    DirectoryIdentity.objects.create(user=user, issuer=person.issuer, subject=person.subject)
    return user


def _refuse_if_in_use(user: User) -> None:
    """Raise NotAdmitted unless whoever has this username in the directory may have the account: not one that carries
    API tokens in force, which would go on in the name of somebody else."""
    if user.has_usable_password() or DirectoryIdentity.objects.filter(user=user).exists():
        raise NotAdmitted("Another account in Carefund has your username. Ask your administrator to rename it.")
    if holds_token_in_force(user):
        raise NotAdmitted(
            "An account in Carefund with API tokens has your username. Ask your administrator to revoke its tokens if "
            "it is your account, or to rename it."
        )


def _check(user: User) -> None:
    try:
        user.clean_fields(exclude=["password"])
    except ValidationError:
        raise NotAdmitted("Your username in the directory has characters that Carefund cannot use.") from None


def _keep(user: User, person: DirectoryPerson, role: Role | None, branches: frozenset[str]) -> None:
    """Set an account's names, role and branches to those of the directory, and note what changed."""
    before = _describe(user)
    user.first_name, user.last_name, user.email = person.first_name, person.last_name, person.email or user.email
    user.save(update_fields=["first_name", "last_name", "email"])
    if not user.is_superuser:
        give_role(user, role, branches)
    if role is None:
        end_sessions(user)
        end_tokens(user)
    after = _describe(user)
    if before != after:
        store_act(DIRECTORY, "Account changed", f"account {user.get_username()}", before=before, after=after)


def _describe(user: User) -> dict[str, Any]:
    rights = rights_of(user)
    return {
        "first name": user.first_name,
        "last name": user.last_name,
        "email": user.email,
        "role": rights.role.value if rights.role else "",
        "branches": sorted(rights.service_provider_ids or ()),
    }


def _identities(user_id: int) -> QuerySet[DirectoryIdentity]:
    return DirectoryIdentity.objects.filter(user_id=user_id, issuer=settings.OIDC_ISSUER or "none")


def is_of_directory(user: User | AnonymousUser) -> bool:
    """Whether the directory that is set up signs an account in, and asks for whatever second factor it wants."""
    return user.pk is not None and _identities(user.pk).exists()


class LocalAccounts(ModelBackend):
    """Usernames and passwords; beside a directory, of the accounts alone that are kept for emergencies."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Whether this account may sign in with a password, or go on with a session."""
        if user is None or not super().user_can_authenticate(user):
            return False
        return may_use_password(user)


class DirectoryAccounts(ModelBackend):
    """Sessions of people whom the directory signed in; nobody gives a password here."""

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> None:
        """Return nobody: the directory asks for passwords, Carefund does not."""

    def user_can_authenticate(self, user: User | AnonymousUser | None) -> bool:
        """Whether a session goes on: not after its directory was taken out of the settings."""
        return super().user_can_authenticate(user) and user is not None and is_of_directory(user)


def may_use_password(user: User | AnonymousUser) -> bool:
    """Whether an account may sign in with a password: all may, unless the settings name some beside a directory."""
    if not settings.OIDC_ISSUER or not settings.PASSWORD_ACCOUNTS:
        return True
    return isinstance(user, User) and user.get_username() in settings.PASSWORD_ACCOUNTS
