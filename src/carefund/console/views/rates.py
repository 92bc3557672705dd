"""Rates: those that come with Carefund and those entered here, with their sources; add, edit, remove, undo."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from carefund.access.roles import may_administer
from carefund.console.page_access import Request, page
from carefund.console.plain_fields import AmountField, DayField
from carefund.domain.care_recipient.rates import RATES, Rate, RateKind, WantedRate
from carefund.records.care_recipient.rates import (
    WrongRate,
    describe_entered,
    find_entered,
    list_entered,
    list_rates,
    list_removed,
)
from carefund.records.models import EnteredRate
from carefund.runs import rates as managing

_KINDS = {
    RateKind.LEVEL: "Levels, dollars a day",
    RateKind.SUPPLEMENT: "Supplements, dollars a day",
    RateKind.PATHWAY: "Pathways, dollars a day",
    RateKind.TIER: "Tiers, dollars in all",
}
_DONE = {"remove": "Rate removed.", "restore": "Rate restored.", "undo": "Edit undone."}
_ONE = {RateKind.LEVEL: "Level", RateKind.SUPPLEMENT: "Supplement", RateKind.PATHWAY: "Pathway", RateKind.TIER: "Tier"}


_Row = tuple[Rate, EnteredRate | None, bool]


class RateForm(forms.Form):
    """A rate with the day from which it holds and its source."""

    code = forms.CharField(
        label="Level or code",
        max_length=40,
        help_text="A level, such as 5 or HCP2, or the code that Services Australia gives an entitlement.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocapitalize": "characters"}),
    )
    kind = forms.ChoiceField(label="Kind", choices=[(kind.value, words) for kind, words in _ONE.items()])
    name = forms.CharField(label="What it pays for", max_length=120)
    amount = AmountField(label="Amount", max_digits=8, decimal_places=2, min_value=Decimal("0.01"))
    from_date = DayField(label="From")
    published = forms.CharField(
        label="Where it was published",
        max_length=300,
        help_text="The address of the page, or the document’s name.",
    )

    @property
    def wanted(self) -> WantedRate:
        """What a valid form holds."""
        return WantedRate(**{name: self.cleaned_data[name] for name in WantedRate._fields})

    def refuse(self, wrong: WrongRate) -> None:
        """Show what is wrong beside the fields."""
        for field, sentence in wrong.problems.items():
            self.add_error(field, sentence)


@page(may_administer)
def list_all(request: Request) -> HttpResponse:
    """Every rate that holds, by kind, and a form for another one."""
    initial = _fill_in(request.GET.get("after", ""))
    form = RateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            managing.add(request.user, form.wanted)
        except WrongRate as wrong:
            form.refuse(wrong)
        else:
            messages.success(request, "Rate added. Budgets are explained with it from now on.")
            return redirect("console:rates")
    entered = {(row.key, row.from_date): row for row in list_entered()}
    context = {"form": form, "groups": _group(list_rates(), entered), "removed": list_removed(), "initial": initial}
    return render(request, "console/rates.html", context)


@page(may_administer)
def edit(request: Request, rate_id: int) -> HttpResponse:
    """One entered rate, and the form that changes it."""
    row = find_entered(rate_id)
    form = RateForm(request.POST or None, initial=describe_entered(row))
    if request.method == "POST" and form.is_valid():
        try:
            managing.edit(request.user, rate_id, form.wanted)
        except WrongRate as wrong:
            form.refuse(wrong)
        else:
            messages.success(request, "Rate saved.")
            return redirect("console:rates")
    return render(request, "console/rate.html", {"form": form, "rate": row})


@require_POST
@page(may_administer)
def steer(request: Request, rate_id: int, step: str) -> HttpResponse:
    """Remove a rate, restore a removed one, or undo the last edit."""
    if step not in _DONE:
        raise Http404
    try:
        managing.steer(request.user, rate_id, step)
    except WrongRate as wrong:
        messages.error(request, next(iter(wrong.problems.values())))
    else:
        messages.success(request, _DONE[step])
    return redirect("console:rates")


def _group(rates: list[Rate], entered: dict[Any, EnteredRate]) -> list[tuple[str, list[_Row]]]:
    """The rates by kind, those of one key together and the latest first."""
    published = {(rate.key, rate.from_date) for rate in RATES}
    groups = []
    for kind, words in _KINDS.items():
        keys = list(dict.fromkeys(rate.key for rate in rates if rate.kind is kind))
        listed = sorted((rate for rate in rates if rate.kind is kind), key=lambda rate: rate.from_date, reverse=True)
        listed.sort(key=lambda rate: keys.index(rate.key))
        rows = [
            (rate, entered.get((rate.key, rate.from_date)), (rate.key, rate.from_date) in published) for rate in listed
        ]
        groups.append((words, rows))
    return groups


def _fill_in(key: str) -> dict[str, Any]:
    """What the form begins with for a later rate of a key that is known."""
    known = [rate for rate in list_rates() if rate.key == key]
    return {"code": key, "kind": known[-1].kind.value, "name": known[-1].name} if known else {}
