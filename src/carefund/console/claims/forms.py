"""What people type on the claim pages, checked field by field."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, cast

from django import forms

from carefund.console.plain_fields import DayField
from carefund.domain.claims.funding_sources import FUNDING_SOURCES, name_funding
from carefund.records.care_recipient.queries import find_branch_names
from carefund.records.claims.exceptions import NOBODY
from carefund.records.claims.invoice_uploads import LARGEST_FILE
from carefund.records.claims.late_evidence import LARGEST_EVIDENCE
from carefund.records.models import ExceptionCase
from carefund.records.own_service_provider_ids import list_own_service_provider_ids
from carefund.sync.claims.preparing import BatchChoice

FUNDING = (("", "All funding types"), *((code, name_funding(code)) for code in FUNDING_SOURCES))


class InvoiceFileForm(forms.Form):
    """A CSV file of invoice lines."""

    file = forms.FileField(
        label="CSV file",
        help_text="A file from your own system, with a heading row and one line per delivered service. You can preview "
        "the import first.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,text/csv"}),
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_FILE:
            raise forms.ValidationError("The file is larger than 64 MB. Split it into smaller files.")
        return upload


class EvidenceForm(forms.Form):
    """A PDF that says why a line comes late."""

    file = forms.FileField(
        label="Evidence (PDF)",
        help_text="Up to 5 MB. It is sent with the line. Services Australia then assesses the whole invoice.",
        widget=forms.FileInput(attrs={"accept": "application/pdf,.pdf"}),
    )

    def clean_file(self) -> Any:
        upload = self.cleaned_data["file"]
        if upload.size > LARGEST_EVIDENCE:
            raise forms.ValidationError(
                "The file is larger than 5 MB. Scan it in fewer colours or at a lower resolution."
            )
        return upload


class BatchForm(forms.Form):
    """Which open lines to claim together."""

    service_provider_id = forms.ChoiceField(label="Branch")
    funding_source = forms.ChoiceField(label="Funding", required=False, choices=FUNDING)
    from_date = DayField(label="Delivered from")
    to_date = DayField(label="Delivered to")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = find_branch_names()
        branches = cast(forms.ChoiceField, self.fields["service_provider_id"])
        branches.choices = [(own_id, names.get(own_id, own_id)) for own_id in list_own_service_provider_ids()]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if data.get("from_date") and data.get("to_date") and data["from_date"] > data["to_date"]:
            self.add_error("to_date", "The last day is before the first day.")
        return data

    def choice(self) -> BatchChoice:
        """The choice that a valid form holds."""
        data = self.cleaned_data
        return BatchChoice(data["service_provider_id"], data["from_date"], data["to_date"], data["funding_source"])


class CaseForm(forms.Form):
    """Whose exceptions are, until when, how they stand, and a note. What is left empty stays as it is."""

    owner = forms.ChoiceField(label="Owner", required=False)
    due_date = DayField(label="Due", required=False)
    state = forms.ChoiceField(
        label="State",
        required=False,
        choices=[("", "Leave as is"), *((state.value, state.label.capitalize()) for state in ExceptionCase.State)],
    )
    note = forms.CharField(label="Note", required=False, max_length=1000)

    def __init__(self, *args: Any, people: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        owner = cast(forms.ChoiceField, self.fields["owner"])
        owner.choices = [("", "Leave as is"), (NOBODY, "No owner"), *((str(number), name) for number, name in people)]

    def sets(self) -> dict[str, Any]:
        """What a valid form changes, by column."""
        data = self.cleaned_data
        changes: dict[str, Any] = {name: data[name] for name in ("due_date", "state") if data[name]}
        if data["owner"]:
            changes["owner"] = None if data["owner"] == NOBODY else int(data["owner"])
        return changes


def first_choice(today: date) -> dict[str, Any]:
    """What the form begins with: the last 90 days."""
    return {"from_date": today - timedelta(days=90), "to_date": today}
