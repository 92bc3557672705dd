"""The page of a request that the database refused: one sentence, what to do, and what was typed, to be sent again.

No database and no session is touched here. A fragment's request gets the same answer; the page it belongs to stays as
it is, with all that was typed, and says so (static/console/carefund.js).
"""

import sys

from django.http import HttpRequest, HttpResponse
from django.template.loader import get_template

from carefund.records.database_trouble import explain_refusal
from carefund.unexpected_errors import show_failure

_RETRY_SECONDS = 30
_SECRETS = ("password", "token", "code", "proof")
_OURS = "csrfmiddlewaretoken"


def show_error(request: HttpRequest) -> HttpResponse:
    """Answer for a request that failed: 503 where the database refused, else the page of an unexpected error."""
    reason = explain_refusal(sys.exc_info()[1])
    if not reason:
        return show_failure(request)
    is_form = request.method == "POST"
    sent = [(name, value) for name, values in request.POST.lists() for value in values] if is_form else []
    kept = [(name, value) for name, value in sent if name == _OURS or not _is_secret(name)]
    context = {
        "reason": reason,
        "address": request.get_full_path(),
        "is_form": is_form,
        "kept": kept if len(kept) == len(sent) else [],  # without a password it cannot be sent again
        "has_files": is_form and bool(request.FILES),
    }
    answer = HttpResponse(get_template("503.html").render(context), status=503)
    answer.headers["Retry-After"] = str(_RETRY_SECONDS)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_secret(name: str) -> bool:
    return any(part in name.lower() for part in _SECRETS) and not name.lower().endswith("_code")
