"""From the NDIA's answers to a plan in our own words. Pure: no network, no database.

Where funding periods, management and budget type stand in the tree is not public, so each is looked for at the category
first and then upwards. What PACE reports is kept as it is, also where it does not add up.
Source: rules NDIS-05 to NDIS-08.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from carefund.domain.ndis.categories import match_category, normalised
from carefund.domain.ndis.plan import CategoryBudget, PacePeriod, PacePlan, read_budget_type, read_management
from carefund.domain.periods import Period
from carefund.funders.ndia.payloads import (
    BudgetTree,
    BudgetTypeLevel,
    FundingComponentRow,
    FundingPeriodRow,
    ManagementLevel,
    PlanRow,
    SupportCategory,
    SupportTypeLevel,
)
from carefund.sync.ndis.problems import BudgetsMissing, NotOnPace, PlanMissing


def choose_plan(rows: Sequence[PlanRow], today: date) -> PlanRow:
    """The PACE plan in force, else the newest one. Raises NotOnPace when none is on PACE, PlanMissing without dates."""
    on_pace = [row for row in rows if row.is_pace_plan]
    if rows and not on_pace:
        raise NotOnPace
    dated = [row for row in on_pace if row.plan_start_date is not None]
    if not dated:
        raise PlanMissing
    in_force = [row for row in dated if Period(row.plan_start_date, row.plan_end_date).covers(today)]
    return max(in_force or dated, key=lambda row: row.plan_start_date or date.min)


def read_plan(
    rows: Sequence[PlanRow], tree: BudgetTree, today: date, own_aliases: Mapping[str, str] | None = None
) -> PacePlan:
    """The plan with its budgets in the order received. Raises NotOnPace, PlanMissing, BudgetsMissing."""
    chosen = choose_plan(rows, today)
    assert chosen.plan_start_date is not None
    budgets = tuple(_budget(place, own_aliases or {}) for place in _places(tree))
    if not budgets:
        raise BudgetsMissing
    return PacePlan(
        participant_plan_id=chosen.participant_plan_id,
        start_date=chosen.plan_start_date,
        end_date=chosen.plan_end_date,
        first_start_date=chosen.plan_first_start_date,
        budgets=budgets,
        released_amount=tree.released_amount,
        spent_amount=tree.spent_amount,
        remaining_amount=tree.remaining_amount,
        notices=tuple(_notices(rows, chosen, budgets, today)),
    )


Level = BudgetTree | BudgetTypeLevel | ManagementLevel | SupportTypeLevel | SupportCategory


@dataclass(frozen=True, slots=True)
class _Place:
    """A category and the levels above it, the nearest first."""

    category: SupportCategory
    above: tuple[Level, ...]

    def nearest(self, name: str) -> str:
        """A text from the category or the first level above that has one."""
        return next((text for level in (self.category, *self.above) if (text := getattr(level, name, ""))), "")


def _places(tree: BudgetTree) -> Iterator[_Place]:
    for kind in tree.bgt_typ_lvl_dtls:
        for hand in kind.plan_management:
            for support in hand.supp_typ_lvl_dtls:
                for category in support.supp_cat_lvl_dtls:
                    yield _Place(category, (support, hand, kind, tree))
            for category in hand.funded_supports:
                yield _Place(category, (hand, kind, tree))


def _budget(place: _Place, own_aliases: Mapping[str, str]) -> CategoryBudget:
    row = place.category
    known = match_category(row.support_category_text, own_aliases)
    return CategoryBudget(
        category_text=row.support_category_text,
        category_number=known.number if known else "",
        category_name=known.name if known else row.support_category_text or "Category without a name",
        support_type=place.nearest("support_type_text") or (known.support_type if known else ""),
        budget_type=read_budget_type(place.nearest("budget_type"), row.funding_component_name),
        management=read_management(place.nearest("fund_management_type"), row.funding_component_name),
        component_name=row.funding_component_name,
        instalment_type=row.instalment_type,
        start_date=row.start_date,
        end_date=row.end_date,
        approved_amount=row.approved_amount,
        released_amount=row.released_amount,
        spent_amount=row.spent_amount,
        remaining_amount=row.remaining_amount,
        stated_items=tuple(
            text for item in row.supp_itm_lvl_dtls if (text := item.support_item_text or item.support_item_number)
        ),
        periods=tuple(sorted(_periods(place), key=lambda period: period.start_date)),
    )


def _periods(place: _Place) -> Iterator[PacePeriod]:
    """The category's own periods, else those that a component or a higher level gives it; none if PACE says so."""
    told = [flag for level in (place.category, *place.above) if (flag := level.use_funding_periods) is not None]
    if told and not told[0]:
        return
    seen: set[date] = set()
    for row in _rows_of(place):
        if row.start_date is None or row.end_date is None or row.start_date in seen:
            continue
        seen.add(row.start_date)
        yield PacePeriod(row.start_date, row.end_date, row.amount, row.released_amount, row.spent_amount)


def _rows_of(place: _Place) -> Iterable[FundingPeriodRow]:
    if place.category.funding_periods:
        return place.category.funding_periods
    for level in (place.category, *place.above):
        for component in level.funding_components:
            if component.funding_periods and _is_about(component, place.category):
                return component.funding_periods
    for level in place.above:
        assert not isinstance(level, SupportCategory)
        about = [row for row in level.funding_periods if _is_about(row, place.category)]
        if about:
            return about
    return ()


def _is_about(row: FundingComponentRow | FundingPeriodRow, category: SupportCategory) -> bool:
    """Whether a row names this category, or, naming none, its component; a row that names neither is about nobody."""
    if row.support_category_text:
        return normalised(row.support_category_text) == normalised(category.support_category_text)
    name = normalised(row.funding_component_name)
    return bool(name) and name == normalised(category.funding_component_name)


def _notices(rows: Sequence[PlanRow], chosen: PlanRow, budgets: Sequence[CategoryBudget], today: date) -> Iterator[str]:
    if len(rows) > 1:
        yield f"The NDIA lists {len(rows)} plans; this is the PACE plan from {chosen.plan_start_date:%Y-%m-%d}."
    if chosen.plan_start_date is not None and chosen.plan_start_date > today:
        yield "This plan has not started yet."
    if chosen.plan_end_date is not None and chosen.plan_end_date < today:
        yield "This plan has ended."
    if any(not budget.category_number for budget in budgets):
        yield "A category is unknown. Its text is kept. An administrator can map it under NDIS SyncPro settings."
    untold = [budget for budget in budgets if budget.spent_amount is None]
    derived = [budget for budget in untold if None not in (budget.released_amount, budget.remaining_amount)]
    if derived:
        yield "PACE does not report spending in some categories, so released less remaining is used instead."
    if len(untold) > len(derived):
        yield "PACE does not report spending in some categories, so they have no adjustment record."
