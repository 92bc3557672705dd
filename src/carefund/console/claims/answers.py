"""The stored answers behind a claim: which there are, and each as evidence."""

from collections.abc import Iterable

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse

from carefund.access.access_log import store_export
from carefund.access.roles import may_claim, may_export
from carefund.console.page_access import Request, page
from carefund.console.stored_responses import StoredResponse
from carefund.records.claims.archive import find_claim_evidence, list_claim_answers
from carefund.records.claims.queries import find_claim, list_clients_of
from carefund.records.models import Claim, ClaimAnswer

_PAGE_SIZE = 50


@page(may_claim)
def list_all(request: Request, claim_id: str) -> HttpResponse:
    """Everything that the funder answered about a claim and its batch, newest first."""
    claim = find_claim(claim_id)
    shown = Paginator(list_claim_answers(claim), _PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"claim": claim, "page": shown, "responses": list_responses(claim, shown.object_list)}
    return render(request, "console/claims/answers.html", context)


def list_responses(claim: Claim, answers: Iterable[ClaimAnswer]) -> list[StoredResponse]:
    """Return what the table of stored responses shows of a claim's answers."""
    return [
        StoredResponse(
            f"answer-{answer.pk}",
            answer.operation,
            answer.subject_id,
            answer.received_at,
            answer.payload_id,
            reverse("console:claim-evidence", args=[claim.claim_id, answer.payload_id]),
            answer.received_again_at,
        )
        for answer in answers
    ]


@page(lambda user: may_claim(user) and may_export(user))
def download(request: Request, claim_id: str, digest: str) -> HttpResponse:
    """One stored answer, byte for byte as received; its name carries its SHA-256."""
    claim = find_claim(claim_id)
    evidence = find_claim_evidence(claim, digest)
    clients = list(list_clients_of(claim))
    store_export(
        request.user,
        f"Stored response about claim {claim.claim_id}: {evidence.operation.replace('_', ' ')}",
        clients=clients,
    )
    response = HttpResponse(evidence.body, content_type="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{evidence.operation}-sha256-{digest}.json"'
    return response
