"""Tokens for the API: one's own, and for administrators everybody's. A token's text is shown once, when it is made."""

from datetime import timedelta

from django.contrib import messages
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import may_administer
from carefund.access.tokens import create_token, find_token_by_number, list_tokens, name_token, revoke_token
from carefund.console.forms import TokenForm
from carefund.console.page_access import Request, page
from carefund.records.care_recipient.queries import find_branch_names

_PAGE_SIZE = 50


@page()
def show_own(request: Request) -> HttpResponse:
    """The tokens in one's own name, and another one."""
    return _show(request, request.user)


@page(may_administer)
def show_all(request: Request) -> HttpResponse:
    """Everybody's tokens, and another one in the name of an account such as another system's."""
    return _show(request, None)


def _show(request: Request, user: User | None) -> HttpResponse:
    form = TokenForm(request.POST or None, for_whom=user)
    made, text = None, ""
    if request.method == "POST" and form.is_valid():
        days = form.cleaned_data["days"]
        owner = user or form.cleaned_data["user"]
        with one_act():
            made, text = create_token(
                owner,
                form.cleaned_data["name"],
                timedelta(days=days) if days else None,
                scopes=form.cleaned_data["scopes"],
                service_provider_ids=form.cleaned_data.get("service_provider_ids", ()),
            )
            store_act(request.user, "API token created", name_token(made), after=made.permissions)
        form = TokenForm(for_whom=user)
    shown = Paginator(list_tokens(user), _PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "made": made, "text": text, "everybody": user is None, "branch_names": find_branch_names()}
    return render(request, "console/tokens.html", {**context, "page": shown, "tokens": shown.object_list})


@require_POST
@page()
def revoke(request: Request, token_id: int) -> HttpResponse:
    """End one of one's own tokens, or for an administrator anybody's."""
    of_anybody = may_administer(request.user)
    token = find_token_by_number(token_id, of=None if of_anybody else request.user)
    with one_act():
        revoke_token(token)
        store_act(request.user, "API token revoked", name_token(token))
    messages.success(request, f"Token “{token.name}” revoked.")
    return redirect("console:all-tokens" if of_anybody else "console:tokens")
