"""Addresses of a list: with another page, another order, one choice or column more or less.

Loaded into every template.
"""

from django import template
from django.http import HttpRequest, QueryDict
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from carefund.console.templatetags.marks import icon

register = template.Library()


@register.simple_tag(takes_context=True)
def with_query(context: template.Context, **changes: object) -> str:
    """This page's address with some of its query changed; an empty value takes one away, and paging starts anew."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query.pop("page", None)
    for name, value in changes.items():
        query.pop(name, None)
        if value not in ("", None):
            query[name] = str(value)
    return f"{request.path}?{query.urlencode()}" if query else request.path


@register.simple_tag(takes_context=True)
def with_page(context: template.Context, wanted: int) -> str:
    """This page's address at another page of its list."""
    request: HttpRequest = context["request"]
    query = request.GET.copy()
    query["page"] = str(wanted)
    return f"{request.path}?{query.urlencode()}"


@register.filter
def chosen(query: QueryDict, name: str) -> list[str]:
    """All values of one name in a query."""
    return query.getlist(name)


@register.simple_tag(takes_context=True)
def without(context: template.Context, name: str) -> str:
    """This page's address without one name of its query."""
    return with_query(context, **{name: ""})


@register.simple_tag(takes_context=True)
def toggle_column(context: template.Context, name: str, columns: list[str]) -> str:
    """This page's address with one column more or less; the last one stays."""
    request: HttpRequest = context["request"]
    wanted = [column for column in columns if column != name] if name in columns else [*columns, name]
    query = request.GET.copy()
    query.setlist("column", wanted or columns)
    return f"{request.path}?{query.urlencode()}"


@register.simple_tag(takes_context=True)
def sort_head(context: template.Context, name: str, words: str, sort: str, kind: str = "") -> SafeString:
    """The head of a column by which one can sort: once rising, once more falling."""
    rising, falling = sort == name, sort == f"-{name}"
    drawing = icon("arrow-up") if rising else icon("arrow-down") if falling else icon("arrow-up-down")
    state = mark_safe(f' aria-sort="{"ascending" if rising else "descending"}"') if rising or falling else ""  # noqa: S308
    address = with_query(context, sort=f"-{name}" if rising else name)
    return format_html(
        '<th scope="col" class="{}"{}><a class="sort" href="{}">{}{}</a></th>', kind, state, address, words, drawing
    )
