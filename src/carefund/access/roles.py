"""Roles and what each of them may do, by hand or by a token. Fetching a client, which is where most rights are asked,
is in gate.py.

A role is a Django group, so that accounts can be kept by any tool that knows Django. Someone in no group of these
may do nothing at all; a superuser is an administrator.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser, Group, User

from carefund.access.models import BranchMembership
from carefund.access.role_names import EVERY_BRANCH
from carefund.access.role_names import Role as Role  # noqa: PLC0414 whoever asks what somebody may do finds it here
from carefund.access.tokens import ApiToken, TokenScope, end_tokens

DESCRIPTIONS = {
    Role.ADMINISTRATOR: "Everything: all clients, runs, funder connections, users, the access log and the audit log.",
    Role.FINANCE: "All clients, bulk synchronisation, exports and claims.",
    Role.COORDINATOR: "Clients of their own branches. Can synchronise one client at a time.",
    Role.READ_ONLY: "Clients of their own branches. Cannot change anything.",
}


@dataclass(frozen=True, slots=True)
class Rights:
    """What one person or one token may do. `service_provider_ids` is None where every branch is theirs.

    `scopes` are all for a person; `is_narrowed`: a token has fewer branches than its account.
    """

    role: Role | None
    service_provider_ids: frozenset[str] | None = frozenset()
    scopes: frozenset[str] = frozenset(TokenScope)
    is_narrowed: bool = False


NOTHING = Rights(None)


def rights_of(user: User | AnonymousUser) -> Rights:
    """The rights of an account, read once per request (kept on the account object)."""
    if not isinstance(user, User) or not user.pk or not user.is_active:
        return NOTHING
    known: Rights | None = user.__dict__.get("_carefund_rights")
    if known is None:
        known = user.__dict__["_carefund_rights"] = _read_rights(user)
    return known


def _read_rights(user: User) -> Rights:
    if user.is_superuser:
        return Rights(Role.ADMINISTRATOR, None)
    names = set(user.groups.values_list("name", flat=True))
    role = next((role for role in Role if role in names), None)
    if role is None:
        return NOTHING
    if role in EVERY_BRANCH:
        return Rights(role, None)
    branches = BranchMembership.objects.filter(user=user).values_list("service_provider_id", flat=True)
    return Rights(role, frozenset(branches))


def narrow_rights(user: User, token: ApiToken) -> None:
    """Let this account object have what a token may do of what the account may, in place of all of it."""
    rights, branches = rights_of(user), rights_of(user).service_provider_ids
    wanted = frozenset(token.service_provider_ids)
    if wanted:
        branches = wanted if branches is None else wanted & branches
    user.__dict__["_carefund_rights"] = Rights(rights.role, branches, frozenset(token.scopes), bool(wanted))


def give_role(user: User, role: Role | None, service_provider_ids: Iterable[str] = ()) -> None:
    """Put an account into exactly this role and these branches; None takes all rights away."""
    groups = [Group.objects.get_or_create(name=role)[0]] if role else []
    others = user.groups.exclude(name__in=list(Role))
    user.groups.set([*others, *groups])
    if role is None:
        end_tokens(user)
    wanted = set(service_provider_ids)
    BranchMembership.objects.filter(user=user).exclude(service_provider_id__in=wanted).delete()
    held = set(BranchMembership.objects.filter(user=user).values_list("service_provider_id", flat=True))
    BranchMembership.objects.bulk_create(
        BranchMembership(user=user, service_provider_id=provider_id) for provider_id in sorted(wanted - held)
    )
    user.__dict__.pop("_carefund_rights", None)


def may_enter(user: User | AnonymousUser) -> bool:
    """Whether someone has any role; without one there is nothing to see."""
    return rights_of(user).role is not None


def may_read(user: User | AnonymousUser) -> bool:
    """Whether someone may be shown what is known of clients whom they may read."""
    return _may(user, TokenScope.READ, *Role)


def may_read_runs(user: User | AnonymousUser) -> bool:
    """Whether someone may be shown runs of many clients."""
    return _may(user, TokenScope.READ, Role.ADMINISTRATOR, Role.FINANCE)


def may_read_pools(user: User | AnonymousUser) -> bool:
    """Whether someone may be shown the care management pool."""
    return _may(user, TokenScope.READ, Role.ADMINISTRATOR)


def may_synchronise(user: User | AnonymousUser) -> bool:
    """Whether someone may synchronise a client whom they may read."""
    return _may(user, TokenScope.SYNC, Role.ADMINISTRATOR, Role.FINANCE, Role.COORDINATOR)


def may_run_in_bulk(user: User | AnonymousUser) -> bool:
    """Whether someone may start, watch and steer runs of many clients."""
    return _may(user, TokenScope.SYNC, Role.ADMINISTRATOR, Role.FINANCE)


def may_import_clients(user: User | AnonymousUser) -> bool:
    """Whether someone may bring many clients in, of any branch."""
    return _may(user, TokenScope.SYNC, Role.ADMINISTRATOR, Role.FINANCE)


def may_export(user: User | AnonymousUser) -> bool:
    """Whether someone may take clients' funding out of the system."""
    return _may(user, TokenScope.READ, Role.ADMINISTRATOR, Role.FINANCE)


def may_claim(user: User | AnonymousUser) -> bool:
    """Whether someone may prepare and submit claims."""
    return _may(user, TokenScope.CLAIMS, Role.ADMINISTRATOR, Role.FINANCE)


def may_monitor(user: User | AnonymousUser) -> bool:
    """Whether someone may be shown the figures that monitoring reads, in which no client is."""
    return _may(user, TokenScope.MONITORING, *Role)


def may_administer(user: User | AnonymousUser) -> bool:
    """Whether someone may change users, connections, schedules and settings, and see the care management pool."""
    return _may(user, TokenScope.ADMINISTRATION, Role.ADMINISTRATOR)


def _may(user: User | AnonymousUser, scope: TokenScope, *roles: Role) -> bool:
    rights = rights_of(user)
    return rights.role in roles and scope in rights.scopes
