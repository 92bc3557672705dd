"""Export: every client's records of one kind as a file for a spreadsheet."""

from django import forms
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone

from carefund.access.access_log import store_export
from carefund.access.gate import list_clients_for
from carefund.access.roles import may_export
from carefund.console.page_access import Request, page
from carefund.console.plain_fields import DayField
from carefund.records.table_files import MEDIA_TYPES, open_file
from carefund.sync.care_recipient.exporting import EXPORTS


class ExportForm(forms.Form):
    """What to take out, in which format, and as of which day."""

    FORMATS = (("xlsx", "Excel (XLSX)"), ("csv", "CSV"))
    kind = forms.ChoiceField(
        label="Records", choices=[(export.kind, export.label) for export in EXPORTS.values()], initial="budgets"
    )
    file_format = forms.ChoiceField(label="Format", choices=FORMATS, widget=forms.RadioSelect, initial="xlsx")
    as_of = DayField(
        label="As of",
        required=False,
        help_text="Records as they were known at the end of this day. Leave blank for now.",
    )

    def clean_as_of(self) -> object:
        """Refuse a day that is not over or that nothing is known of."""
        day = self.cleaned_data["as_of"]
        if day is not None and day > timezone.localdate():
            raise forms.ValidationError("Choose today or an earlier day.")
        if day is not None and self.cleaned_data.get("kind") == "clients":
            raise forms.ValidationError("The list of clients is available for now only. Leave this blank.")
        return day


@page(may_export)
def show(request: Request) -> HttpResponse:
    """The form; its button downloads the file."""
    return render(request, "console/export.html", {"form": ExportForm()})


@page(may_export)
def download(request: Request) -> HttpResponseBase:
    """The file, of the clients whom this person may read; the access log names them."""
    form = ExportForm(request.GET)
    if not form.is_valid():
        return render(request, "console/export.html", {"form": form})
    chosen, day, file_format = (form.cleaned_data[name] for name in ("kind", "as_of", "file_format"))
    clients = list_clients_for(request.user)
    store_export(request.user, f"{EXPORTS[chosen].label} (export)", clients=clients)
    file = open_file(EXPORTS[chosen].list_lines(clients, day), file_format)
    name = f"{chosen}-{day or timezone.localdate()}.{file_format}"
    return FileResponse(file, as_attachment=True, filename=name, content_type=MEDIA_TYPES[file_format])
