"""Whatever the console can do, a token with the right can do: each page has its operation, or stands in the list of
those that do not yet. The list only gets shorter."""

from carefund.console.urls import urlpatterns
from carefund.rest.api import api

# Of a person in front of a screen: signing in and out, one's own account, how it looks, pieces of another page.
OF_PEOPLE = {
    "sign-in", "sign-out", "earlier-sign-in", "account", "password", "two-factor", "two-factor-off",
    "two-factor-verify", "theme", "mark-as-seen", "run-watch", "service-providers-progress", "home", "synchronise-run",
    "other-sessions",
    "help", "alert-mail",
}  # fmt: skip
OPERATIONS = {
    "alerts": "list_alerts",
    "alerts-csv": "list_alerts",
    "alert-rules": "store_alert_rule",
    "changes": "list_changes",
    "clients": "list_clients",
    "client": "list_budgets",
    "client-new": "store_client",
    "client-edit": "store_client",
    "plan": "find_plan",
    "as-of": "list_budgets",
    "client-changes": "list_changes",
    "synchronise": "request_run",
    "clients-csv": "export_records",
    "runs": "list_runs",
    "run-new": "request_run",
    "run": "find_run",
    "run-steer": "steer_run",
    "care-management": "list_pools",
    "care-management-history": "list_pools",
    "ndis-contract": "find_contract",
    "invoices": "store_invoice",
    "spending": "find_spending",
    "plan-service": "store_planned_service",
    "remove-planned-service": "remove_planned_service",
    "budget-explained": "list_explanations",
    "client-changes-csv": "list_changes",
    "run-csv": "list_run_items",
    "ndis-comparisons": "list_contracts",
    "support-at-home": "list_service_providers",
    "export": "export_records",
    "draws-without-line-csv": "export_records",
    "rates": "list_rates",
    "rate": "edit_rate",
    "rate-steer": "steer_rate",
    "account-summaries": "list_accounts",
    "account-summaries-csv": "list_accounts",
    "account-summaries-read": "request_account",
    "account-summary": "list_accounts",
    "account-summary-csv": "list_accounts",
    "account-summary-evidence": "find_account_answer",
    "export-download": "export_records",
    "webhooks": "list_webhooks",
    "webhook": "edit_webhook",
    "webhook-steer": "steer_webhook",
    "webhook-send-again": "send_webhook_again",
}
NOT_YET = {
    "enter-balance", "claim-exceptions-csv", "exceptions-change",
    "tokens", "token-revoke", "all-tokens", "people", "person-new", "person", "administration", "connections",
    "schedules",
    "access-log", "audit-log", "client-matches", "client-match", "preview-apply", "client-syncs", "evidence",
    "quarter-close", "service-providers-sync",
    "care-management-saving", "care-management-all", "ndis-settings", "ndis-client", "ndis-client-edit", "ndis-pace",
    "ndis-pace-create", "ndis-pace-plan", "ndis-contract-sync", "ndis-contract-decide", "claims",
    "invoice-upload", "batch-new", "batch", "batch-send", "batch-withdraw", "line-evidence", "line-evidence-file",
    "money", "money-list", "money-csv", "interfaces", "interfaces-description",
    "claims-check", "claim-exceptions", "draws-without-line", "claim", "claim-answers", "claim-evidence", "claim-check",
}  # fmt: skip


def test_each_page_has_its_operation_or_is_known_not_to_have_one_yet():
    pages = {str(pattern.name) for pattern in urlpatterns}
    sorted_pages = [OF_PEOPLE, set(OPERATIONS), NOT_YET]
    assert pages - set().union(*sorted_pages) == set(), "name the operation that does the same"
    assert set().union(*sorted_pages) - pages == set(), "no longer a page"
    assert sum(map(len, sorted_pages)) == len(pages), "in one list each"
    assert len(NOT_YET) <= 51, "this list gets shorter"


def test_each_operation_that_does_the_same_exists():
    described = api.get_openapi_schema()["paths"].values()
    known = {operation["operationId"] for operations in described for operation in operations.values()}
    assert set(OPERATIONS.values()) <= known
