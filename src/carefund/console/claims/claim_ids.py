"""Ids of claims in addresses. Whoever writes `<claim:…>` in an address imports this module, which makes it known."""

from django.urls import register_converter


class ClaimIdConverter:
    """The funder's id of a claim. One that no address can hold, which older versions stored, leads to no page, so that
    the lists that link to it can still be shown."""

    regex = "[^/]+"

    def to_python(self, value: str) -> str:
        """Return the id."""
        return value

    def to_url(self, value: str) -> str:
        """Return what stands for the id in an address."""
        return value.replace("/", "-") or "-"


register_converter(ClaimIdConverter, "claim")
