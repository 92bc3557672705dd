"""Export: all records of one kind as a file for a spreadsheet or a BI tool."""

from collections.abc import Iterable
from datetime import date
from itertools import groupby
from typing import Any

from django import forms
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from carefund.access.exports import list_exports_for, open_export
from carefund.access.roles import may_export
from carefund.console.page_access import Request, page
from carefund.console.plain_fields import DayField
from carefund.records.parquet_files import MISSING, MISSING_ADVICE, is_parquet_installed
from carefund.records.table_files import MEDIA_TYPES, open_file
from carefund.sync.export_kinds import Export
from carefund.sync.exports import EXPORTS


class ExportForm(forms.Form):
    """What to take out, in which format, and as of which day."""

    FORMATS = (("xlsx", "Excel (XLSX)"), ("csv", "CSV"), ("parquet", "Parquet, for BI tools"))
    kind = forms.ChoiceField(label="Records", initial="budgets")
    file_format = forms.ChoiceField(label="Format", choices=FORMATS, widget=forms.RadioSelect, initial="xlsx")
    as_of = DayField(
        label="As of",
        required=False,
        help_text="Funding records as they were known at the end of this day. Leave blank for now.",
    )

    def __init__(self, *args: Any, exports: Iterable[Export], **named: Any) -> None:
        super().__init__(*args, **named)
        groups = groupby(exports, lambda export: export.subject.value)
        self.fields["kind"].choices = [  # type: ignore[attr-defined]
            (subject, [(export.kind, export.label) for export in some]) for subject, some in groups
        ]

    def clean_file_format(self) -> str:
        """Refuse a format that cannot be written here."""
        chosen: str = self.cleaned_data["file_format"]
        if chosen == "parquet" and not is_parquet_installed():
            raise forms.ValidationError(f"{MISSING} {MISSING_ADVICE}")
        return chosen

    def clean_as_of(self) -> date | None:
        """Refuse a day that is not over or that nothing is known of."""
        day: date | None = self.cleaned_data["as_of"]
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError("Choose today or an earlier day.")
        chosen = EXPORTS.get(self.cleaned_data.get("kind", ""))
        if day is not None and chosen is not None and chosen.as_of is None:
            raise forms.ValidationError(f"{chosen.label} can be exported for now only. Leave this blank.")
        return day


@page(may_export)
def show(request: Request) -> HttpResponse:
    """The form; its button downloads the file."""
    return render(request, "console/export.html", {"form": ExportForm(exports=list_exports_for(request.user))})


@page(may_export)
def download(request: Request) -> HttpResponseBase:
    """The file, of what this person may read; the access log names the clients."""
    form = ExportForm(request.GET, exports=list_exports_for(request.user))
    if not form.is_valid():
        return render(request, "console/export.html", {"form": form})
    kind, day, file_format = (form.cleaned_data[name] for name in ("kind", "as_of", "file_format"))
    chosen = EXPORTS[kind]
    lines = open_export(request.user, chosen, day, "export")
    file = open_file(lines, file_format, list(chosen.types.values()))
    name = f"{kind}-{day or timezone.localdate()}.{file_format}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=MEDIA_TYPES[file_format])
