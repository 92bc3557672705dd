"""The roles by name, and what groups of the provider's directory stand for. Known without a database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """In falling order of reach; who has several has the first."""

    ADMINISTRATOR = "Administrator"
    FINANCE = "Finance"
    COORDINATOR = "Coordinator"
    READ_ONLY = "Read-only"


EVERY_BRANCH = (Role.ADMINISTRATOR, Role.FINANCE)


@dataclass(frozen=True, slots=True)
class GroupRole:
    """What a group of the directory gives its members: a role, and in which branches."""

    group: str
    role: Role
    service_provider_ids: frozenset[str] = frozenset()


def read_group_roles(pairs: Mapping[str, str]) -> tuple[GroupRole, ...]:
    """Return the roles of `group=Role` or `group=Role:id+id` pairs. Raise ValueError with a sentence for people."""
    return tuple(_read_group_role(group, text) for group, text in pairs.items())


def _read_group_role(group: str, text: str) -> GroupRole:
    name, _, branches = (part.strip() for part in text.partition(":"))
    role = next((role for role in Role if role.casefold() == name.casefold()), None)
    ids = frozenset(part.strip() for part in branches.split("+") if part.strip())
    if not group or role is None:
        raise ValueError(f"each group needs one of the roles {', '.join(Role)}")
    if role in EVERY_BRANCH and ids:
        raise ValueError(f"{role} is for all branches, so it takes no Service Provider IDs")
    if role not in EVERY_BRANCH and not ids:
        raise ValueError(f"{role} needs the Service Provider IDs of its branches, such as {role}:4049000001+4049000002")
    return GroupRole(group, role, ids)


def find_role(groups: Iterable[str], group_roles: Iterable[GroupRole]) -> tuple[Role | None, frozenset[str]]:
    """Return the role of furthest reach that somebody's groups give, with the branches in which they give that role."""
    held = set(groups)
    given = [entry for entry in group_roles if entry.group in held]
    role = next((role for role in Role if any(entry.role is role for entry in given)), None)
    return role, frozenset().union(*(entry.service_provider_ids for entry in given if entry.role is role))
