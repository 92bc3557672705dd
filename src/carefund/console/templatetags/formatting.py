"""How values are written for people: money, dates, ages, shares, levels and names.

Money has thousands separators, cents and a true minus sign; a date reads 3 May 2026; an age has its instant on hover.
What is not known is said in words, never as zero. Loaded into every template.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal

from django import template
from django.apps import apps
from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from carefund.console.labels import advise, name_value
from carefund.domain.claims.funding_sources import name_funding
from carefund.domain.wording import write_day, write_drawn, write_money, write_percentage
from carefund.records.amounts import Unreadable
from carefund.records.care_recipient.client_list import ONGOING
from carefund.records.models import PlanBudget
from carefund.records.models.columns import label_of
from carefund.runs.models import RunItem
from carefund.sync.change_log.record_names import name_budget, name_level

register = template.Library()

_STEPS = ((86400 * 365, "year"), (86400 * 30, "month"), (86400, "day"), (3600, "hour"), (60, "minute"))


def write_instant(at: datetime) -> str:
    """An instant as text in the business time zone: 3 May 2026, 10:42 am AEST."""
    local = timezone.localtime(at)
    hour = local.hour % 12 or 12
    return f"{write_day(local.date())}, {hour}:{local:%M} {'am' if local.hour < 12 else 'pm'} {local:%Z}"


def write_duration(span: timedelta) -> str:
    """A span in its two largest parts: 2 h 5 min, 40 s."""
    seconds = max(int(span.total_seconds()), 0)
    hours, rest = divmod(seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


@register.filter
def money(amount: Decimal | None) -> SafeString:
    """An amount in its own mark, negative ones set apart by sign and colour; a dash for one that nobody sent."""
    if amount is None:
        return format_html(
            '<span class="unknown" title="Not given">{}<span class="hidden">not given</span></span>', "–"
        )
    if isinstance(amount, Unreadable):
        return format_html('<span class="unknown">{}</span>', amount)
    return format_html('<span class="money{}">{}</span>', " negative" if amount < 0 else "", write_money(amount))


@register.filter
def lowered(amount: Decimal | None) -> SafeString:
    """A size that lowers a budget, with a minus sign: 0.00 stays as it is. It is in no alarming colour, since money is
    there to be used; only a result below zero is."""
    if not amount or isinstance(amount, Unreadable):
        return money(amount)
    return format_html('<span class="money">{}</span>', write_money(-abs(amount)))


@register.filter
def deducted(size: Decimal | None) -> SafeString:
    """A size that is taken off, shown as negative; below zero it was given back, and the plus is written out."""
    if size is not None and size < 0:
        return format_html('<span class="money">+{}</span>', write_money(-size))
    return lowered(size)


@register.filter
def day(value: date | None) -> str:
    """A date, or nothing."""
    return write_day(value) if value else ""


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """An instant in full."""
    if value is None:
        return ""
    return format_html('<time datetime="{}">{}</time>', value.isoformat(timespec="seconds"), write_instant(value))


@register.filter
def age(value: datetime | None) -> SafeString | str:
    """How long ago an instant was, with the instant itself on hover."""
    if value is None:
        return "never"
    seconds = (timezone.now() - value).total_seconds()
    text = "just now"
    for size, name in _STEPS:
        number = int(abs(seconds) // size)
        if number:
            text = f"{number} {name}{'' if number == 1 else 's'}"
            text = f"in {text}" if seconds < 0 else f"{text} ago"
            break
    instant = value.isoformat(timespec="seconds")
    return format_html('<time datetime="{}" title="{}">{}</time>', instant, write_instant(value), text)


@register.filter
def duration(value: timedelta | None) -> str:
    """A span of time, or nothing."""
    return write_duration(value) if value is not None else ""


@register.filter
def share(value: Decimal | None) -> SafeString:
    """A percentage as the funder gave it, without needless zeros. Not given is not 0%."""
    if value is None:
        return format_html('<span class="unknown">{}</span>', "Not given")
    if isinstance(value, Unreadable):
        return format_html('<span class="unknown">{}</span>', value)
    return format_html('<span class="number">{}</span>', write_percentage(value))


@register.filter
def drawn(amount: Decimal) -> str:
    """What draws come to, in words."""
    return write_drawn(amount)


@register.filter
def number(value: int | None) -> str:
    """A count with thousands separators."""
    return "" if value is None else f"{value:,}"


@register.filter
def level(classifications: Iterable[object]) -> str:
    """The levels in force in a few words, the ongoing one first: "Level 5, Assistive technology high"."""
    ordered = sorted(classifications, key=lambda classification: getattr(classification, "code", "") != ONGOING)
    return ", ".join(dict.fromkeys(name_level(classification) for classification in ordered))


@register.filter
def main_level(classifications: Iterable[object]) -> str:
    """The ongoing level alone; the others only where there is none."""
    held = list(classifications)
    return level([classification for classification in held if getattr(classification, "code", "") == ONGOING] or held)


@register.filter
def one_level(classification: object) -> str:
    """One classification in a few words."""
    return name_level(classification)


@register.filter
def plain_money(amount: Decimal) -> str:
    """An amount as bare text, for labels."""
    return write_money(amount)


@register.filter
def as_text(name: str) -> str:
    """An operation's or a code's name as words."""
    return name.replace("_", " ").replace("-", " ").capitalize()


@register.filter
def label(value: str) -> str:
    """A stored value of the ledger in the words that every page uses for it."""
    return name_value(value)


@register.simple_tag(takes_context=True)
def advice(context: template.Context, item: RunItem) -> str:
    """What this reader can do about a failed sync."""
    return advise(item.error_code, item.advice, may_administer=bool(context.get("may_administer")))


@register.filter
def person_name(user: User | None) -> str:
    """What people call an account: its full name, or the username where there is none; "" for nobody."""
    return (user.get_full_name() or user.username) if user else ""


@register.filter
def budget_name(budget: PlanBudget) -> str:
    """What every page calls a budget: its kind, and its quarter or dates."""
    return name_budget(budget)


@register.filter
def funding_name(code: str) -> str:
    """A kind of funding by its meaning, with its code: Home support ongoing (ON)."""
    return name_funding(code)


@register.filter
def named(service_provider_ids: Iterable[str], names: Mapping[str, str]) -> str:
    """Branches by what people call them."""
    return ", ".join(names.get(branch, branch) for branch in service_provider_ids)


@register.filter
def in_threes(ndis_number: str | None) -> str:
    """An NDIS number as it stands on its owner's card: 430 000 003; "" for none."""
    number = ndis_number or ""
    return " ".join(number[start : start + 3] for start in range(0, len(number), 3))


@register.filter
def said(text: str | None) -> SafeString | str:
    """A value as people read it: a dash for nothing."""
    return text or format_html('<span class="unknown" title="Nothing">{}</span>', "–")


@register.filter
def field(name: str) -> str:
    """What people call a stored field, by its table: "planbudget.write_off" is Write off."""
    model, _, column = name.partition(".")
    return label_of(apps.get_model("records", model), column)
