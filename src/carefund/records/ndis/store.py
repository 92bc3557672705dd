"""The only writer of NDIS tables: switches, contracts made from a plan, chosen differences, previews, comparisons.

Callers have fetched and decided; everything here is one transaction or part of the caller's. An adjustment record is
written with its contract and by nothing else.
Source: rules NDIS-09 to NDIS-11.
"""

from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q

from carefund.domain.ndis import adjustments
from carefund.domain.ndis.comparing import CONTRACT_FIELDS, Difference, DifferenceKind
from carefund.domain.ndis.plan import CategoryBudget, PacePeriod, PacePlan, is_excluded
from carefund.records.models import (
    Change,
    Client,
    DeliveredService,
    FundingComponent,
    FundingPeriod,
    NdiaBudgetCall,
    NdisParticipant,
    OrganisationSetting,
    ServiceContract,
    ServiceContractBudget,
)
from carefund.records.ndis.contract_log import BUDGET_KIND, CONTRACT_KIND, DELIVERED_KIND, ContractLog
from carefund.records.turns import one_at_a_time

_BUDGET_CALLS = "ndia-budget-calls"
_BUDGET_HOUR = timedelta(hours=1)


def store_setting(key: str, value: object) -> None:
    """Keep what an administrator decided."""
    OrganisationSetting.objects.update_or_create(key=key, defaults={"value": value})


def store_participant(client: Client, **values: Any) -> NdisParticipant:
    """Keep what a client is to the NDIA; API access goes off with the PACE tick."""
    if not values.get("is_pace_participant", True):
        values["api_access"] = False
    row, _ = NdisParticipant.objects.update_or_create(client=client, defaults=values)
    return row


def store_question(client_id: int, outcome: str, now: datetime) -> None:
    """Keep what the last question about a client came to: nothing else tells of consent and relationships."""
    NdisParticipant.objects.filter(client_id=client_id).update(asked_at=now, outcome=outcome[:40])


def take_budget_call(limit: int, now: datetime) -> bool:
    """Count one budget call against the hour's limit (0: none); False when the hour is used up.

    Askers at the same moment are counted one after another.
    """
    with one_at_a_time(_BUDGET_CALLS):
        # What a clock that was ahead has noted must not use up the hours until then.
        outdated = Q(called_at__lte=now - _BUDGET_HOUR) | Q(called_at__gt=now + _BUDGET_HOUR)
        NdiaBudgetCall.objects.filter(outdated).delete()
        if limit and NdiaBudgetCall.objects.count() >= limit:
            return False
        NdiaBudgetCall.objects.create(called_at=now)
    return True


def create_contract(
    client: Client,
    ndis_number: str,
    plan: PacePlan,
    chosen: Collection[int],
    *,
    made_by_id: int | None,
    today: date,
    now: datetime,
) -> ServiceContract:
    """A contract with the chosen budgets (positions in the plan), their periods and an adjustment for each with money
    delivered. Raises IntegrityError when the client has a contract for this plan."""
    with transaction.atomic():
        contract = ServiceContract.objects.create(
            client=client,
            ndis_number=ndis_number,
            participant_plan_id=plan.participant_plan_id,
            start_date=plan.start_date,
            end_date=plan.end_date,
            first_start_date=plan.first_start_date,
            declined_categories=sorted(
                {budget.category_key for place, budget in enumerate(plan.budgets) if place not in chosen}
                - {plan.budgets[place].category_key for place in chosen}
            ),
            created_by_id=made_by_id,
            created_at=now,
            synced_at=now,
        )
        log = ContractLog(contract, now)
        is_first = not ServiceContract.objects.filter(client=client).exclude(pk=contract.pk).exists()
        log.add(CONTRACT_KIND, Change.FIRST if is_first else Change.NEW, after=plan.start_date)
        day = adjustments.adjustment_date(today, plan.start_date, plan.end_date)
        for place in sorted(chosen):
            budget = plan.budgets[place]
            row = _create_budget(contract, budget)
            log.add(BUDGET_KIND, Change.NEW, budget.category_name, after=budget.approved_amount)
            adjustment = adjustments.adjustment_for(budget, day)
            if adjustment is not None:
                _create_adjustment(row, adjustment, now)
                log.add(DELIVERED_KIND, Change.NEW, budget.category_name, after=adjustment.amount)
        log.write(only_first=is_first)
    return contract


def _create_budget(contract: ServiceContract, budget: CategoryBudget) -> ServiceContractBudget:
    row = ServiceContractBudget.objects.create(
        contract=contract,
        category_text=budget.category_text,
        category_number=budget.category_number,
        category_name=budget.category_name,
        support_type=budget.support_type,
        budget_type=budget.budget_type,
        management=budget.management,
        component_name=budget.component_name,
        instalment_type=budget.instalment_type,
        start_date=budget.start_date,
        end_date=budget.end_date,
        approved_amount=budget.approved_amount,
        released_amount=budget.released_amount,
        spent_amount=budget.spent_amount,
        remaining_amount=budget.remaining_amount,
        stated_items=list(budget.stated_items),
        is_excluded=budget.is_excluded,
    )
    if budget.periods:
        component = FundingComponent.objects.create(budget=row, amount=budget.approved_amount)
        FundingPeriod.objects.bulk_create(_period_row(component, period) for period in budget.periods)
    return row


def _period_row(component: FundingComponent, period: PacePeriod) -> FundingPeriod:
    return FundingPeriod(
        component=component,
        start_date=period.start_date,
        end_date=period.end_date,
        amount=period.amount,
        released_amount=period.released_amount,
        spent_amount=period.spent_amount,
    )


def _create_adjustment(row: ServiceContractBudget, adjustment: adjustments.Adjustment, now: datetime) -> None:
    DeliveredService.objects.create(
        contract_id=row.contract_id,
        budget=row,
        support_item_number=adjustment.support_item_number,
        support_item_description=adjustment.support_item_description,
        service_provider_name=adjustment.service_provider_name,
        delivered_date=adjustment.delivered_date,
        amount=adjustment.amount,
        note=adjustment.note,
        is_adjustment=True,
        plan_start_date=row.contract.start_date,
        is_claimable=False,
        created_at=now,
    )


def apply_differences(
    contract: ServiceContract, plan: PacePlan, chosen: Iterable[Difference], *, today: date, now: datetime
) -> None:
    """Write the chosen differences to a contract that the caller holds locked. Adjustments are never touched.

    Raises IntegrityError when another contract of the client has the new start date.
    """
    log = ContractLog(contract, now)
    declined = set(contract.declined_categories)
    for difference in chosen:
        _apply_one(contract, plan, difference, today)
        if difference.kind is DifferenceKind.CATEGORY_NEW and difference.position is not None:
            declined.discard(plan.budgets[difference.position].category_key)
        log.add_difference(difference)
    contract.declined_categories = sorted(declined)
    contract.synced_at = now
    contract.version += 1
    contract.save(update_fields=[*CONTRACT_FIELDS, "declined_categories", "synced_at", "version"])
    log.write()


def _apply_one(contract: ServiceContract, plan: PacePlan, difference: Difference, today: date) -> None:
    if difference.kind is DifferenceKind.CONTRACT_FIELD:
        setattr(contract, difference.field, difference.after)
    elif difference.kind is DifferenceKind.CATEGORY_NEW and difference.position is not None:
        _create_budget(contract, plan.budgets[difference.position])
    elif difference.budget_id is not None:
        row = ServiceContractBudget.objects.get(id=difference.budget_id, contract=contract)
        if difference.kind in (DifferenceKind.CATEGORY_GONE, DifferenceKind.CATEGORY_BACK):
            row.no_longer_in_pace_date = today if difference.kind is DifferenceKind.CATEGORY_GONE else None
            row.save(update_fields=["no_longer_in_pace_date"])
        elif difference.kind is DifferenceKind.BUDGET_FIELD:
            _change_budget(row, difference)
        elif difference.position is not None:
            _change_period(row, plan.budgets[difference.position], difference)


def _change_budget(row: ServiceContractBudget, difference: Difference) -> None:
    setattr(row, difference.field, difference.after)
    row.is_excluded = is_excluded(row.management, row.support_type)
    row.save(update_fields=[difference.field, "is_excluded"])
    if difference.field == "approved_amount":
        FundingComponent.objects.filter(budget=row).update(amount=difference.after)


def _change_period(row: ServiceContractBudget, budget: CategoryBudget, difference: Difference) -> None:
    component, _ = FundingComponent.objects.get_or_create(budget=row, defaults={"amount": row.approved_amount})
    assert difference.period_start_date is not None
    stored = FundingPeriod.objects.filter(component=component, start_date=difference.period_start_date)
    if difference.kind is DifferenceKind.PERIOD_FIELD:
        stored.update(**{difference.field: difference.after})
    elif difference.kind is DifferenceKind.PERIOD_GONE:
        stored.delete()
    else:
        period = next(period for period in budget.periods if period.start_date == difference.period_start_date)
        _period_row(component, period).save()
    if not FundingPeriod.objects.filter(component=component).exists():
        component.delete()
