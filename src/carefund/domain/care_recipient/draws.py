"""Who drew on a budget: one rule, and one word for each case, for every page and command.

Source: rules SYNC-07 and SYNC-14.
"""

from collections.abc import Collection
from enum import StrEnum


class DrawnBy(StrEnum):
    """Who drew, in the words that people read."""

    US = "us"
    US_WITHOUT_LINE = "us, no matching line"
    ANOTHER_PROVIDER = "another provider"


def who_drew(service_provider_id: str, own_ids: Collection[str], *, has_line: bool) -> DrawnBy:
    """Who made a draw: `service_provider_id` is the draw's own, `own_ids` are this organisation's.

    A draw for one of our invoice lines is ours. One without a provider's id and without a line is another provider's,
    as the requirement reads a draw without a line.
    """
    if has_line:
        return DrawnBy.US
    return DrawnBy.US_WITHOUT_LINE if service_provider_id in own_ids else DrawnBy.ANOTHER_PROVIDER
