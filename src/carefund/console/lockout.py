"""The answer to an address with too many failed attempts. django-axes shows the same page for a locked account."""

from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from carefund.access.failed_attempts import seconds_refused


def refuse_address(request: HttpRequest) -> HttpResponse | None:
    """Return the page that says when to try again, or None for an address that may try now."""
    seconds = seconds_refused(request)
    if not seconds:
        return None
    return render(request, "console/locked_out.html", {"minutes": ceil(seconds / 60)}, status=429)
