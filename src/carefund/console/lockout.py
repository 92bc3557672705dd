"""What is said after too many failed attempts: of an address, and of codes. django-axes shows the same page for a
locked account."""

from math import ceil

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from carefund.access import two_factor
from carefund.access.failed_attempts import seconds_refused


def refuse_address(request: HttpRequest) -> HttpResponse | None:
    """Return the page that says when to try again, or None for an address that may try now."""
    seconds = seconds_refused(request)
    if not seconds:
        return None
    return render(request, "console/locked_out.html", {"minutes": ceil(seconds / 60)}, status=429)


def describe_wait(device: two_factor.Authenticator) -> str:
    """Return for how long no code is looked at, in words; nothing if one may be given."""
    seconds = two_factor.seconds_to_wait(device)
    return (
        f"Too many wrong codes. Wait {seconds} second{'' if seconds == 1 else 's'}, then try again." if seconds else ""
    )
