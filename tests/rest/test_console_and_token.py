"""Whatever the console can do, a token with the right can do: each page has its operation, or is of people alone."""

from ninja import Schema

from carefund.console.urls import urlpatterns
from carefund.rest.api import api

# Of a person in front of a screen: signing in and out, one's own account, how it looks, pieces of another page.
OF_PEOPLE = {
    "sign-in", "sign-out", "earlier-sign-in", "account", "password", "two-factor", "two-factor-off",
    "two-factor-verify", "theme", "mark-as-seen", "run-watch", "service-providers-progress", "home", "synchronise-run",
    "other-sessions",
    "help", "alert-mail", "directory-sign-in", "directory-return", "first-visit", "getting-started",
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
    "client-import": "import_clients",
    "client-upload": "import_clients",
    "plan": "find_plan",
    "as-of": "list_budgets",
    "client-changes": "list_changes",
    "synchronise": "request_preview",
    "clients-csv": "export_records",
    "runs": "list_runs",
    "run-new": "request_run",
    "run": "find_run",
    "run-steer": "steer_run",
    "care-management": "save_pools",
    "care-management-history": "list_pools",
    "ndis-contract": "find_contract",
    "invoices": "store_invoice",
    "spending": "find_spending",
    "plan-service": "store_planned_service",
    "remove-planned-service": "remove_planned_service",
    "budget-explained": "list_explanations",
    "client-changes-csv": "list_changes",
    "run-csv": "list_run_items",
    "ndis-comparisons": "request_comparisons",
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
    "preview-apply": "apply_preview",
    "client-syncs": "list_syncs",
    "evidence": "find_stored_response",
    "client-matches": "list_client_matches",
    "client-match": "decide_client_match",
    "enter-balance": "store_unspent_balance",
    "claims": "list_claims",
    "claim": "find_claim",
    "claim-answers": "list_claim_responses",
    "claim-evidence": "find_claim_response",
    "claim-check": "check_claim",
    "claims-check": "check_all_claims",
    "invoice-upload": "load_invoice_file",
    "batch-new": "prepare_batch",
    "batch": "find_batch",
    "batch-send": "send_batch",
    "batch-withdraw": "withdraw_batch",
    "line-evidence": "store_evidence",
    "line-evidence-file": "find_evidence_file",
    "claim-exceptions": "list_exceptions",
    "claim-exceptions-csv": "list_exceptions",
    "draws-without-line": "list_draws_without_line",
    "exceptions-change": "change_exceptions",
    "money": "list_stages",
    "money-list": "list_stage_lines",
    "money-csv": "list_stage_lines",
    "quarter-close": "request_rollover",
    "ndis-settings": "store_ndis_settings",
    "ndis-client": "find_ndis_details",
    "ndis-client-edit": "store_ndis_details",
    "ndis-pace": "request_pace_plan",
    "ndis-pace-plan": "find_pace_plan",
    "ndis-pace-create": "create_contract",
    "ndis-contract-sync": "request_contract_plan",
    "ndis-contract-decide": "apply_differences",
    "service-providers-sync": "sync_service_providers",
    "care-management-all": "find_all_pools",
    "care-management-saving": "edit_schedule",
    "administration": "find_connections",
    "connections": "test_connection",
    "schedules": "edit_schedule",
    "people": "list_people",
    "person-new": "add_person",
    "person": "edit_person",
    "all-tokens": "list_tokens",
    "token-revoke": "revoke_token",
    "access-log": "list_access_log",
    "audit-log": "list_audit_log",
    "interfaces": "accept_interfaces",
    "interfaces-description": "describe_interfaces",
}
# In principle of people: what a token shall not do even where its account may, and why.
NOT_BY_TOKEN = {
    "tokens": "A token that could make another would outlive its own end. It can list and revoke tokens.",
    "client-data": "An erasure cannot be undone. It asks for a proof of the person, and a token proves nothing new.",
    "client-data-file": "An administrator gives it to the person whom it is about, and has to know who asks.",
}


def test_each_page_has_its_operation_or_is_of_people():
    pages = {str(pattern.name) for pattern in urlpatterns}
    sorted_pages = [OF_PEOPLE, set(OPERATIONS), set(NOT_BY_TOKEN)]
    assert pages - set().union(*sorted_pages) == set(), "name the operation that does the same"
    assert set().union(*sorted_pages) - pages == set(), "no longer a page"
    assert sum(map(len, sorted_pages)) == len(pages), "in one list each"
    assert all(NOT_BY_TOKEN.values()), "say why"


def test_each_operation_that_does_the_same_exists():
    described = api.get_openapi_schema()["paths"].values()
    known = [operation["operationId"] for operations in described for operation in operations.values()]
    assert sorted(known) == sorted(set(known)), "each has a name of its own"
    assert set(OPERATIONS.values()) <= set(known)


def test_each_shape_in_the_description_has_a_name_of_its_own():
    """Of two that are called alike the description keeps one, and the answers of the other break it."""
    shapes = [shape for shape in _below(Schema) if shape.__module__.startswith("carefund.rest")]
    names = [shape.__name__ for shape in shapes]
    assert len(names) > 100
    assert sorted(names) == sorted(set(names))


def _below(shape: type) -> set[type]:
    return {inner for below in shape.__subclasses__() for inner in (below, *_below(below))}
