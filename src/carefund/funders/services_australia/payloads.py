"""What Services Australia sends about one person, as types: names, shapes, other spellings. No network, no rules.

Attributes are the wire's own words in snake_case; the wire has them in camelCase. A member that the funder may leave
out has a default: texts "", amounts and dates None, lists (). Only what a row cannot be identified without is required.
Instants stay the text that was sent: they are shown and compared, never calculated with.
Where public sources disagree on a member's name, the other spellings stand in that type's `other_spellings`, once.
Unknown members are ignored here and kept in the archived answer.
Source: rules SA-07 to SA-10.
"""

from datetime import date
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct

Spellings = dict[str, tuple[str, ...]]


class Classification(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A level of funding that the person was assessed for, with its dates; no end date means that it goes on."""

    type: str = ""
    code: str = ""
    level: str = ""
    start_date: date | None = None
    end_date: date | None = None
    status: str = ""
    priority: str = ""

    other_spellings: ClassVar[Spellings] = {
        "type": ("classificationType",),
        "code": ("classificationCode",),
        "level": ("classificationLevel",),
    }


class ApprovedService(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A service that the person may receive: group (SERG), type (SERT) and service (SERV), each code with its text."""

    service_group_id: str = ""
    service_group_text: str = ""
    service_type_id: str = ""
    service_type_text: str = ""
    service_id: str = ""
    service_text: str = ""
    category: str = ""
    start_date: date | None = None
    end_date: date | None = None
    status: str = ""

    other_spellings: ClassVar[Spellings] = {"category": ("contributionCategory",)}


class Supplement(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A supplement on top of the classification, such as oxygen."""

    type_code: str = ""
    description: str = ""
    start_date: date | None = None
    end_date: date | None = None
    status: str = ""
    supplement_id: str = ""

    other_spellings: ClassVar[Spellings] = {"type_code": ("supplementTypeCode",), "description": ("typeText",)}


class CareRecipientSummary(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One person with their classifications, approved services and supplements."""

    care_recipient_id: str
    first_name: str = ""
    middle_name: str = ""
    last_name: str = ""
    gender: str = ""
    birth_date: date | None = None
    my_aged_care_id: str = ""
    service_provider_id: str = ""
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

    service_provider_id: str = ""
    service_naps_id: str = ""
    care_recipient_id: str = ""
    clinical_percentage: Decimal | None = None
    independence_percentage: Decimal | None = None
    everyday_living_percentage: Decimal | None = None
    effective_date_from: date | None = None
    effective_date_to: date | None = None
    status: str = ""
    updated_at_date_time: str = ""

    other_spellings: ClassVar[Spellings] = {
        "effective_date_from": ("effectiveFrom",),
        "effective_date_to": ("effectiveTo",),
        "updated_at_date_time": ("updatedAt",),
    }


class BudgetPeriod(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """Which budget, whose branch, from when until when: what must be known even of a list of budgets seen before."""

    budget_id: str
    service_provider_id: str = ""
    start_date: date | None = None
    end_date: date | None = None


class Budget(BudgetPeriod, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One budget's head: amounts in dollars; used, write-off and rollover deduction are usually negative."""

    care_recipient_id: str = ""
    care_recipient_name: str = ""
    entry_date: date | None = None
    budget_type_code: str = ""
    budget_type: str = ""
    total: Decimal | None = None
    available: Decimal | None = None
    used: Decimal | None = None
    write_off: Decimal | None = None
    rollover_deduction: Decimal | None = None
    status: str = ""
    created_at_date_time: str = ""
    updated_at_date_time: str = ""

    other_spellings: ClassVar[Spellings] = {
        "used": ("amountUsed",),
        "write_off": ("writeOffAmount",),
        "rollover_deduction": ("rolloverDeductionAmount", "rollOverDeduction"),
        "created_at_date_time": ("createdAt",),
        "updated_at_date_time": ("updatedAt",),
    }


class Entitlement(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One source of a budget's money. No id; the person's id is often blank."""

    care_recipient_id: str = ""
    item_code: str = ""
    description: str = ""
    amount: Decimal | None = None
    start_date: date | None = None
    end_date: date | None = None
    created_at_date_time: str = ""

    other_spellings: ClassVar[Spellings] = {"created_at_date_time": ("createdAt",)}


class BudgetUsage(Struct, frozen=True, gc=False, kw_only=True, rename="camel"):
    """One amount drawn from a budget (negative; a reversal is positive), perhaps by another provider."""

    service_provider_id: str = ""
    care_recipient_id: str = ""
    item_code: str = ""
    description: str = ""
    invoice_id: str = ""
    item_id: str = ""
    amount: Decimal | None = None
    delivery_date: date | None = None
    updated_at_date_time: str = ""

    other_spellings: ClassVar[Spellings] = {"updated_at_date_time": ("updatedAt",)}


class BudgetDetails(Budget, frozen=True, gc=False, kw_only=True, rename="camel"):
    """A budget with its entitlements and usage."""

    entitlements: tuple[Entitlement, ...] = ()
    usage: tuple[BudgetUsage, ...] = ()
