"""What every page's frame needs: who is signed in and may do what, the menu, the theme, and where we are."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest

from carefund.access import roles, two_factor
from carefund.console.menu import list_menu

THEME_COOKIE = "carefund_theme"
THEMES = ("system", "light", "dark")


def _initials(user: User | AnonymousUser) -> str:
    """Two letters for an account: of the name, or of the username where there is none."""
    if isinstance(user, AnonymousUser):
        return ""
    return f"{user.first_name[:1]}{user.last_name[:1]}" or user.username[:2].upper()


def console(request: HttpRequest) -> dict[str, Any]:
    """The frame's values. Rights are False for whoever has not given every factor yet."""
    theme = request.COOKIES.get(THEME_COOKIE, "system")
    user = getattr(request, "user", None)
    inside = user is not None and user.is_authenticated and not two_factor.is_awaited(user)
    match = request.resolver_match
    rights = {
        "may_synchronise": bool(inside and user and roles.may_synchronise(user)),
        "may_run_in_bulk": bool(inside and user and roles.may_run_in_bulk(user)),
        "may_import_clients": bool(inside and user and roles.may_import_clients(user)),
        "may_export": bool(inside and user and roles.may_export(user)),
        "may_claim": bool(inside and user and roles.may_claim(user)),
        "may_administer": bool(inside and user and roles.may_administer(user)),
    }
    return {
        "provider_name": settings.PROVIDER_NAME,
        "funder_environment": settings.FUNDER_ENVIRONMENT,
        "theme": theme if theme in THEMES else "system",
        "page_name": match.url_name if match else "",
        "role": roles.rights_of(user).role if inside and user else None,
        "initials": _initials(user) if inside and user else "",
        "menu": list_menu(request.path, rights),
        **rights,
    }
