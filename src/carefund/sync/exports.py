"""Everything that can be taken out as a table: the one list that page, API, command and SQL views share."""

from carefund.records.models import Alert, CareManagementBudget, CareManagementUse, ServiceProvider
from carefund.sync.care_recipient.exports import FUNDING_EXPORTS
from carefund.sync.claims.exports import CLAIM_EXPORTS
from carefund.sync.export_kinds import Export, Subject, list_columns
from carefund.sync.ndis.exports import NDIS_EXPORTS

_OTHERS = (
    Export(
        kind="pools",
        label="Care management pools",
        about="Each pooled budget in each saved state of a branch's pool.",
        subject=Subject.CARE_MANAGEMENT,
        model=CareManagementBudget,
        columns=list_columns(
            "service_provider_id=save_record__service_provider_id",
            "quarter_start_date=save_record__quarter_start_date", "synced_at=save_record__synced_at",
            "last_synced_at=save_record__last_synced_at", "budget_id", "budget_type_code", "budget_type", "start_date",
            "end_date", "total", "used", "available", "rollover_deduction", "write_off", "allocated", "status",
        ),
        of_branch="save_record__service_provider_id",
    ),
    Export(
        kind="pool_uses",
        label="Care management draws",
        about="What was drawn for one person in a saved state. The Care Recipient ID is empty for lines that named no "
        "one.",
        subject=Subject.CARE_MANAGEMENT,
        model=CareManagementUse,
        columns=list_columns(
            "service_provider_id=save_record__service_provider_id",
            "quarter_start_date=save_record__quarter_start_date", "synced_at=save_record__synced_at",
            "care_recipient_id", "amount", "lines",
        ),
        of_branch="save_record__service_provider_id",
    ),
    Export(
        kind="service_providers",
        label="Service Provider IDs",
        about="Each branch; without `detected_at` only our own records name it.",
        subject=Subject.ORGANISATION,
        model=ServiceProvider,
        columns=list_columns(
            "service_provider_id", "name", "first_seen_at", "last_seen_at", "detected_at", "no_longer_returned_date"
        ),
        of_branch="service_provider_id",
    ),
    Export(
        kind="alerts",
        label="Alerts",
        about="Each matter that somebody should know, from when it began until it ended.",
        subject=Subject.ORGANISATION,
        model=Alert,
        columns=list_columns(
            "alert_id=pk", "kind", "service_provider_id", "due_date", "amount", "number", "begun_at", "ended_at",
            client="client",
        ),
        of_client="client_id",
    ),
)  # fmt: skip
EXPORTS = {export.kind: export for export in (*FUNDING_EXPORTS, *NDIS_EXPORTS, *CLAIM_EXPORTS, *_OTHERS)}
