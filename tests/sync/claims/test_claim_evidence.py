"""The funder's answers about claims are kept as they came, and can be taken away from the claim's page."""

from hashlib import sha256

import pytest
from django.contrib.auth.models import User

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.records.claims.archive import find_claim_evidence, list_claim_answers
from carefund.records.models import Claim, ClaimAnswer, Payload
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, check_claim, send_batch
from tests.conftest import table_rows


@pytest.fixture
def claim(claims: ClaimWorld) -> Claim:
    """A claim of two lines of two people, just made."""
    claims.deliver(claims.clients[0])
    claims.deliver(claims.clients[1], "INV-2")
    send_batch(claims.prepare().pk)
    return Claim.objects.get()


def kept(claim: Claim, operation: str) -> list[ClaimAnswer]:
    return list(list_claim_answers(claim).filter(operation=operation))


def test_every_answer_of_sending_is_kept_with_the_batch(claim: Claim):
    answers = ClaimAnswer.objects.filter(batch=claim.batch)
    operations = sorted(set(answers.values_list("operation", flat=True)))
    assert operations == ["claim_create", "invoice_create", "invoice_details", "invoice_item_add", "invoice_submit"]
    assert {answer.subject_id for answer in kept(claim, "invoice_create")} == {"INV-1", "INV-2"}
    assert len(kept(claim, "invoice_item_add")) == 2
    for answer in answers:
        evidence = find_claim_evidence(claim, answer.payload_id)
        assert evidence
        assert sha256(evidence.body).hexdigest() == answer.payload_id
        assert evidence.body.startswith((b"{", b"["))


def test_every_answer_of_check_status_is_kept_with_the_claim(claims: ClaimWorld, claim: Claim):
    claims.turn(advanceDays=3)
    check_claim(claim)
    for operation in ("claim_details", "payment_statement", "payment_items"):
        [answer] = kept(claim, operation)
        assert (answer.claim, answer.subject_id) == (claim, claim.claim_id)
    claim.refresh_from_db()
    [statement] = kept(claim, "payment_statement")
    assert str(claim.total_paid).encode() in find_claim_evidence(claim, statement.payload_id).body


def test_the_same_answer_again_is_kept_once(claims: ClaimWorld, claim: Claim):
    check_claim(claim)
    before = table_rows(Payload), ClaimAnswer.objects.count()
    check_claim(claim)
    assert (table_rows(Payload), ClaimAnswer.objects.count()) == before
    [answer] = kept(claim, "claim_details")
    assert answer.received_again_at > answer.received_at
    claims.turn(advanceDays=3)
    check_claim(claim)
    assert len(kept(claim, "claim_details")) == 2


def test_an_answer_that_nobody_understands_is_kept_too(claims: ClaimWorld, claim: Claim):
    claims.sandbox.fault(kind="not-json", operation="claim_details", times=1)
    assert check_claim(claim).problem
    [answer] = kept(claim, "claim_details")
    assert find_claim_evidence(claim, answer.payload_id).body == b"this is not JSON"


def test_an_answer_is_downloaded_from_the_claims_page_by_whoever_may(claims: ClaimWorld, claim: Claim):
    fay, rex = User.objects.create_user("fay"), User.objects.create_user("rex")
    give_role(fay, Role.FINANCE)
    give_role(rex, Role.READ_ONLY)
    browser = Browser()
    browser.force_login(fay)
    digest = kept(claim, "claim_create")[0].payload_id
    address = f"/claims/claim/{claim.claim_id}/evidence/{digest}"
    assert address in browser.get(f"/claims/claim/{claim.claim_id}").content.decode()
    page = browser.get(f"/claims/claim/{claim.claim_id}/answers").content.decode()
    assert page.count(f"/claims/claim/{claim.claim_id}/evidence/") == list_claim_answers(claim).count()

    answer = browser.get(address)
    assert sha256(answer.content).hexdigest() == digest
    assert f'filename="claim_create-sha256-{digest}.json"' in answer.headers["Content-Disposition"]
    entry = AccessLogEntry.objects.get(action=AccessLogEntry.Action.EXPORTED)
    assert (entry.what, entry.number_of_clients) == (f"Stored response about claim {claim.claim_id}: claim create", 2)

    assert browser.get(f"/claims/claim/{claim.claim_id}/evidence/{'0' * 64}").status_code == 404
    other = Claim.objects.create(claim_id="1", service_provider_id="1", made_at=claim.made_at)
    assert browser.get(f"/claims/claim/{other.claim_id}/evidence/{digest}").status_code == 404
    browser.force_login(rex)
    assert browser.get(address).status_code == 403
