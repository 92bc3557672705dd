"""Exports of NDIS contracts with their money."""

from carefund.records.models import DeliveredService, FundingPeriod, ServiceContract, ServiceContractBudget
from carefund.sync.export_kinds import Export, Subject, list_columns

NDIS_EXPORTS = (
    Export(
        kind="ndis_contracts",
        label="NDIS service contracts",
        about="Each PACE plan as a contract, with the outcome of its last comparison.",
        subject=Subject.NDIS,
        model=ServiceContract,
        columns=list_columns(
            "contract_id=pk", "ndis_number", "participant_plan_id", "start_date", "end_date", "first_start_date",
            "is_active", "version", "created_at", "synced_at", "comparison_outcome=comparison__outcome",
            "compared_at=comparison__compared_at", "number_of_differences=comparison__number_of_differences",
            "drift_amount=comparison__drift_amount", client="client",
        ),
        of_client="client_id",
    ),
    Export(
        kind="ndis_budgets",
        label="NDIS plan budgets",
        about="The money of a contract for one support category; an excluded budget is not included in the contract's "
        "totals.",
        subject=Subject.NDIS,
        model=ServiceContractBudget,
        columns=list_columns(
            "contract_id", "budget_id=pk", "category_number", "category_name", "category_text", "support_type",
            "budget_type", "management", "component_name", "instalment_type", "start_date", "end_date",
            "approved_amount", "released_amount", "spent_amount", "remaining_amount", "is_excluded",
            "no_longer_in_pace_date", client="contract__client",
        ),
        of_client="contract__client_id",
    ),
    Export(
        kind="ndis_funding_periods",
        label="NDIS funding periods",
        about="The money of a plan budget for one stretch of the plan.",
        subject=Subject.NDIS,
        model=FundingPeriod,
        columns=list_columns(
            "contract_id=component__budget__contract_id", "budget_id=component__budget_id", "start_date", "end_date",
            "amount", "released_amount", "spent_amount", client="component__budget__contract__client",
        ),
        of_client="component__budget__contract__client_id",
    ),
    Export(
        kind="ndis_delivered_services",
        label="NDIS delivered services",
        about="Money delivered against a plan budget; an adjustment stands for what others delivered before.",
        subject=Subject.NDIS,
        model=DeliveredService,
        columns=list_columns(
            "contract_id", "budget_id", "support_item_number", "support_item_description", "service_provider_name",
            "delivered_date", "amount", "is_adjustment", "plan_start_date", "is_claimable", "created_at",
            client="contract__client",
        ),
        of_client="contract__client_id",
    ),
)  # fmt: skip
