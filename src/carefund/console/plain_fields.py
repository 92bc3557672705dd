"""Fields of forms for numbers and days: those that `domain.plain_numbers` reads, and no other spelling."""

from datetime import date
from typing import Any

from django import forms

from carefund.domain.csv_tables import read_day
from carefund.plain_numbers import is_whole, read_decimal


class AmountField(forms.DecimalField):
    """Dollars and cents."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip():
            try:
                value = read_decimal(value)
            except ValueError:
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        return super().to_python(value)


class WholeNumberField(forms.IntegerField):
    """A number of things."""

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and value.strip() and not is_whole(value.strip()):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class DayField(forms.DateField):
    """A day of the years 1900 to 2200, as a browser's calendar sends it or as people write it: 9/7/2026, day first."""

    def __init__(self, **options: Any) -> None:
        widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
        super().__init__(**{"widget": widget} | options)

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, str) and value.strip():
            try:
                return read_day(value.strip())
            except ValueError:
                raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        return super().to_python(value)
