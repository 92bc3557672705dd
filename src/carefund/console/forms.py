"""What people type into the console, checked. Field by field; what the values do is decided elsewhere."""

from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password

from carefund.access import openid_connect
from carefund.access.accounts import list_active_accounts
from carefund.access.directory import is_of_directory
from carefund.access.gate import may_read_branch
from carefund.access.roles import DESCRIPTIONS, Role
from carefund.access.tokens import SCOPES, TokenScope
from carefund.console.labels import PARTS
from carefund.console.plain_fields import WholeNumberField
from carefund.records.care_recipient.queries import list_service_providers
from carefund.runs.models import Run, Schedule
from carefund.runs.schedule import ENTRIES, list_changeable

if TYPE_CHECKING:
    _UserForm = forms.ModelForm[User]
    _ScheduleForm = forms.ModelForm[Schedule]
else:
    _UserForm = _ScheduleForm = forms.ModelForm


_PARTS_OF_EACH = [(value, words) for value, words in PARTS.items() if value != Run.Parts.SURVEY]


def _name_branches() -> list[tuple[str, str]]:
    """Every branch with what it is called where one chooses."""
    return [(branch.service_provider_id, branch.name_with_id) for branch in list_service_providers()]


class CodeForm(forms.Form):
    """Six digits of an authenticator app."""

    code = forms.CharField(
        label="6-digit code",
        max_length=8,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "one-time-code", "autofocus": True}),
    )

    def clean_code(self) -> str:
        code = "".join(self.cleaned_data["code"].split())
        if not (code.isascii() and code.isdecimal() and len(code) == 6):
            raise forms.ValidationError("The code has 6 digits and changes every 30 seconds.")
        return code


class SetUpForm(CodeForm):
    """A code of the app that is being paired, and the password: a session alone adds no second factor."""

    password = forms.CharField(
        label="Your password",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )


class ProofForm(forms.Form):
    """What shows that it is really the account's owner who asks."""

    proof = forms.CharField(
        label="Your password, or a code from the app",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )


class PersonForm(_UserForm):
    """An account with its role and branches; the password only when it is new or to be replaced."""

    role = forms.ChoiceField(
        required=False,
        choices=[("", "No role: no access"), *((role, f"{role}: {DESCRIPTIONS[role]}") for role in Role)],
        widget=forms.RadioSelect,
    )
    service_provider_ids = forms.MultipleChoiceField(
        label="Branches (for Coordinator and Read-only)", required=False, widget=forms.CheckboxSelectMultiple
    )
    new_password = forms.CharField(
        label="Password",
        required=False,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="At least 12 characters. Give it to the user privately. They can change it under Your account.",
    )

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "is_active")
        labels = {"username": "Username", "is_active": "Can sign in"}
        help_texts = {"username": "", "is_active": "Clear this instead of deleting the account."}

    def __init__(self, *args: Any, is_own: bool = False, **kwargs: Any) -> None:
        """Of one's own account the password is changed on one's own page, which asks for the present one."""
        super().__init__(*args, **kwargs)
        branches = cast(forms.MultipleChoiceField, self.fields["service_provider_ids"])
        branches.choices = _name_branches()
        self._adapt_password(is_own=is_own)

    def _adapt_password(self, *, is_own: bool) -> None:
        field = self.fields["new_password"]
        if is_own or is_of_directory(self.instance):
            del self.fields["new_password"]
        elif self.instance.pk:
            field.help_text = (
                "Leave blank to keep the current password. A new one ends this person's sessions and API tokens."
            )
        elif openid_connect.is_configured():
            field.help_text = "Leave blank if this person signs in with your organisation's directory."
        else:
            field.required = True

    def clean_new_password(self) -> str:
        password: str = self.cleaned_data["new_password"]
        if password:
            validate_password(password, self.instance)
        return password


class TokenForm(forms.Form):
    """A token for the API: what it is for, what it may do and until when; whose it is only where one may choose."""

    LIFETIMES = (("30", "30 days"), ("90", "90 days"), ("365", "One year"), ("", "Until it is revoked"))
    name = forms.CharField(
        label="Purpose", max_length=80, widget=forms.TextInput(attrs={"placeholder": "Rostering system"})
    )
    days = forms.TypedChoiceField(
        label="Valid for", choices=LIFETIMES, coerce=int, empty_value=None, required=False, initial="90"
    )
    user = forms.ModelChoiceField(
        label="Account",
        queryset=list_active_accounts(),
        help_text="The token can do at most what this account can do.",
    )
    scopes = forms.MultipleChoiceField(
        label="Permissions",
        choices=list(SCOPES.items()),
        initial=[TokenScope.READ],
        widget=forms.CheckboxSelectMultiple,
    )
    service_provider_ids = forms.MultipleChoiceField(
        label="Branches",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="If none is selected, the token can use all branches of the account.",
    )

    def __init__(self, *args: Any, for_whom: User | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        branches = cast(forms.MultipleChoiceField, self.fields["service_provider_ids"])
        branches.choices = [
            (service_provider_id, name)
            for service_provider_id, name in _name_branches()
            if for_whom is None or may_read_branch(for_whom, service_provider_id)
        ]
        if not branches.choices:
            del self.fields["service_provider_ids"]
        if for_whom is not None:
            del self.fields["user"]


class RunForm(forms.Form):
    """A bulk synchronisation: who, and which parts of their records."""

    SCOPES = (
        ("everybody", "All active clients"),
        ("provider", "Clients of one branch"),
        ("failed", "Clients whose last sync failed"),
        ("older", "Clients not checked for a number of hours"),
        ("file", "A file of Care Recipient IDs"),
    )
    scope = forms.ChoiceField(label="Who", choices=SCOPES, widget=forms.RadioSelect, initial="everybody")
    service_provider_id = forms.ChoiceField(label="Branch", required=False)
    hours = WholeNumberField(label="Hours", required=False, min_value=1, max_value=8760, initial=24)
    ids_file = forms.FileField(
        label="File with one Care Recipient ID per line",
        required=False,
        help_text="Text or CSV, up to 5 MB. Carefund reads the first column.",
    )
    parts = forms.ChoiceField(
        label="What",
        choices=list(PARTS.items()),
        widget=forms.RadioSelect,
        initial=Run.Parts.EVERYTHING,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        providers = cast(forms.ChoiceField, self.fields["service_provider_id"])
        providers.choices = [("", "Select one"), *_name_branches()]

    def leave_out_survey(self) -> None:
        """A survey is of everybody, and not of those ticked."""
        cast(forms.ChoiceField, self.fields["parts"]).choices = _PARTS_OF_EACH

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("parts") == Run.Parts.SURVEY and data.get("scope") != "everybody":
            self.add_error(
                "parts",
                "A survey covers all active clients. Select All active clients, or something other than Survey.",
            )
        needed = {"provider": "service_provider_id", "older": "hours", "file": "ids_file"}.get(data.get("scope", ""))
        if needed and not data.get(needed) and needed not in self.errors:
            self.add_error(needed, "Enter this, or select another option under Who.")
        upload = data.get("ids_file")
        if upload and upload.size > 5 * 1024 * 1024:
            self.add_error("ids_file", "The file is larger than 5 MB. Split it into smaller files.")
        return data


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class ScheduleForm(_ScheduleForm):
    """When a scheduled run begins, and what of each person it synchronises."""

    weekday = forms.TypedChoiceField(
        label="Day",
        required=False,
        coerce=int,
        empty_value=None,
        choices=[("", "Every day"), *((str(number), name) for number, name in enumerate(_WEEKDAYS))],
    )

    parts = forms.ChoiceField(label="What", choices=list(PARTS.items()))

    class Meta:
        model = Schedule
        fields = ("is_enabled", "at", "weekday", "every_minutes", "parts")
        labels = {"is_enabled": "Turned on", "at": "Time", "every_minutes": "Minutes between runs"}
        help_texts = {"at": ""}
        field_classes = {"every_minutes": WholeNumberField}
        widgets = {"at": forms.TimeInput(format="%H:%M", attrs={"type": "time"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Only what says when this schedule is due may be changed."""
        super().__init__(*args, **kwargs)
        entry = ENTRIES[self.instance.kind]
        if not entry.has_survey:
            cast(forms.ChoiceField, self.fields["parts"]).choices = _PARTS_OF_EACH
        unused = set(self.fields) - list_changeable(self.instance)
        for name in unused:
            del self.fields[name]
        for name in {"at", "every_minutes"} - unused:
            self.fields[name].required = True
