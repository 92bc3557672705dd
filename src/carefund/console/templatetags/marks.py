"""What is drawn beside words: icons, thin bars, and the mark of a record that is not in force.

Loaded into every template.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carefund.domain.care_recipient.in_force import Standing
from carefund.records.care_recipient.client_list import ClientRow
from carefund.records.care_recipient.funding import DatedRecord, standing_of

register = template.Library()


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """A drawing of the sprite: decoration, unless it has a label of its own."""
    use = format_html('<use href="{}#{}"></use>', static("console/icons.svg"), name)
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}">{}</svg>', label, use)
    return format_html('<svg class="icon" aria-hidden="true" focusable="false">{}</svg>', use)


@register.simple_tag
def left_bar(row: ClientRow) -> SafeString | str:
    """A thin bar of what is left of the quarter's budget; empty when it is spent."""
    left = row.left_share
    if left is None:
        return ""
    width = f"{min(max(left, Decimal(0)), Decimal(1)) * 100:.1f}%"
    return format_html(
        '<svg class="bar thin" aria-hidden="true" focusable="false">{}</svg>',
        format_html('<rect class="fill-used" height="100%" width="{}"/>', width),
    )


@register.filter
def note_icon(tone: str) -> str:
    """The drawing beside a note of a tone."""
    return {"good": "circle-check", "warn": "triangle-alert", "bad": "circle-alert"}.get(tone, "info")


@register.simple_tag
def icon_in(name: str, tone: str) -> SafeString:
    """A drawing in a colour that means something; the text beside it says the same."""
    use = format_html('<use href="{}#{}"></use>', static("console/icons.svg"), name)
    return format_html('<svg class="icon {}" aria-hidden="true" focusable="false">{}</svg>', tone, use)


@register.simple_tag
def standing(record: DatedRecord, today: date) -> SafeString | str:
    """The mark of a record that is not in force on a day: ended, to come, or no longer returned."""
    found = standing_of(record, today)
    if found is Standing.IN_FORCE:
        return ""
    kind = {Standing.NO_LONGER_RETURNED: " warn", Standing.TO_COME: " info"}.get(found, "")
    return format_html('<span class="badge{}">{}</span>', kind, found.value.capitalize())


@register.simple_tag
def count_standings(records: Iterable[DatedRecord], today: date) -> str:
    """How many records are in force, and how many stand otherwise: "3 in force, 1 ended"."""
    numbers = Counter(standing_of(record, today) for record in records)
    if not numbers:
        return ""
    return ", ".join(
        f"{numbers[state] or 'none'} {state.value}"
        for state in Standing
        if numbers[state] or state is Standing.IN_FORCE
    ).capitalize()
