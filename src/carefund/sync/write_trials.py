"""A write tried at the funder's: one step on the one trial invoice of a client, and a report that holds no value.

The invoice is found by a reference that follows from the client alone, before the write and after it: what is there
already is not sent again, and where reading cannot tell, nothing is sent. So a client has one trial invoice at most, it
is claimed once, and an answer is never believed alone. Nothing of it becomes a record. That one process at a time works
on a client is the caller's part. Source: rules CLAIM-01, CLAIM-02 and CLAIM-06.
"""

import hashlib
from base64 import b64encode
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from carefund.domain.claims import statuses
from carefund.funders.answers import TrialAnswer
from carefund.funders.errors.root import FunderError
from carefund.funders.interfaces.answer_check import Examination
from carefund.funders.interfaces.file_lines import UNKNOWN, Line
from carefund.funders.recorded_calls import RecordedCalls
from carefund.funders.services_australia.claim_payloads import (
    InvoiceItem,
    InvoiceReference,
    NewAttachment,
    NewClaim,
    NewInvoice,
    NewInvoiceItem,
)
from carefund.funders.services_australia.claiming import Claiming, Versioned, is_uncertain, was_sent
from carefund.funders.services_australia.client import ServicesAustralia
from carefund.records.trials import KeptAnswer
from carefund.sync.care_recipient.rolling_over import NotRolledOver, RollingOver
from carefund.sync.claims.uploading import Database
from carefund.sync.refusal_words import describe_refusal
from carefund.sync.trials import TriedCall, examine, write_report

CREATE, DELETE, ADD, ATTACH, SUBMIT, CLAIM, ROLL_OVER = (
    "invoice_create", "invoice_delete", "invoice_item_add", "invoice_item_attach", "invoice_submit", "claim_create",
    "budget_roll_over",
)  # fmt: skip
# What each does, in words; by the operation.
WRITES = {
    CREATE: "Create the trial invoice, without items",
    DELETE: "Delete the trial invoice",
    ADD: "Add an item of $1.00 to the trial invoice",
    ATTACH: "Attach a PDF to the item",
    SUBMIT: "Submit the trial invoice",
    CLAIM: "Claim the trial invoice",
    ROLL_OVER: "Roll over the budget of the quarter that has ended",
}
# In which states of the invoice each is possible.
_NEEDED = {
    ADD: (statuses.OPEN,),
    ATTACH: (statuses.OPEN,),
    SUBMIT: (statuses.OPEN,),
    DELETE: (statuses.OPEN, statuses.SUBMITTED, statuses.HELD),
    CLAIM: (statuses.SUBMITTED,),
}
_AGAIN = "Try it again: Carefund reads before it sends."
_FILE_NAME = "carefund-trial.pdf"
_PDF = b"""%PDF-1.4
1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj
2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj
3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]>>endobj
trailer<</Root 1 0 R>>
%%EOF
"""


class WriteOutcome(StrEnum):
    """What came of a write that was tried."""

    DONE = "done"
    REFUSED = "refused"
    UNCERTAIN = "not certain"
    NOT_SENT = "not sent"


class Tried(NamedTuple):
    """What came of it, and why, in a sentence without a value of a person."""

    outcome: WriteOutcome
    words: str


class NotSent(Exception):
    """Nothing may be sent; says why in one sentence."""


@dataclass(frozen=True, slots=True)
class TrialInvoice:
    """What the trial invoice of a client is made of."""

    service_provider_id: str
    item: NewInvoiceItem

    @property
    def reference(self) -> str:
        """Our reference of the invoice."""
        return self.item.external_reference_id.rpartition("-")[0]

    @property
    def new_invoice(self) -> NewInvoice:
        """The invoice as it is created."""
        return NewInvoice(service_provider_id=self.service_provider_id, external_reference_id=self.reference)

    def claim(self, invoice_id: str) -> NewClaim:
        """The claim of the invoice."""
        references = (InvoiceReference(invoice_id=invoice_id),)
        return NewClaim(service_provider_id=self.service_provider_id, invoices=references)


ATTACHMENT = NewAttachment(file_content=b64encode(_PDF).decode(), filename=_FILE_NAME)


def name_trial_invoice(care_recipient_id: str) -> str:
    """Our reference of a client's one trial invoice, on every machine the same, from which nobody learns the client."""
    return f"TRIAL-{hashlib.sha256(care_recipient_id.encode()).hexdigest()[:12].upper()}"


class Recording:
    """Calls under examination: answers of `source` are archived as they come, and reported without these `names`."""

    def __init__(
        self, source: ServicesAustralia, archive: Callable[[KeptAnswer], Awaitable[None]], names: Collection[str] = ()
    ) -> None:
        configuration = source.configuration
        self.source = ServicesAustralia(RecordedCalls(source.caller, self._take), configuration)
        self._examination = Examination(configuration.interfaces.dialect, configuration.spellings, names=set(names))
        self.names: Collection[str] = self._examination.names
        self._archive = archive
        self._calls: list[TriedCall] = []

    async def _take(self, answer: TrialAnswer) -> None:
        if answer.body:
            await self._archive(KeptAnswer(answer.operation, answer.body))
        self._calls.append(examine(self._examination, answer)[0])

    def suggest(self, line: Line) -> None:
        """Name a line of the interfaces file."""
        self._examination.lines.add(line)

    def report(self, write: str, tried: Tried) -> dict[str, Any]:
        """The report as JSON, with what came of the write."""
        said = {"operation": write, "outcome": tried.outcome, "words": tried.words}
        return {**write_report(self._examination, self._calls), "write": said}


@dataclass(frozen=True, slots=True)
class TrialSteps:
    """The writes on a client's trial invoice. `keep` is awaited before one is sent, and raises when none may be."""

    recording: Recording
    invoice: TrialInvoice
    keep: Callable[[], Awaitable[None]]

    @property
    def _claiming(self) -> Claiming:
        return Claiming.over(self.recording.source)

    async def take(self, write: str) -> Tried:
        """Read, send, and read again. Raises whatever `keep` raises."""
        try:
            send = await self._prepare(write)
        except NotSent as reason:
            return Tried(WriteOutcome.NOT_SENT, str(reason))
        except FunderError as problem:
            said = f"Carefund cannot read what is there already ({problem.message.rstrip('.')}), so nothing was sent."
            return Tried(WriteOutcome.NOT_SENT, said)
        await self.keep()
        try:
            await send()
        except FunderError as problem:
            return await self._doubt(write, problem)
        if await self._shows(write):
            return Tried(WriteOutcome.DONE, "Done, and read back.")
        return Tried(WriteOutcome.UNCERTAIN, "It was accepted, but what is read back does not show it.")

    async def _doubt(self, write: str, problem: FunderError) -> Tried:
        """What holds after an error: done is done, whatever the answer said."""
        shown = await self._shows(write) if was_sent(problem) else False
        if shown:
            return Tried(WriteOutcome.DONE, f"It was done, although the answer was an error: {problem.message}")
        if is_uncertain(problem) or shown is None:
            return Tried(WriteOutcome.UNCERTAIN, f"{problem.message} It may have been done. {_AGAIN}")
        return Tried(WriteOutcome.REFUSED, describe_refusal(problem, self.recording.names) or problem.message)

    async def _shows(self, write: str) -> bool | None:
        """Whether the funder shows that a write was done; None where that cannot be read."""
        try:
            held = await self._find()
            if held is None or write == CREATE:
                return (held is None) == (write == DELETE)
            status = statuses.invoice_status(held.invoice.status)
            match write:
                case "invoice_item_add":
                    return self._find_item(held) is not None
                case "invoice_item_attach":
                    return _has_file(self._find_item(held))
                case "invoice_submit":
                    return status not in ("", statuses.OPEN)
                case "claim_create":
                    return await self._is_claimed(held)
        except (FunderError, NotSent):
            return None
        return False

    async def _prepare(self, write: str) -> Callable[[], Awaitable[object]]:
        """The call to make. Raises NotSent where it was made already, or is not possible; FunderError."""
        held = await self._find()
        if write == CREATE:
            if held is not None:
                raise NotSent("This client already has a trial invoice.")
            return partial(self._claiming.create_invoice, self.invoice.new_invoice)
        if held is None:
            raise NotSent("This client has no trial invoice. Create it first.")
        status = statuses.invoice_status(held.invoice.status)
        if status not in _NEEDED[write]:
            raise NotSent(f"The trial invoice is {status or 'in an unknown state'}.")
        return await self._prepare_step(write, held)

    async def _prepare_step(self, write: str, held: Versioned) -> Callable[[], Awaitable[object]]:
        invoice_id, item, claiming = held.invoice.invoice_id, self._find_item(held), self._claiming
        match write:
            case "invoice_item_add":
                if item is not None:
                    raise NotSent("The trial invoice already has the item.")
                return partial(claiming.add_item, invoice_id, self.invoice.item)
            case "invoice_delete":
                return partial(claiming.delete_invoice, invoice_id, held.etag)
        if item is None:
            raise NotSent("The trial invoice has no item. Add it first.")
        match write:
            case "invoice_item_attach":
                if _has_file(item):
                    raise NotSent("The PDF is already attached.")
                return partial(claiming.attach, invoice_id, item.item_id, ATTACHMENT)
            case "invoice_submit":
                return partial(claiming.submit_invoice, invoice_id, held.etag)
            case "claim_create":
                if await self._is_claimed(held):
                    raise NotSent("A claim already includes the trial invoice.")
                return partial(claiming.create_claim, self.invoice.service_provider_id, [invoice_id])
        raise NotSent("This write does not use the trial invoice.")

    async def _find(self) -> Versioned | None:
        """The living trial invoice, with its version. Raises NotSent where reading cannot tell which it is."""
        found = await self._claiming.fetch_invoices(self.invoice.service_provider_id, self.invoice.reference)
        if any(row.external_reference_id != self.invoice.reference for row in found):
            self.recording.suggest(Line("parameters", "invoices.externalReferenceId", UNKNOWN, 0.0))
            raise NotSent(
                "The list of invoices also has invoices with other references, so Carefund cannot tell what is already "
                "there. Nothing was sent."
            )
        living = [row for row in found if statuses.invoice_status(row.status) != statuses.DELETED]
        if len(living) > 1:
            raise NotSent("This client has several trial invoices. Delete all but one in the portal.")
        return await self._claiming.fetch_invoice(living[0].invoice_id) if living else None

    def _find_item(self, held: Versioned) -> InvoiceItem | None:
        """The item. Raises NotSent where another one is there, or its reference cannot be read."""
        living = [item for item in held.invoice.items if item.item_status.upper() != statuses.DELETED]
        if any(item.external_reference_id != self.invoice.item.external_reference_id for item in living):
            raise NotSent("Carefund does not know the reference of an item on the trial invoice. Nothing was sent.")
        return living[0] if living else None

    async def _is_claimed(self, held: Versioned) -> bool:
        """Whether a claim names the invoice. Raises NotSent where the invoices of one cannot be read."""
        listed = await self._claiming.fetch_claims(self.invoice.service_provider_id)
        if listed.unreadable:
            raise NotSent("A claim in the list cannot be read, so Carefund cannot tell what is claimed already.")
        for claim in listed.rows:
            named = claim.invoices or (await self._claiming.fetch_claim(claim.claim_id)).invoices
            if not named:
                raise NotSent("A claim names no invoice that can be read, so Carefund cannot tell what is claimed.")
            if any(reference.invoice_id == held.invoice.invoice_id for reference in named):
                return True
        return False


def _has_file(item: InvoiceItem | None) -> bool:
    return item is not None and any(held.file_name == _FILE_NAME for held in item.attachments)


async def try_rollover(
    recording: Recording, database: Database, keep: Callable[[], Awaitable[None]], number: int
) -> Tried:
    """Bring a rollover that was stored to its end, as Quarter close does. Raises whatever `keep` raises."""
    try:
        is_new = await RollingOver(recording.source, database, keep).roll_over(number)
    except NotRolledOver as refusal:
        return Tried(WriteOutcome.REFUSED, refusal.problem)
    except FunderError as problem:
        return Tried(WriteOutcome.UNCERTAIN, f"{problem.message} {_AGAIN}")
    if not is_new:
        return Tried(WriteOutcome.NOT_SENT, "The budget had already been rolled over.")
    return Tried(WriteOutcome.DONE, "Done. Synchronise the client to see both budgets.")
