"""How care management is written: figures by name, changes with their sign."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from carefund.console.templatetags.badges import pool_badge
from carefund.console.templatetags.formatting import money
from carefund.domain.care_management.pools import METRICS, PooledBudget
from carefund.domain.wording import write_money
from carefund.records.models import CareManagementBudget
from carefund.records.models.columns import label_of

_LABELS = {name: label_of(CareManagementBudget, name) for name in METRICS}

_CLASSES = {"amount": mark_safe(' class="amount"')}

register = template.Library()


@register.simple_tag
def metric_heads() -> SafeString:
    """The heads of the five figures."""
    return format_html_join("", '<th scope="col" class="amount">{}</th>', ((label,) for label in _LABELS.values()))


@register.simple_tag
def metric_cells(sums: object) -> SafeString:
    """The five figures of a record or a sum, as cells."""
    cells = ((label, money(getattr(sums, name))) for name, label in _LABELS.items())
    return format_html_join("", '<td class="amount" data-label="{}">{}</td>', cells)


@register.simple_tag
def budget_cells(budget: PooledBudget, columns: Sequence[tuple[str, str, str]]) -> SafeString:
    """Return a budget's cells, one for each column (name, words, kind), the first of which names the row."""
    (first, _, _), *others = columns
    head = format_html('<th scope="row" class="code">{}</th>', getattr(budget, first))
    cells = ((_CLASSES.get(kind, ""), words, _write(getattr(budget, name), kind)) for name, words, kind in others)
    return head + format_html_join("", '<td{} data-label="{}">{}</td>', cells)


def _write(value: Any, kind: str) -> object:
    if kind == "amount":
        return money(value)
    if kind == "status":
        return pool_badge(value)
    if kind == "date":
        return f"{value:%-d %b %Y}" if value else mark_safe('<span class="unknown">Not given</span>')
    return value


@register.filter
def signed(amount: Decimal | None) -> str:
    """A change, with its plus or minus."""
    return "" if amount is None else f"{'+' if amount > 0 else ''}{write_money(amount)}"


@register.filter
def plain(amount: Decimal | None) -> str:
    """An amount as bare text, "not given" if nobody sent one."""
    return "not given" if amount is None else write_money(amount)


@register.filter
def cut_months(name: str) -> str:
    """A quarter's months in short: "October to December 2026" is "Oct–Dec". A year stays as it is."""
    words = name.split()
    return f"{words[0][:3]}–{words[2][:3]}" if len(words) == 4 else name
