"""Users and their roles."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render

from carefund.access import two_factor
from carefund.access.roles import Role, give_role, may_administer, rights_of
from carefund.access.tokens import end_tokens
from carefund.console.forms import PersonForm
from carefund.console.page_access import Request, page


@page(may_administer)
def list_all(request: Request) -> HttpResponse:
    """Every account with its role, branches and second factor."""
    people = User.objects.prefetch_related("groups", "branch_memberships", "authenticator_set").order_by(
        "-is_active", "username"
    )
    return render(request, "console/people.html", {"people": [_line(person) for person in people]})


@dataclass(frozen=True, slots=True)
class AccountLine:
    """An account as the list shows it."""

    person: User
    role: str
    branches: str
    two_factor: bool


def _line(person: Any) -> AccountLine:
    names = {group.name for group in person.groups.all()}
    role = Role.ADMINISTRATOR if person.is_superuser else next((role for role in Role if role in names), None)
    branches = ", ".join(each.service_provider_id for each in person.branch_memberships.all())
    return AccountLine(
        person,
        role.value if role else "",
        "All" if role in (Role.ADMINISTRATOR, Role.FINANCE) else branches or "–",
        two_factor=any(device.confirmed for device in person.authenticator_set.all()),
    )


@page(may_administer)
def add(request: Request) -> HttpResponse:
    """A new account."""
    return _edit(request, User())


@page(may_administer)
def change(request: Request, user_id: int) -> HttpResponse:
    """An account's name, role, branches and whether it may sign in; its second factor can be taken off here."""
    person = get_object_or_404(User, pk=user_id)
    if request.method == "POST" and "remove-two-factor" in request.POST:
        two_factor.remove(person)
        messages.success(request, "Two-factor authentication is now off for this account.")
        return redirect("console:person", user_id=person.pk)
    return _edit(request, person)


def _edit(request: Request, person: User) -> HttpResponse:
    rights = rights_of(person)
    initial = {"role": rights.role or "", "service_provider_ids": sorted(rights.service_provider_ids or ())}
    form = PersonForm(request.POST or None, instance=person, initial=initial)
    if request.method == "POST" and form.is_valid():
        role = Role(form.cleaned_data["role"]) if form.cleaned_data["role"] else None
        if person.pk == request.user.pk and (role is not Role.ADMINISTRATOR or not form.cleaned_data["is_active"]):
            form.add_error(None, "You cannot remove your own Administrator role. Ask another administrator.")
        else:
            saved = form.save(commit=False)
            if form.cleaned_data["new_password"]:
                saved.set_password(form.cleaned_data["new_password"])
            saved.save()
            give_role(saved, role, form.cleaned_data["service_provider_ids"])
            if not saved.is_active:
                end_tokens(saved)
            messages.success(request, "Account saved.")
            return redirect("console:people")
    return render(
        request,
        "console/person.html",
        {"form": form, "person": person, "device": two_factor.find_device(person) if person.pk else None},
    )
