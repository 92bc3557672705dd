"""Budgets as pages show them: figures with their words and drawings, so that templates only place them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from carefund.console.care_recipient.charts import BurnDown, Part, draw_bar, draw_burn_down
from carefund.console.care_recipient.missing_details import DetailsState, Missing
from carefund.domain.care_recipient.draws import DrawnBy
from carefund.domain.wording import many, write_day, write_drawn, write_money
from carefund.records.care_recipient.funding import BudgetFigures, Funding
from carefund.records.models import PlanBudget
from carefund.sync.change_log.record_names import name_budget


@dataclass(frozen=True, slots=True)
class BudgetView:
    """One budget: `status` and `headline` in words, `bar` with its label, `source` the SHA-256 of the answer it came
    from, `missing` why it shows no entitlements or no usage; `without_details` when it shows neither."""

    figures: BudgetFigures
    name: str
    status: str
    headline: str
    bar: list[Part]
    bar_label: str
    burn_down: BurnDown | None
    entitlements: str
    usage: str
    source: str
    missing: Missing | None
    without_details: bool

    @property
    def rollover_received_missing(self) -> str:
        """What stands where the rollover received is not known."""
        return self.missing.short if self.missing and self.without_details else "–"

    @property
    def budget(self) -> PlanBudget:
        return self.figures.budget


def show_budgets(
    figures: list[BudgetFigures], funding: Funding, known: DetailsState, sources: Mapping[str, str] | None = None
) -> list[BudgetView]:
    """Budgets for the templates; `sources` are the SHA-256 of the answers they came from, by what was asked."""
    return [_show_budget(figure, funding, known, sources or {}) for figure in figures]


def _show_budget(
    figures: BudgetFigures, funding: Funding, known: DetailsState, sources: Mapping[str, str]
) -> BudgetView:
    missing = known.explain(figures, funding)
    bar = draw_bar(figures)
    return BudgetView(
        figures,
        name_budget(figures.budget),
        _write_status(figures.budget),
        _write_headline(figures, funding.today),
        bar,
        ", ".join(f"{part.label} {write_money(part.amount)}" for part in bar),
        draw_burn_down(figures, funding.today) if figures.covers(funding.today) else None,
        _count_entitlements(figures),
        _sum_up_usage(figures),
        sources.get(f"budget_details:{figures.budget.budget_id}", ""),
        missing,
        missing is not None and not (figures.entitlements or figures.usage),
    )


def _write_status(budget: PlanBudget) -> str:
    if budget.no_longer_returned_date:
        return f"No longer returned since {write_day(budget.no_longer_returned_date)}"
    return budget.status.lower().capitalize()


def _write_headline(figures: BudgetFigures, today: date) -> str:
    """What the first figure of a budget is, in words."""
    end = figures.budget.end_date
    if figures.available < 0:
        return "overspent"
    if figures.safe_to_spend < 0:
        is_committed = figures.available < (figures.committed or 0)
        return f"{'committed' if is_committed else 'planned'} beyond what is available"
    if end and end < today:
        return f"left to claim, only for services up to {write_day(end)}"
    return "available" if figures.committed is None else "safe to spend"


def _count_entitlements(figures: BudgetFigures) -> str:
    current, ever = len(figures.current_entitlements), len(figures.entitlements)
    return f"{current} current, {ever} in total" if ever > current else f"{current}"


def _sum_up_usage(figures: BudgetFigures) -> str:
    """How many lines, and what others than this organisation drew."""
    by_others = [
        f"{write_drawn(amount)} by {drawer}"
        for drawer, amount in figures.use_by.items()
        if drawer != DrawnBy.US and amount
    ]
    return ", ".join([many(len(figures.usage), "line"), *by_others])
