"""What Services Australia sends about one person, as types: names, shapes, other spellings. No network, no rules.

Attributes are the wire's own words in snake_case; the wire has them in camelCase. A member that the funder may leave
out has a default: texts "", amounts and dates None, lists (). Only what a row cannot be identified without is required.
Instants stay the text that was sent: they are shown and compared, never calculated with. What a member can hold at
most is its type, from `bounds`.
Where public sources disagree on a member's name, the other spellings stand in that type's `other_spellings`, once.
Unknown members are ignored here and kept in the archived answer.
Source: rules SA-07 to SA-10.
"""

from datetime import date
from typing import ClassVar

from msgspec import Struct

from carefund.funders.bounds import Code, Id, Label, Money, Percentage, ShortCode, ShortId, Stamp, Text

Spellings = dict[str, tuple[str, ...]]


class Classification(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A level of funding that the person was assessed for, with its dates; no end date means that it goes on."""

    type: Label = ""
    code: Label = ""
    level: Label = ""
    start_date: date | None = None
    end_date: date | None = None
    status: Code = ""
    priority: Text = ""

    other_spellings: ClassVar[Spellings] = {
        "type": ("classificationType",),
        "code": ("classificationCode",),
        "level": ("classificationLevel",),
    }


class ApprovedService(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A service that the person may receive: group (SERG), type (SERT) and service (SERV), each code with its text."""

    service_group_id: Label = ""
    service_group_text: Text = ""
    service_type_id: Label = ""
    service_type_text: Text = ""
    service_id: Label = ""
    service_text: Text = ""
    category: Text = ""
    start_date: date | None = None
    end_date: date | None = None
    status: Code = ""

    other_spellings: ClassVar[Spellings] = {"category": ("contributionCategory",)}


class Supplement(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A supplement on top of the classification, such as oxygen."""

    type_code: Label = ""
    description: Text = ""
    start_date: date | None = None
    end_date: date | None = None
    status: Code = ""
    supplement_id: Text = ""

    other_spellings: ClassVar[Spellings] = {"type_code": ("supplementTypeCode",), "description": ("typeText",)}


class CareRecipientSummary(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One person with their classifications, approved services and supplements."""

    care_recipient_id: ShortId
    first_name: Text = ""
    middle_name: Text = ""
    last_name: Text = ""
    gender: Text = ""
    birth_date: date | None = None
    my_aged_care_id: Text = ""
    service_provider_id: ShortId = ""
    classifications: tuple[Classification, ...] = ()
    approved_services: tuple[ApprovedService, ...] = ()
    supplements: tuple[Supplement, ...] = ()

    other_spellings: ClassVar[Spellings] = {
        "birth_date": ("dateOfBirth",),
        "my_aged_care_id": ("gatewayId", "myAgedCareGatewayId"),
    }


class IndividualContribution(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """What the person pays, in percent per category, for a time. A missing percentage is unknown, not zero.

    Rows carry no id: the funder replaces the whole set. Source: rules SYNC-06 and SAH-13.
    """

    service_provider_id: ShortId = ""
    service_naps_id: ShortId = ""
    care_recipient_id: ShortId = ""
    clinical_percentage: Percentage | None = None
    independence_percentage: Percentage | None = None
    everyday_living_percentage: Percentage | None = None
    effective_date_from: date | None = None
    effective_date_to: date | None = None
    status: Code = ""
    updated_at_date_time: Stamp = ""

    other_spellings: ClassVar[Spellings] = {
        "effective_date_from": ("effectiveFrom",),
        "effective_date_to": ("effectiveTo",),
        "updated_at_date_time": ("updatedAt",),
    }


class BudgetPeriod(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """Which budget, whose branch, from when until when: what must be known even of a list of budgets seen before."""

    budget_id: Id
    service_provider_id: ShortId = ""
    start_date: date | None = None
    end_date: date | None = None


class Entitlement(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One source of a budget's money. No id; the person's id is often blank."""

    care_recipient_id: ShortId = ""
    item_code: Label = ""
    description: Text = ""
    amount: Money | None = None
    start_date: date | None = None
    end_date: date | None = None
    created_at_date_time: Stamp = ""

    other_spellings: ClassVar[Spellings] = {"created_at_date_time": ("createdAt",)}


class Budget(BudgetPeriod, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One budget's head: amounts in dollars; used, write-off and rollover deduction are usually negative.

    A list of budgets may carry the entitlements or leave them out, so none listed says nothing.
    """

    care_recipient_id: ShortId = ""
    care_recipient_name: Text = ""
    entry_date: date | None = None
    budget_type_code: ShortCode = ""
    budget_type: Label = ""
    total: Money | None = None
    available: Money | None = None
    used: Money | None = None
    write_off: Money | None = None
    rollover_deduction: Money | None = None
    status: Code = ""
    created_at_date_time: Stamp = ""
    updated_at_date_time: Stamp = ""
    entitlements: tuple[Entitlement, ...] = ()

    other_spellings: ClassVar[Spellings] = {
        "used": ("amountUsed",),
        "write_off": ("writeOffAmount",),
        "rollover_deduction": ("rolloverDeductionAmount", "rollOverDeduction"),
        "created_at_date_time": ("createdAt",),
        "updated_at_date_time": ("updatedAt",),
    }


class BudgetUsage(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One amount drawn from a budget (negative; a reversal is positive), perhaps by another provider."""

    service_provider_id: ShortId = ""
    care_recipient_id: ShortId = ""
    item_code: Text = ""
    description: Text = ""
    invoice_id: Label = ""
    item_id: Label = ""
    amount: Money | None = None
    delivery_date: date | None = None
    updated_at_date_time: Stamp = ""

    other_spellings: ClassVar[Spellings] = {"updated_at_date_time": ("updatedAt",)}


class BudgetDetails(Budget, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A budget with its entitlements and usage."""

    usage: tuple[BudgetUsage, ...] = ()
