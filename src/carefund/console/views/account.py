"""One's own account: sign in and out, password, second factor, theme."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from carefund.access import failed_attempts, first_visit, openid_connect, two_factor
from carefund.access.alerts import find_mail_choice
from carefund.access.audit_log import one_act, store_act
from carefund.access.directory import is_of_directory
from carefund.access.roles import DESCRIPTIONS, rights_of
from carefund.access.sessions import count_sessions, end_sessions
from carefund.console.alert_forms import MailForm
from carefund.console.context_processors import THEME_COOKIE, THEMES
from carefund.console.forms import CodeForm, ProofForm, SetUpForm
from carefund.console.lockout import describe_wait, refuse_address
from carefund.console.page_access import Request, signed_in
from carefund.funders.errors.configuring import NotConfigured
from carefund.records.care_recipient.queries import name_branch
from carefund.runs.alerts.smtp import find_mail_obstacle

_YEAR = 365 * 86400


class SignIn(auth.LoginView):
    """Username and password; django-axes counts and throttles tries. Every page asks for the second factor."""

    template_name = "console/sign_in.html"
    redirect_authenticated_user = False

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Try to sign in, unless this address failed too often; a browser that is known may try all the same."""
        is_known = failed_attempts.is_known_browser(request, request.POST.get("username", ""))
        if not is_known and (refused := refuse_address(request)):
            return refused
        return super().post(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        name = settings.OIDC_NAME if openid_connect.is_configured() else ""
        more = {"directory_name": name, "is_first_visit": first_visit.is_awaited()}
        return super().get_context_data(**kwargs) | more

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        answer = super().form_valid(form)
        failed_attempts.remember_browser(self.request, answer, form.get_user())
        return answer


class SignOut(auth.LogoutView):
    """Ends the session, and has the browser forget what it kept of this address but for cookies."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        answer = super().dispatch(request, *args, **kwargs)
        answer.headers["Clear-Site-Data"] = '"cache", "storage"'
        return answer


class ChangePassword(auth.PasswordChangeView):
    """A new password for oneself, under the policy of the settings; other sessions end."""

    template_name = "console/password.html"
    success_url = reverse_lazy("console:account")

    def form_valid(self, form: forms.BaseForm) -> HttpResponse:
        messages.success(self.request, "Password changed. Your other sessions and your API tokens have ended.")
        with one_act():
            store_act(self.request.user, "Own password changed", f"account {self.request.user.get_username()}")
            return super().form_valid(form)  # type: ignore[arg-type]


change_password = signed_in(ChangePassword.as_view())


@signed_in
def show_account(request: Request) -> HttpResponse:
    """Who one is here, what one may do, and the keys to one's account."""
    rights = rights_of(request.user)
    branches = rights.service_provider_ids
    return render(
        request,
        "console/account.html",
        {
            "rights": rights,
            "branches": "All" if branches is None else ", ".join(sorted(map(name_branch, branches))) or "None",
            "description": DESCRIPTIONS[rights.role] if rights.role else "",
            "device": two_factor.find_device(request.user),
            "is_of_directory": is_of_directory(request.user),
            "other_sessions": count_sessions(request.user) - 1,
            "mail_form": _open_mail_form(request),
            "mail_obstacle": find_mail_obstacle(),
        },
    )


def _open_mail_form(request: Request) -> MailForm:
    choice = find_mail_choice(request.user)
    named = {"frequency": choice.frequency, "email": request.user.email, "has_amounts": choice.has_amounts}
    return MailForm(initial=named)


@signed_in
@require_POST
def end_other_sessions(request: Request) -> HttpResponse:
    """Sign oneself out everywhere else."""
    with one_act():
        ended = end_sessions(request.user, but=request.session.session_key)
        store_act(request.user, "Own sessions ended", f"account {request.user.get_username()}", after={"ended": ended})
    messages.success(request, "Your other sessions have ended.")
    return redirect("console:account")


@never_cache
def set_up_two_factor(request: HttpRequest) -> HttpResponse:
    """Pair an authenticator app. An account that has one turns it off first, which needs a proof."""
    if not request.user.is_authenticated or two_factor.is_awaited(request.user):
        return redirect("console:sign-in")
    if is_of_directory(request.user):
        messages.info(request, "Your organisation's directory signs you in. Any second factor is set up there.")
        return redirect("console:account")
    if two_factor.find_device(request.user) is not None:
        return redirect("console:two-factor-off")
    form = SetUpForm(request.POST or None)
    try:
        device = two_factor.begin_set_up(request.user)
        context = {
            "drawing": two_factor.draw_qr_code(device),
            "secret": _in_groups(two_factor.read_secret(device)),
        }
    except NotConfigured as problem:
        return render(request, "console/two_factor_set_up.html", {"problem": problem})
    if request.method == "POST" and form.is_valid() and _check_password(request, form):
        with one_act():
            is_on = _check_code(request, device, form)
            if is_on:
                store_act(request.user, "Own second factor set up", f"account {request.user.get_username()}")
        if is_on:
            messages.success(request, "Two-factor authentication is on. From now on each sign-in asks for a code.")
            return redirect("console:account")
    return render(request, "console/two_factor_set_up.html", {"form": form, **context})


@signed_in
def turn_off_two_factor(request: Request) -> HttpResponse:
    """Take the authenticator app off one's account, with the password or a code."""
    device = two_factor.find_device(request.user)
    if device is None:
        return redirect("console:account")
    form = ProofForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        if two_factor.is_proven(request, request.user, form.cleaned_data["proof"]):
            with one_act():
                two_factor.remove(request.user)
                store_act(request.user, "Own second factor removed", f"account {request.user.get_username()}")
            messages.success(request, "Two-factor authentication is off for your account.")
            return redirect("console:account")
        form.add_error("proof", describe_wait(device) or "This is not your password or the current code in your app.")
    return render(request, "console/two_factor_off.html", {"form": form})


def _check_code(request: HttpRequest, device: two_factor.Authenticator, form: CodeForm) -> bool:
    """Check a code, unless wrong ones came before; what is wrong is said on the form."""
    problem = describe_wait(device)
    try:
        if not problem and two_factor.confirm(request, device, form.cleaned_data["code"]):
            return True
    except NotConfigured:
        problem = "Your second factor cannot be read: the encryption keys have changed. Ask an administrator."
    form.add_error("code", problem or "This code is incorrect or has already been used. Wait for the next one.")
    return False


def _check_password(request: HttpRequest, form: SetUpForm) -> bool:
    """Check the password of whoever is signed in; wrong ones are counted as at the sign-in."""
    given: dict[str, Any] = {"username": request.user.get_username(), "password": form.cleaned_data["password"]}
    if authenticate(request, **given) is not None:
        return True
    form.add_error("password", "This is not your password.")
    return False


def _in_groups(secret: str) -> str:
    return " ".join(secret[start : start + 4] for start in range(0, len(secret), 4))


@never_cache
def verify_two_factor(request: HttpRequest) -> HttpResponse:
    """The second factor of a sign-in."""
    if not request.user.is_authenticated:
        return redirect("console:sign-in")
    device = two_factor.find_device(request.user)
    if device is None:
        return redirect("console:home")
    form = CodeForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and _check_code(request, device, form):
        return HttpResponseRedirect(_target(request, request.POST.get("next", "")))
    return render(request, "console/two_factor_verify.html", {"form": form, "next": request.GET.get("next", "")})


def _target(request: HttpRequest, address: str) -> str:
    """An address on this site, else the home page."""
    if url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure()):
        return address
    return str(reverse_lazy("console:home"))


@require_POST
def choose_theme(request: HttpRequest) -> HttpResponse:
    """Remember light, dark or the system's own in a cookie, and go back to where one was."""
    theme = request.POST.get("theme", "")
    if theme not in THEMES:
        return HttpResponseNotAllowed(["POST"])
    response = HttpResponseRedirect(_target(request, request.POST.get("next", "")))
    response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="Lax", httponly=True, secure=request.is_secure())
    return response
