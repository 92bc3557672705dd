"""Accounts by API: who there is, their role and branches, whether they may sign in. No rules here.

Passwords and second factors are not: whoever holds a token must not be able to sign in as somebody.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from django.contrib.auth.models import User
from ninja import Field, Path, Router, Schema, Status

from carefund.access.account_editing import OwnRole, keep_account
from carefund.access.accounts import Account, AccountExists, find_account_by_number, has_account, list_accounts
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import Role, may_administer
from carefund.access.sessions import end_sessions
from carefund.records.care_recipient.queries import find_branch_names
from carefund.rest.problems import NOT_CHANGED, ApiProblem, LineProblem, refusals
from carefund.rest.tokens import AuthenticatedRequest, BearerToken, of_every_branch
from carefund.rest.values import BranchId, Flag, Given, Number, Text

router = Router(tags=["administration"])
_MAY = BearerToken(of_every_branch(may_administer))
PersonId = Annotated[Number, Path()]
_EMAIL = r"^[^@\s\x00-\x1f\x7f]+@[^@\s\x00-\x1f\x7f]+$"


class PersonIn(Given):
    """What an account is like. Branches count for Coordinator and Read-only; a role of null has no access."""

    first_name: Annotated[Text, Field(max_length=150)] = ""
    last_name: Annotated[Text, Field(max_length=150)] = ""
    email: Literal[""] | Annotated[str, Field(max_length=254, pattern=_EMAIL)] = ""
    is_active: Flag = True
    role: Literal["Administrator", "Finance", "Coordinator", "Read-only"] | None
    service_provider_ids: Annotated[list[BranchId], Field(max_length=1000)] = []


class NewPersonIn(PersonIn):
    """A new account."""

    username: Annotated[str, Field(min_length=1, max_length=150, pattern=r"^[A-Za-z0-9_.@+-]+$")]


class PersonOut(Schema):
    """An account. `service_provider_ids` is null where every branch is theirs."""

    person_id: int
    username: str
    first_name: str
    last_name: str
    email: str
    is_active: bool
    role: str | None
    service_provider_ids: list[str] | None
    two_factor: bool
    last_sign_in_at: datetime | None


class EndedOut(Schema):
    """How many sessions were ended."""

    ended: int


@router.get("", auth=_MAY, response={200: list[PersonOut], **NOT_CHANGED, **refusals()}, operation_id="list_people")
def list_all(request: AuthenticatedRequest) -> list[dict[str, Any]]:
    """Every account, those that may sign in first."""
    return [_describe(account) for account in list_accounts()]


@router.post("", auth=_MAY, response={201: PersonOut, **refusals(409, 413, 415)}, operation_id="add_person")
def add(request: AuthenticatedRequest, wanted: NewPersonIn) -> Status[dict[str, Any]]:
    """Add an account. It cannot sign in until an administrator gives it a password on its page."""
    if has_account(wanted.username):
        raise _taken()
    person = User(username=wanted.username)
    return Status(201, _keep(request, person, wanted))


@router.get(
    "/{person_id}",
    auth=_MAY,
    response={200: PersonOut, **NOT_CHANGED, **refusals(404)},
    operation_id="find_person",
)
def show(request: AuthenticatedRequest, person_id: PersonId) -> dict[str, Any]:
    """Return an account."""
    return _find(find_account_by_number(person_id).pk)


@router.put(
    "/{person_id}",
    auth=_MAY,
    response={200: PersonOut, **refusals(404, 409, 413, 415)},
    operation_id="edit_person",
)
def edit(request: AuthenticatedRequest, person_id: PersonId, wanted: PersonIn) -> Status[dict[str, Any]]:
    """Change an account: all of it is as given afterwards. The tokens of one that may not sign in end."""
    return Status(200, _keep(request, find_account_by_number(person_id), wanted))


@router.post(
    "/{person_id}/end-sessions",
    auth=_MAY,
    response={200: EndedOut, **refusals(404)},
    operation_id="end_sessions",
)
def sign_out(request: AuthenticatedRequest, person_id: PersonId) -> Status[dict[str, Any]]:
    """Sign an account out everywhere."""
    person = find_account_by_number(person_id)
    with one_act():
        ended = end_sessions(person)
        store_act(request.auth, "Sessions ended", f"account {person.get_username()}", after={"ended": ended})
    return Status(200, {"ended": ended})


def _keep(request: AuthenticatedRequest, person: User, wanted: PersonIn) -> dict[str, Any]:
    unknown = set(wanted.service_provider_ids) - set(find_branch_names())
    if unknown:
        problem = LineProblem(line=None, field="service_provider_ids", message="has one that Carefund does not know")
        raise ApiProblem("invalid", problems=[problem])
    for name in ("first_name", "last_name", "email", "is_active"):
        setattr(person, name, getattr(wanted, name))
    try:
        role = Role(wanted.role) if wanted.role else None
        kept = keep_account(request.auth, person, role, wanted.service_provider_ids)
    except OwnRole:
        raise ApiProblem(
            "conflict",
            "The account of this token would lose its own Administrator role.",
            advice="Ask another administrator.",
        ) from None
    except AccountExists:
        raise _taken() from None
    return _find(kept.pk)


def _taken() -> ApiProblem:
    return ApiProblem("conflict", "An account with this name already exists.", advice="Choose another name.")


def _find(number: int) -> dict[str, Any]:
    return next(_describe(account) for account in list_accounts() if account.person.pk == number)


def _describe(account: Account) -> dict[str, Any]:
    person, has_all = account.person, account.role in (Role.ADMINISTRATOR, Role.FINANCE)
    names = ("username", "first_name", "last_name", "email", "is_active")
    return {
        **{name: getattr(person, name) for name in names},
        "person_id": person.pk,
        "role": account.role.value if account.role else None,
        "service_provider_ids": None if has_all else sorted(account.branches),
        "two_factor": account.two_factor,
        "last_sign_in_at": person.last_login,
    }
