"""Trust, but verify: when a survey's lists are not enough and everybody is read in full. Source: rule SYNC-19."""

from datetime import datetime, timedelta

from django.conf import settings

from carefund.records.care_recipient.surveys import find_trust

_WEEK = timedelta(days=7)
_MONTH = timedelta(days=30)
_LEAST_DRIFTED = 2  # one alone may have moved between the list and the answer


def find_reason_for_full(now: datetime) -> str:
    """Why everybody is to be read in full although the lists could be read; "" when there is no reason.

    Weekly, until for a month nothing was found that the lists had not shown; from then on as often as is set.
    """
    trust = find_trust(now - _MONTH)
    if trust.drifted >= _LEAST_DRIFTED and trust.drifted * 100 > settings.SURVEY_DRIFT_PERCENT * trust.checked:
        return f"{trust.drifted:,} of {trust.checked:,} had changed although the lists showed no change"
    if trust.first_at is None:
        return ""
    last = trust.full_at or trust.first_at
    is_trusted = trust.first_at <= now - _MONTH and not trust.drifted_lately
    days = settings.SURVEY_FULL_PASS_DAYS
    if not is_trusted:
        return (
            "for the first month all clients are read in full each week, to check the lists"
            if last <= now - _WEEK
            else ""
        )
    return f"a full pass is due every {days} days" if days and last <= now - timedelta(days=days) else ""
