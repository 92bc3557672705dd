"""What people type about spending: a question, a planned service, a balance; checked field by field."""

from datetime import date
from decimal import Decimal
from typing import Any, cast

from django import forms

from carefund.console.plain_fields import AmountField, DayField
from carefund.domain.care_recipient.planned import Frequency
from carefund.domain.care_recipient.planned_file import PLANNED_FROM
from carefund.domain.claims.funding_sources import FUNDING_SOURCES
from carefund.records.models import UnspentBalance

FUNDING = tuple((code, FUNDING_SOURCES[code]) for code in PLANNED_FROM)
EVERY = (
    (Frequency.ONCE, "Once"), (Frequency.WEEKLY, "Each week"), (Frequency.FORTNIGHTLY, "Each fortnight"),
    (Frequency.MONTHLY, "Each month"),
)  # fmt: skip
_FIRST_DAY, _LAST_DAY = date(2025, 11, 1), date(2099, 12, 31)
_HIGHEST_PRICE = Decimal("999999.99")


class _Day(DayField):
    """A day within the programme's years."""

    def clean(self, value: Any) -> Any:
        day = super().clean(value)
        if day is not None and not _FIRST_DAY <= day <= _LAST_DAY:
            raise forms.ValidationError("Enter a date from 1 November 2025 to 31 December 2099.")
        return day


def _amount(label: str, least: str, **options: Any) -> AmountField:
    widget = forms.NumberInput(attrs={"inputmode": "decimal", "step": "0.01"})
    return AmountField(
        label=label,
        min_value=Decimal(least),
        max_value=_HIGHEST_PRICE,
        max_digits=8,
        decimal_places=2,
        widget=widget,
        **options,
    )


class QuestionForm(forms.Form):
    """One more service: does it fit, and until when?"""

    price = _amount("Price per visit ($)", "0.01")
    frequency = forms.ChoiceField(label="How often", choices=EVERY, initial=Frequency.FORTNIGHTLY)
    from_date = _Day(label="From")
    funding_source = forms.ChoiceField(label="Paid from", choices=FUNDING, initial="ON")


class PlannedForm(forms.Form):
    """A service that is booked."""

    prefix = "planned"
    service_id = forms.ChoiceField(label="Service")
    price = _amount("Price per visit ($)", "0.01")
    frequency = forms.ChoiceField(label="How often", choices=EVERY, initial=Frequency.WEEKLY)
    from_date = _Day(label="First visit")
    to_date = _Day(label="Last day", required=False, help_text="Leave blank if there is no end date.")
    funding_source = forms.ChoiceField(label="Paid from", choices=FUNDING, initial="ON")

    def __init__(self, *args: Any, services: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._services = services
        field = cast(forms.ChoiceField, self.fields["service_id"])
        field.choices = [(code, f"{text} ({code})" if text else code) for code, text in services.items()]
        field.help_text = "" if services else "The services approved for the client come with a sync."

    def clean(self) -> dict[str, Any]:
        values: dict[str, Any] = super().clean() or {}
        first, last = values.get("from_date"), values.get("to_date")
        if first and last and last < first:
            self.add_error("to_date", "The last day is before the first visit.")
        values["service_text"] = self._services.get(values.get("service_id", ""), "")
        return values


class BalanceForm(forms.Form):
    """What unspent funds came to on a day."""

    prefix = "balance"
    source = forms.ChoiceField(label="Unspent funds", choices=UnspentBalance.Source)
    amount = _amount("Balance ($)", "0")
    balance_date = _Day(label="On")

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today
        self.fields["balance_date"].initial = today

    def clean_balance_date(self) -> date:
        day: date = self.cleaned_data["balance_date"]
        if day > self._today:
            raise forms.ValidationError("That date is in the future.")
        return day
