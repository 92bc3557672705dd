"""The addresses of the claim pages, in the order in which a person meets them; part of the console's table."""

from django.urls import path

import carefund.console.claims.claim_ids
import carefund.console.url_numbers  # noqa: F401 makes <number:…> known
from carefund.console.claims import accounts, claims, exceptions, invoices, late_evidence, money, quarter_close
from carefund.console.claims import answers as claim_answers
from carefund.console.claims import batches as claim_batches

urlpatterns = [
    path("money", money.show, name="money"),
    path("money/quarter", quarter_close.show, name="quarter-close"),
    path("money/accounts", accounts.list_all, name="account-summaries"),
    path("money/accounts/months.csv", accounts.export, name="account-summaries-csv"),
    path("money/accounts/read", accounts.read, name="account-summaries-read"),
    path("money/accounts/<number:account_id>", accounts.show, name="account-summary"),
    path("money/accounts/<number:account_id>/movements.csv", accounts.export_movements, name="account-summary-csv"),
    path(
        "money/accounts/<number:account_id>/evidence/<str:digest>", accounts.download, name="account-summary-evidence"
    ),
    path("money/<str:stage>", money.list_stage, name="money-list"),
    path("money/<str:stage>/lines.csv", money.export_stage, name="money-csv"),
    path("claims", claims.list_all, name="claims"),
    path("claims/invoices", invoices.upload, name="invoices"),
    path("claims/invoices/<number:upload_id>", invoices.preview, name="invoice-upload"),
    path("claims/new", claim_batches.choose, name="batch-new"),
    path("claims/batches/<number:batch_id>", claim_batches.show, name="batch"),
    path("claims/batches/<number:batch_id>/send", claim_batches.send, name="batch-send"),
    path("claims/batches/<number:batch_id>/withdraw", claim_batches.withdraw, name="batch-withdraw"),
    path("claims/lines/<number:line_id>/evidence", late_evidence.show, name="line-evidence"),
    path("claims/lines/<number:line_id>/evidence/file", late_evidence.download, name="line-evidence-file"),
    path("claims/check", claims.check_all, name="claims-check"),
    path("claims/exceptions", exceptions.show, name="claim-exceptions"),
    path("claims/exceptions/usage", exceptions.show_draws, name="draws-without-line"),
    path("claims/exceptions/usage.csv", exceptions.export_draws, name="draws-without-line-csv"),
    path("claims/exceptions/lines.csv", exceptions.export, name="claim-exceptions-csv"),
    path("claims/exceptions/change", exceptions.change, name="exceptions-change"),
    path("claims/claim/<claim:claim_id>", claims.show, name="claim"),
    path("claims/claim/<claim:claim_id>/answers", claim_answers.list_all, name="claim-answers"),
    path("claims/claim/<claim:claim_id>/evidence/<str:digest>", claim_answers.download, name="claim-evidence"),
    path("claims/claim/<claim:claim_id>/check", claims.check, name="claim-check"),
]
