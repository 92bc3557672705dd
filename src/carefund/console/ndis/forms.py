"""What people type about the NDIS, checked field by field."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from carefund.console.plain_fields import DayField
from carefund.domain.ndis.categories import CATEGORIES
from carefund.records.models import Client
from carefund.runs.ndis.enabling import NdisDetails


class ParticipantForm(forms.Form):
    """A client's NDIS details; API access counts only beside the PACE tick."""

    ndis_number = forms.CharField(
        label="NDIS number",
        required=False,
        max_length=12,
        help_text="9 digits, as shown on the plan",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    surname = forms.CharField(
        label="Surname at the NDIA", required=False, max_length=80, help_text="Only if it differs from the client's."
    )
    birth_date = DayField(
        label="Date of birth at the NDIA",
        required=False,
        help_text="Only if it differs from the client's.",
    )
    is_pace_participant = forms.BooleanField(label="NDIS PACE participant", required=False)
    api_access = forms.BooleanField(label="API access", required=False)

    def __init__(self, *args: Any, client: Client, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._client, self._user = client, user

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if not self.errors:
            for field, problem in self.details.find_problems(self._user, self._client).items():
                self.add_error(field, problem)
        return data

    @property
    def details(self) -> NdisDetails:
        """What was typed."""
        return NdisDetails.read(**self.cleaned_data)


class SettingsForm(forms.Form):
    """The organisation's switches, and a category for each text that nobody knows."""

    pace_api = forms.BooleanField(label="PACE API", required=False)

    def __init__(self, *args: Any, unknown: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._texts = {f"category_{place}": text for place, text in enumerate(unknown)}
        choices = [
            ("", "Not decided"),
            *((category.number, f"{category.number} {category.name}") for category in CATEGORIES),
        ]
        for name, text in self._texts.items():
            self.fields[name] = forms.ChoiceField(label=f"“{text}” is", required=False, choices=choices)

    @property
    def category_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self._texts]

    def mapped(self) -> dict[str, str]:
        """The texts that somebody decided on, with the category's number."""
        return {text: number for name, text in self._texts.items() if (number := self.cleaned_data.get(name))}
