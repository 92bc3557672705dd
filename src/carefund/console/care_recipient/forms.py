"""What people type about a client, checked field by field, with the branches that this person may choose."""

from typing import Any, cast

from django import forms
from django.contrib.auth.models import User

from carefund.access.gate import list_chosen_clients, may_read_branch
from carefund.console.plain_fields import DayField
from carefund.domain.care_recipient.clients import is_care_recipient_id
from carefund.records.care_recipient.client_import import LARGEST_FILE
from carefund.records.care_recipient.clients import ID_SETTLED, ID_TAKEN, is_id_settled, is_id_taken, list_alike
from carefund.records.care_recipient.queries import list_service_providers
from carefund.records.models import Client
from carefund.runs.queries import is_under_way

_NO_BRANCH = ("", "Not known")


class ClientFileForm(forms.Form):
    """A CSV file of clients."""

    file = forms.FileField(
        label="CSV file",
        help_text="A spreadsheet saved as CSV, with a heading row and one line per client. You can preview the import "
        "first.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError("The file is larger than 16 MB. Split it into smaller files.")
        return upload


class ClientForm(forms.Form):
    """A client's own details; `client` is who is edited, None for a new one."""

    first_name = forms.CharField(label="First name", max_length=80)
    last_name = forms.CharField(label="Last name", max_length=80)
    birth_date = DayField(label="Date of birth", required=False)
    care_recipient_id = forms.CharField(
        label="Care Recipient ID",
        required=False,
        max_length=20,
        help_text="Shown on Services Australia's letters and in the portal. Leave blank if it is not known.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    service_provider_id = forms.ChoiceField(
        label="Branch (Service Provider ID)",
        required=False,
        help_text="A sync moves the client to the branch that Services Australia reports.",
    )
    is_active = forms.BooleanField(
        label="Active", required=False, help_text="An inactive client's records are frozen: no sync reads them."
    )
    is_another = forms.BooleanField(label="This is a different person. Add them.", required=False)

    def __init__(self, *args: Any, user: User, client: Client | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user, self._client = user, client
        present = client.service_provider_id if client else ""
        branches = [
            (service_provider.service_provider_id, service_provider.name_with_id)
            for service_provider in list_service_providers()
            if may_read_branch(user, service_provider.service_provider_id)
            or service_provider.service_provider_id == present
        ]
        if present and present not in dict(branches):
            branches.append((present, present))
        field = cast(forms.ChoiceField, self.fields["service_provider_id"])
        field.choices = [*branches, *([] if present else [_NO_BRANCH])]
        field.required = bool(present)
        del self.fields["is_active" if client is None else "is_another"]
        self.alike: list[Client] = []
        if client is not None and is_id_settled(client):
            self.fields["care_recipient_id"].disabled = True
            self.fields["care_recipient_id"].help_text = ID_SETTLED
        elif client is None:
            field.initial = branches[0][0] if len(branches) == 1 else ""

    @property
    def shown_fields(self) -> list[forms.BoundField]:
        """The fields to show: whether it is another person is asked only where somebody is like them."""
        return [field for field in self if field.name != "is_another" or self.alike]

    def clean_care_recipient_id(self) -> str | None:
        wanted: str = (self.cleaned_data["care_recipient_id"] or "").strip()
        present = self._client.care_recipient_id if self._client else None
        if wanted == (present or ""):
            return present
        if wanted and not is_care_recipient_id(wanted):
            raise forms.ValidationError("A Care Recipient ID can only have letters, digits and hyphens.")
        if wanted and is_id_taken(wanted):
            raise forms.ValidationError(ID_TAKEN)
        if self._client and is_under_way(self._client):
            raise forms.ValidationError(
                "A sync of this client is in progress. Wait until it finishes, then save again."
            )
        return wanted or None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if self._client is None and not data.pop("is_another", False) and not self.errors:
            alike = list_alike(data["first_name"], data["last_name"], data["birth_date"])
            seen = set(list_chosen_clients(self._user, [client.pk for client in alike]))
            self.alike = [client for client in alike if client in seen]
            if self.alike:
                self.add_error(None, "There is already a client with this name. Is it the same person?")
        return data


class ErasureForm(forms.Form):
    """What confirms an erasure: the client's ID typed, a proof of who asks, and the plan as it was shown."""

    confirmation = forms.CharField(max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    proof = forms.CharField(
        label="Your password, or a code from your authenticator app",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args: Any, words: str, plan: str, needs_proof: bool) -> None:
        super().__init__(*args)
        self._words, self._plan, self.needs_proof = words, plan, needs_proof
        self.fields["confirmation"].label = f"Type {words} to confirm"
        if not needs_proof:
            del self.fields["proof"]

    def clean_confirmation(self) -> str:
        typed: str = self.cleaned_data["confirmation"]
        if typed.strip() != self._words:
            raise forms.ValidationError(f"This is not {self._words}.")
        return typed

    def clean(self) -> dict[str, Any]:
        if self.data.get("plan") != self._plan:
            self.add_error(None, "The records have changed since you opened this page. Check the lists, then confirm.")
        return super().clean() or self.cleaned_data
