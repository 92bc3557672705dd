"""The form of a webhook. What may be entered is decided by the package that sends."""

from typing import Any

from django import forms

from carefund.records.models import WebhookEndpoint
from carefund.records.webhooks.events import EVENTS
from carefund.runs.webhooks.managing import LONGEST_URL, Wanted


class WebhookForm(forms.Form):
    """Where messages go, and of which events."""

    name = forms.CharField(
        label="Purpose", max_length=80, widget=forms.TextInput(attrs={"placeholder": "Rostering system"})
    )
    url = forms.CharField(
        label="Address",
        max_length=LONGEST_URL,
        widget=forms.TextInput(attrs={"placeholder": "https://…", "inputmode": "url", "spellcheck": "false"}),
        help_text="Use HTTPS. An address in a private network must be allowed in CAREFUND_WEBHOOK_ADDRESSES.",
    )
    events = forms.MultipleChoiceField(
        label="Events",
        choices=[(event, f"{label} ({event})") for event, label in EVENTS.items()],
        widget=forms.CheckboxSelectMultiple,
    )
    has_names = forms.BooleanField(
        label="Include client names",
        required=False,
        help_text="If not selected, messages contain IDs only.",
    )

    def clean(self) -> dict[str, Any]:
        """Refuse what the sender would refuse."""
        cleaned: dict[str, Any] = super().clean() or {}
        for field, problem in self.wanted.find_problems().items() if not self.errors else ():
            self.add_error(field, f"{problem[:1].upper()}{problem[1:]}.")
        return cleaned

    @property
    def wanted(self) -> Wanted:
        """What was entered."""
        entered = self.cleaned_data
        return Wanted(
            entered.get("name", ""), entered.get("url", ""), entered.get("events", []), entered.get("has_names", False)
        )


def fill_in(endpoint: WebhookEndpoint) -> dict[str, Any]:
    """Return a webhook as its form shows it."""
    return {name: getattr(endpoint, name) for name in WebhookForm.base_fields}
