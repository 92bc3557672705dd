"""The addresses of the console. One table, in the order in which a person meets the pages."""

from django.urls import path
from django.views.generic import RedirectView

import carefund.console.url_numbers  # noqa: F401 makes <number:…> known
from carefund.console.care_management import urls as care_management_urls
from carefund.console.care_recipient import client, client_editing, clients, explanation, history, spending, synchronise
from carefund.console.claims import urls as claim_urls
from carefund.console.ndis import urls as pace
from carefund.console.views import (
    account,
    administration,
    exports,
    help_page,
    home,
    interfaces,
    logs,
    people,
    runs,
    tokens,
    webhooks,
)

app_name = "console"

urlpatterns = [
    path("", home.show_home, name="home"),
    path("help", help_page.show, name="help"),
    path("changes", home.show_changes, name="changes"),
    path("changes/seen", home.mark_as_seen, name="mark-as-seen"),
    path("theme", account.choose_theme, name="theme"),
    path("sign-in", account.SignIn.as_view(), name="sign-in"),
    path("sign-out", account.SignOut.as_view(), name="sign-out"),
    path("log-in", RedirectView.as_view(pattern_name="console:sign-in", query_string=True), name="earlier-sign-in"),
    path("account", account.show_account, name="account"),
    path("account/sessions", account.end_other_sessions, name="other-sessions"),
    path("account/password", account.change_password, name="password"),
    path("account/two-factor", account.set_up_two_factor, name="two-factor"),
    path("account/two-factor/off", account.turn_off_two_factor, name="two-factor-off"),
    path("account/tokens", tokens.show_own, name="tokens"),
    path("account/tokens/<number:token_id>/revoke", tokens.revoke, name="token-revoke"),
    path("two-factor", account.verify_two_factor, name="two-factor-verify"),
    path("clients", clients.list_all, name="clients"),
    path("export", exports.show, name="export"),
    path("export/download", exports.download, name="export-download"),
    path("clients.csv", clients.export, name="clients-csv"),
    path("clients/new", client_editing.add, name="client-new"),
    path("clients/matches", client_editing.list_matches, name="client-matches"),
    path("clients/matches/<number:match_id>", client_editing.decide, name="client-match"),
    path("clients/<number:client_id>", client.show_funding, name="client"),
    path("clients/<number:client_id>/edit", client_editing.edit, name="client-edit"),
    path("clients/<number:client_id>/plan", client.show_plan, name="plan"),
    path("clients/<number:client_id>/budgets/<number:budget_key>", explanation.show, name="budget-explained"),
    path("clients/<number:client_id>/spending", spending.show, name="spending"),
    path("clients/<number:client_id>/spending/planned", spending.plan, name="plan-service"),
    path(
        "clients/<number:client_id>/spending/planned/<number:planned_id>/remove",
        spending.remove,
        name="remove-planned-service",
    ),
    path("clients/<number:client_id>/spending/balances", spending.enter_balance, name="enter-balance"),
    path("clients/<number:client_id>/synchronise", synchronise.ask, name="synchronise"),
    path("clients/<number:client_id>/synchronise/<number:run_id>", synchronise.watch, name="synchronise-run"),
    path("clients/<number:client_id>/synchronise/<number:run_id>/apply", synchronise.apply, name="preview-apply"),
    path("clients/<number:client_id>/changes", history.show_changes, name="client-changes"),
    path("clients/<number:client_id>/changes.csv", history.download_changes, name="client-changes-csv"),
    path("clients/<number:client_id>/syncs", history.show_syncs, name="client-syncs"),
    path("clients/<number:client_id>/as-of", history.show_as_of, name="as-of"),
    path("clients/<number:client_id>/evidence/<str:digest>", history.download_evidence, name="evidence"),
    path("runs", runs.list_all, name="runs"),
    path("runs/new", runs.start, name="run-new"),
    path("runs/<number:run_id>", runs.show, name="run"),
    path("runs/<number:run_id>/watch", runs.watch, name="run-watch"),
    path("runs/<number:run_id>/<str:step>", runs.steer, name="run-steer"),
    path("runs/<number:run_id>.csv", runs.export, name="run-csv"),
    path("administration", administration.show, name="administration"),
    path("administration/connections", administration.show_connections, name="connections"),
    path("administration/connections/interfaces", interfaces.show, name="interfaces"),
    path(
        "administration/connections/interfaces/description.toml",
        interfaces.download_description,
        name="interfaces-description",
    ),
    path("administration/schedules", administration.show_schedules, name="schedules"),
    path("administration/access-log", logs.show_access_log, name="access-log"),
    path("administration/audit-log", logs.show_audit_log, name="audit-log"),
    path("administration/tokens", tokens.show_all, name="all-tokens"),
    path("administration/webhooks", webhooks.list_all, name="webhooks"),
    path("administration/webhooks/<number:webhook_id>", webhooks.show, name="webhook"),
    path("administration/webhooks/<number:webhook_id>/<str:step>", webhooks.steer, name="webhook-steer"),
    path(
        "administration/webhooks/<number:webhook_id>/deliveries/<number:delivery_id>",
        webhooks.send_again,
        name="webhook-send-again",
    ),
    path("administration/people", people.list_all, name="people"),
    path("administration/people/new", people.add, name="person-new"),
    path("administration/people/<number:user_id>", people.change, name="person"),
    *care_management_urls.urlpatterns,
    *pace.urlpatterns,
    *claim_urls.urlpatterns,
]
