"""Today, where the provider is."""

from datetime import date

from django.conf import settings
from django.utils import timezone


def business_today() -> date:
    """The day of the provider's calendar, by which budgets are open and plans active. Source: rule SAH-14."""
    return timezone.now().astimezone(settings.BUSINESS_TIME_ZONE).date()
