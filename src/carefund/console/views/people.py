"""Users and their roles."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import redirect, render

from carefund.access import two_factor
from carefund.access.account_editing import OwnRole, keep_account
from carefund.access.accounts import Account, find_account_by_number, list_accounts
from carefund.access.audit_log import one_act, store_act
from carefund.access.directory import is_of_directory
from carefund.access.roles import Role, may_administer, rights_of
from carefund.access.sessions import count_sessions, end_sessions
from carefund.console.forms import PersonForm
from carefund.console.page_access import Request, page
from carefund.records.care_recipient.queries import find_branch_names


@page(may_administer)
def list_all(request: Request) -> HttpResponse:
    """Every account with its role, branches and second factor."""
    names = find_branch_names()
    return render(request, "console/people.html", {"people": [_line(account, names) for account in list_accounts()]})


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as the list shows it."""

    person: User
    role: str
    branches: str
    two_factor: bool


def _line(account: Account, names: Mapping[str, str]) -> AccountLine:
    own = ", ".join(names.get(branch, branch) for branch in account.branches)
    return AccountLine(
        account.person,
        account.role.value if account.role else "",
        "All" if account.role in (Role.ADMINISTRATOR, Role.FINANCE) else own or "–",
        account.two_factor,
    )


@page(may_administer)
def add(request: Request) -> HttpResponse:
    """A new account."""
    return _edit(request, User())


@page(may_administer)
def change(request: Request, user_id: int) -> HttpResponse:
    """An account's name, role, branches, whether it may sign in; its second factor and sessions can be ended here."""
    person = find_account_by_number(user_id)
    if request.method == "POST" and "remove-two-factor" in request.POST:
        if person.pk == request.user.pk:  # one's own needs the password or a code
            return redirect("console:two-factor-off")
        with one_act():
            two_factor.remove(person)
            store_act(request.user, "Second factor removed", f"account {person.get_username()}")
        messages.success(request, "Two-factor authentication is now off for this account.")
        return redirect("console:person", user_id=person.pk)
    if request.method == "POST" and "end-sessions" in request.POST:
        with one_act():
            ended = end_sessions(person, but=request.session.session_key)  # not the administrator's own
            store_act(request.user, "Sessions ended", f"account {person.get_username()}", after={"ended": ended})
        messages.success(request, "This account is signed out everywhere.")
        return redirect("console:people")
    return _edit(request, person)


def _edit(request: Request, person: User) -> HttpResponse:
    rights = rights_of(person)
    initial = {"role": rights.role or "", "service_provider_ids": sorted(rights.service_provider_ids or ())}
    is_own = person.pk == request.user.pk
    form = PersonForm(request.POST or None, instance=person, initial=initial, is_own=is_own)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        role, branches = Role(data["role"]) if data["role"] else None, data["service_provider_ids"]
        try:
            password = data.get("new_password", "")  # one's own is changed elsewhere
            keep_account(request.user, form.save(commit=False), role, branches, new_password=password)
        except OwnRole:
            form.add_error(None, "You cannot remove your own Administrator role. Ask another administrator.")
        else:
            messages.success(request, "Account saved.")
            return redirect("console:people")
    return render(
        request,
        "console/person.html",
        {
            "form": form,
            "person": person,
            "is_own": is_own,
            "device": two_factor.find_device(person) if person.pk else None,
            "sessions": count_sessions(person) if person.pk else 0,
            "is_of_directory": is_of_directory(person),
        },
    )
