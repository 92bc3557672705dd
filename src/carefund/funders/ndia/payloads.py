"""What the NDIA sends about a participant's plan and money, as types: names, nesting, other spellings. No rules.

Nothing is required: the specification is not public and members come and go. Dates that mean "none" ("0001-01-01",
"0000-00-00", "") become None; amounts stay as received, even where they do not add up. Several levels may carry
`funding_periods` and `use_funding_periods`; which one does is not public, so each accepts them.
Source: rules NDIS-05, NDIS-06 and NDIS-08.
"""

from datetime import date
from typing import ClassVar

from msgspec import Struct

from carefund.funders.bounds import Code, Money, Name, ShortId

Spellings = dict[str, tuple[str, ...]]


class Determination(Struct, frozen=True, kw_only=True):
    """Whether a participant's plan lives on PACE, and since when."""

    is_pace_plan: bool = False
    plan_first_start_date: date | None = None


class PlanRow(Struct, frozen=True, kw_only=True):
    """One plan. On PACE there is one for life: its id is 0 and its dates move with each review."""

    is_pace_plan: bool = False
    participant_plan_id: ShortId = ""
    plan_start_date: date | None = None
    plan_end_date: date | None = None
    plan_first_start_date: date | None = None


class FundingPeriodRow(Struct, frozen=True, kw_only=True):
    """Money for a stretch of the plan; above category level it names what it is for."""

    start_date: date | None = None
    end_date: date | None = None
    amount: Money | None = None
    released_amount: Money | None = None
    spent_amount: Money | None = None
    funding_component_name: Name = ""
    support_category_text: Name = ""

    other_spellings: ClassVar[Spellings] = {
        "start_date": ("period_start_date", "funding_period_start_date", "from_date"),
        "end_date": ("period_end_date", "funding_period_end_date", "to_date"),
        "amount": ("funding_amount", "period_amount", "funding_period_amount", "approved_amount", "allocated_amount"),
        "released_amount": ("period_released_amount", "released"),
        "spent_amount": ("period_spent_amount", "spent"),
        "funding_component_name": ("component_name", "funding_component"),
        "support_category_text": ("support_category", "support_category_name"),
    }


class FundingComponentRow(Struct, frozen=True, kw_only=True):
    """A named part of the plan's money with periods of its own."""

    funding_component_name: Name = ""
    support_category_text: Name = ""
    funding_periods: tuple[FundingPeriodRow, ...] = ()

    other_spellings: ClassVar[Spellings] = {
        "funding_component_name": ("component_name", "name"),
        "support_category_text": ("support_category", "support_category_name"),
    }


class StatedItem(Struct, frozen=True, kw_only=True):
    """A support item that the plan states by name, inside a category."""

    support_item_text: Name = ""
    support_item_number: Name = ""

    other_spellings: ClassVar[Spellings] = {
        "support_item_text": ("support_item_description", "support_item_name", "item_text", "description"),
        "support_item_number": ("product_category_item", "item_number", "support_item"),
    }


class SupportCategory(Struct, frozen=True, kw_only=True):
    """The money for one support category under one management and one budget type."""

    support_category_text: Name = ""
    support_type_text: Code = ""
    funding_component_name: Name = ""
    instalment_type: Code = ""
    start_date: date | None = None
    end_date: date | None = None
    approved_amount: Money | None = None
    released_amount: Money | None = None
    spent_amount: Money | None = None
    remaining_amount: Money | None = None
    fund_management_type: Code = ""
    budget_type: Code = ""
    use_funding_periods: bool | None = None
    supp_itm_lvl_dtls: tuple[StatedItem, ...] = ()
    funding_periods: tuple[FundingPeriodRow, ...] = ()
    funding_components: tuple[FundingComponentRow, ...] = ()

    other_spellings: ClassVar[Spellings] = {
        "support_category_text": ("support_category", "support_category_name"),
        "support_type_text": ("support_type",),
        "instalment_type": ("installment_type",),
        "fund_management_type": ("fund_management_type_text", "management_type"),
    }


class SupportTypeLevel(Struct, frozen=True, kw_only=True):
    """Core, Capacity Building, Capital or Recurring."""

    support_type_text: Code = ""
    use_funding_periods: bool | None = None
    supp_cat_lvl_dtls: tuple[SupportCategory, ...] = ()
    funding_periods: tuple[FundingPeriodRow, ...] = ()
    funding_components: tuple[FundingComponentRow, ...] = ()

    other_spellings: ClassVar[Spellings] = {"support_type_text": ("support_type",)}


class ManagementLevel(Struct, frozen=True, kw_only=True):
    """Who manages; the older form lists its categories right here, as `funded_supports`."""

    fund_management_type: Code = ""
    use_funding_periods: bool | None = None
    supp_typ_lvl_dtls: tuple[SupportTypeLevel, ...] = ()
    funded_supports: tuple[SupportCategory, ...] = ()
    funding_periods: tuple[FundingPeriodRow, ...] = ()
    funding_components: tuple[FundingComponentRow, ...] = ()

    other_spellings: ClassVar[Spellings] = {
        "fund_management_type": ("fund_management_type_text", "management_type", "fund_management"),
    }


class BudgetTypeLevel(Struct, frozen=True, kw_only=True):
    """Flexible or Stated."""

    budget_type: Code = ""
    use_funding_periods: bool | None = None
    plan_management: tuple[ManagementLevel, ...] = ()
    funding_periods: tuple[FundingPeriodRow, ...] = ()
    funding_components: tuple[FundingComponentRow, ...] = ()

    other_spellings: ClassVar[Spellings] = {"budget_type": ("budget_type_text", "bgt_typ", "bgt_typ_text")}


class BudgetTree(Struct, frozen=True, kw_only=True):
    """All money of a PACE plan: budget type, then management, then support type, then category."""

    released_amount: Money | None = None
    spent_amount: Money | None = None
    remaining_amount: Money | None = None
    use_funding_periods: bool | None = None
    bgt_typ_lvl_dtls: tuple[BudgetTypeLevel, ...] = ()
    funding_periods: tuple[FundingPeriodRow, ...] = ()
    funding_components: tuple[FundingComponentRow, ...] = ()
