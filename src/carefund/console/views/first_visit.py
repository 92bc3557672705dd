"""The first visit: the first administrator, and what is still to be done after that."""

from dataclasses import dataclass

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache

from carefund.access import failed_attempts, first_visit, two_factor
from carefund.access.accounts import list_active_accounts
from carefund.access.directory import is_of_directory
from carefund.access.first_visit import NotTheFirst
from carefund.access.roles import may_administer
from carefund.console.lockout import refuse_address
from carefund.console.page_access import Request, page
from carefund.runs.set_up_progress import find_set_up_progress

_BACKEND = "carefund.access.directory.LocalAccounts"


class FirstAccountForm(forms.ModelForm):  # type: ignore[type-arg]  # a plain class at run time
    """The first administrator."""

    password = forms.CharField(
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. A short sentence is easy to remember.",
    )
    repeated = forms.CharField(
        label="Password again", strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"})
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name")
        labels = {"username": "Username"}
        help_texts = {"username": ""}

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, self.instance)
        return password

    def clean_repeated(self) -> str:
        repeated: str = self.cleaned_data["repeated"]
        if repeated != self.cleaned_data.get("password", repeated):
            raise forms.ValidationError("This is not the same password.")
        return repeated


@never_cache
def begin(request: HttpRequest) -> HttpResponse:
    """Add the first administrator, for whoever has the link of the log."""
    key = request.POST.get("key") or request.GET.get("key", "")
    if refused := refuse_address(request):
        return refused
    if not first_visit.is_valid(key):
        failed_attempts.note_failure(request)
        return render(request, "console/first_visit.html", {"is_over": True}, status=403)
    form = FirstAccountForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            user = first_visit.add_administrator(
                given["username"], given["password"], first_name=given["first_name"], last_name=given["last_name"]
            )
        except NotTheFirst:
            return render(request, "console/first_visit.html", {"is_over": True}, status=403)
        login(request, user, backend=_BACKEND)
        messages.success(request, "Your account has been added. These are the next steps.")
        return redirect("console:getting-started")
    return render(request, "console/first_visit.html", {"form": form, "key": key})


@dataclass(frozen=True, slots=True)
class SetUpStep:
    """One thing to be done before Carefund works every night without anybody."""

    title: str
    is_done: bool
    advice: str
    address: str = ""
    button: str = "Open"


@page(may_administer)
def show_steps(request: Request) -> HttpResponse:
    """What is done and what is missing on the way to the first night."""
    steps = _list_steps(request.user)
    done = sum(step.is_done for step in steps)
    return render(request, "console/getting_started.html", {"steps": steps, "done": done})


def _list_steps(user: User) -> list[SetUpStep]:
    return [*_list_steps_to_funding(), *_list_steps_to_safety(user)]


def _list_steps_to_funding() -> list[SetUpStep]:
    """From the funder's settings to a client's figures."""
    found = find_set_up_progress()
    return [
        SetUpStep(
            "Settings of Services Australia",
            found.has_settings,
            "Funder connections lists the settings that are missing.",
            "console:connections",
        ),
        SetUpStep(
            "PRODA device",
            found.has_device,
            "Register a B2B device in PRODA, then run carefund device activate with its one-time code.",
            "console:connections",
        ),
        SetUpStep(
            "Branches",
            found.has_branches,
            "Sync Service Providers finds the Service Provider IDs of your branches.",
            "console:support-at-home",
        ),
        SetUpStep(
            "Clients",
            found.has_clients,
            "Add a client, or import a spreadsheet under Import clients.",
            "console:client-new",
            "Add a client",
        ),
        SetUpStep("First sync", found.has_run, "Start a bulk sync of all clients.", "console:run-new", "Start"),
        SetUpStep(
            "Nightly sync",
            found.runs_nightly,
            "Turn on the schedule All active clients, so that the figures are up to date each morning.",
            "console:schedules",
        ),
        SetUpStep(
            "Backups",
            found.has_backups,
            "Set CAREFUND_BACKUP_FOLDER to a folder on another disk, then restart Carefund.",
        ),
    ]


def _list_steps_to_safety(user: User) -> list[SetUpStep]:
    """Who can come in, and how."""
    return [
        SetUpStep(
            "Two-factor authentication for your account",
            is_of_directory(user) or two_factor.find_device(user) is not None,
            "Without it, your password alone gives access to every client's funding.",
            "console:two-factor",
            "Set up",
        ),
        SetUpStep(
            "More accounts",
            len(list_active_accounts()) > 1,
            "Give each person an account of their own, and a second person the Administrator role.",
            "console:people",
        ),
        SetUpStep(
            "Encrypted connection",
            settings.HTTPS,
            "Put a proxy with TLS in front of Carefund and set CAREFUND_HTTPS. Not needed on a single computer.",
        ),
    ]
