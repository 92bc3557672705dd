"""What people enter about alerts: the rules, and the email of their own account."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from carefund.access.alerts import Frequency
from carefund.console.plain_fields import AmountField, WholeNumberField
from carefund.domain.alerts import MOST_AMOUNT, MOST_DAYS, AlertKind, AlertRule


class RulesForm(forms.Form):
    """A switch for each kind of alert, with its limits where it has some."""

    def __init__(self, rules: Mapping[AlertKind, AlertRule], *args: Any) -> None:
        super().__init__(*args)
        self._known = rules
        for kind, rule in rules.items():
            self.fields[f"{kind.value}-is_on"] = forms.BooleanField(
                label=kind.label, required=False, initial=rule.is_on, help_text=kind.meaning
            )
            if rule.days is not None:
                self.fields[f"{kind.value}-days"] = WholeNumberField(
                    label="Days", min_value=0, max_value=MOST_DAYS, initial=rule.days
                )
            if rule.amount is not None:
                self.fields[f"{kind.value}-amount"] = AmountField(
                    label="Amount in dollars", min_value=0, max_value=MOST_AMOUNT, decimal_places=2,
                    initial=rule.amount,
                )  # fmt: skip

    @property
    def kinds(self) -> Iterator[tuple[AlertKind, list[forms.BoundField]]]:
        """The fields of each kind."""
        for kind in self._known:
            names = [f"{kind.value}-{name}" for name in ("is_on", "days", "amount")]
            yield kind, [self[name] for name in names if name in self.fields]

    @property
    def rules(self) -> dict[AlertKind, AlertRule]:
        """What was entered."""
        given = self.cleaned_data
        return {
            kind: AlertRule(
                given[f"{kind.value}-is_on"], given.get(f"{kind.value}-days"), given.get(f"{kind.value}-amount")
            )
            for kind in self._known
        }


class MailForm(forms.Form):
    """How often one is sent alerts, where to, and whether amounts are in it."""

    frequency = forms.ChoiceField(label="How often", choices=Frequency.choices)
    email = forms.EmailField(
        label="Email address", required=False, widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    has_amounts = forms.BooleanField(label="Include amounts", required=False)

    def clean(self) -> dict[str, Any]:
        """An address is needed where something is to be sent."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("frequency") != Frequency.OFF and not given.get("email") and "email" not in self.errors:
            self.add_error("email", "Enter an email address.")
        return given
