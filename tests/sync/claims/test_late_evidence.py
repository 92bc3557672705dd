"""Evidence for a late line: only a PDF, kept with the line, sent with its item, once, and from an interface."""

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from carefund.access.models import AccessLogEntry
from carefund.access.roles import Role, give_role
from carefund.cli import claims as claim_commands
from carefund.records.claims.late_evidence import NotEvidence, TooLate, remove_evidence, store_evidence
from carefund.records.models import Claim, ClaimBatch, Invoice, InvoiceLineItem, LateEvidence
from tests.browsing import Browser
from tests.claim_world import ClaimWorld, late_day, send_batch
from tests.cli.conftest import Terminal

PDF = b"%PDF-1.7\n" + b"a late referral\n" * 100_000  # more than a megabyte
LATE = {"lines": 1, "late_reason_code": "OTHER"}


def deliver_late(claims: ClaimWorld, number: int = 0, invoice: str = "INV-1") -> InvoiceLineItem:
    claims.deliver(claims.clients[number], invoice, day=late_day(), **LATE)
    return InvoiceLineItem.objects.latest("pk")


def attached(claims: ClaimWorld) -> list[list[str]]:
    """The names of the files that the funder holds, by item of every invoice."""
    return [
        [attachment["fileName"] for attachment in item.get("attachments", ())]
        for invoice in claims.invoices()
        for item in invoice["items"]
    ]


def test_evidence_goes_with_its_item_before_the_invoice_is_submitted(claims: ClaimWorld):
    claims.sandbox.ask("POST", "/claim-rules", {"lateNeedsEvidence": True})
    line = deliver_late(claims)
    evidence = store_evidence(line, "Dr Example's letter.pdf", PDF)
    send_batch(claims.prepare().pk)
    assert attached(claims) == [[evidence.file_name]]
    assert evidence.file_name.startswith("Dr-Example-s-letter-")
    assert Invoice.objects.get().status == "HELD"
    evidence.refresh_from_db()
    assert evidence.sent_at
    with pytest.raises(TooLate):
        store_evidence(line, "another.pdf", PDF + b"another")
    with pytest.raises(TooLate):
        remove_evidence(line)


@pytest.mark.parametrize("kind", ["drop", "truncate", "status"])
def test_a_lost_answer_does_not_attach_it_twice(claims: ClaimWorld, kind: str):
    evidence = store_evidence(deliver_late(claims), "letter.pdf", PDF)
    batch = claims.prepare()
    claims.sandbox.fault(kind=kind, operation="invoice_item_attach", times=1, status=503, share=0)
    for _ in range(2):
        send_batch(batch.pk)
    assert attached(claims) == [[evidence.file_name]]
    evidence.refresh_from_db()
    assert evidence.sent_at
    assert not Invoice.objects.filter(is_uncertain=True).exists()


def test_the_same_file_for_two_lines_goes_with_both(claims: ClaimWorld):
    for line in (deliver_late(claims), deliver_late(claims, 1, "INV-2")):
        store_evidence(line, "letter.pdf", PDF)
    send_batch(claims.prepare().pk)
    assert [len(names) for names in attached(claims)] == [1, 1]


def test_a_file_that_the_funder_refuses_can_be_replaced(claims: ClaimWorld):
    line = deliver_late(claims)
    store_evidence(line, "letter.pdf", b"%PDF-1.7 encrypted")
    batch = claims.prepare()
    claims.sandbox.fault(kind="status", operation="invoice_item_attach", times=1, status=400)
    send_batch(batch.pk)
    batch.refresh_from_db()
    assert (batch.state, bool(batch.problem)) == (ClaimBatch.State.SENDING, True)
    evidence = store_evidence(line, "letter.pdf", PDF)
    send_batch(batch.pk)
    assert attached(claims) == [[evidence.file_name]]


def test_only_a_pdf_of_moderate_size_is_evidence(claims: ClaimWorld):
    line = deliver_late(claims)
    for content in (b"", b"a letter", b"PK\x03\x04", b"%PDF-1.7" + b"x" * (5 * 1024 * 1024)):
        with pytest.raises(NotEvidence):
            store_evidence(line, "letter.pdf", content)
    assert not LateEvidence.objects.exists()


def test_the_page_attaches_shows_and_takes_away(claims: ClaimWorld):
    fay, rex = User.objects.create_user("fay"), User.objects.create_user("rex")
    give_role(fay, Role.FINANCE)
    give_role(rex, Role.READ_ONLY)
    line = deliver_late(claims)
    batch = claims.prepare()
    address = f"/claims/lines/{line.pk}/evidence"
    browser = Browser()
    browser.force_login(fay)
    assert "No evidence attached" in browser.get(f"/claims/batches/{batch.pk}").content.decode()
    wrong = browser.post(address, {"file": SimpleUploadedFile("letter.pdf", b"words")})
    assert "This is not a PDF" in wrong.content.decode()
    page = browser.post(address, {"file": SimpleUploadedFile("letter.pdf", PDF)}, follow=True).content.decode()
    assert "Not sent yet" in page
    assert "Evidence attached" in browser.get(f"/claims/batches/{batch.pk}").content.decode()
    assert browser.get(f"{address}/file").content == PDF
    entries = AccessLogEntry.objects.filter(client=line.client, what="Evidence for a late claim")
    assert set(entries.values_list("action", flat=True)) == {"viewed", "exported"}
    browser.post(address, {"remove": "1"})
    assert not LateEvidence.objects.exists()
    assert browser.get(f"{address}/file").status_code == 404
    assert browser.get("/claims/lines/999999/evidence").status_code == 404
    browser.force_login(rex)
    assert [browser.get(path).status_code for path in (address, f"{address}/file")] == [403, 403]


def test_the_command_attaches(claims: ClaimWorld, tmp_path):
    line = deliver_late(claims)
    terminal = Terminal(claim_commands.app)
    file = tmp_path / "letter.pdf"
    file.write_bytes(b"words")
    assert "not a PDF" in terminal.type("attach", line.external_reference_id, str(file), status=2)
    file.write_bytes(PDF)
    terminal.type("attach", line.external_reference_id, str(file))
    terminal.type("attach", "nobody's", str(file), status=2)
    assert LateEvidence.objects.get().line_item == line
    assert not Claim.objects.exists()
