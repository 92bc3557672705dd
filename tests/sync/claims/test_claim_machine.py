"""The life of claims with crashes, a lying funder and restored backups, in any order that Hypothesis thinks of.

Invariant: the funder never holds a line twice, nor claims an invoice twice. At the end, when nothing is wrong any more,
everything is sent once more: then each line is held and claimed once, and our records say so too.
A few examples in the suite; `make machines ARGS="--seconds 3600 --seed 7"` for as long as you like.
"""

import asyncio
import os
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from carefund.funders.errors.root import FunderError
from carefund.records.claims.batches import BatchMoved, withdraw_batch
from carefund.records.claims.open_lines import list_open_lines
from carefund.records.claims.queries import list_unsettled_claims
from carefund.records.models import Claim, ClaimBatch, InvoiceLineItem
from carefund.runs.business_day import business_today
from carefund.runs.database_threads import DatabaseThreads
from carefund.runs.funder_sessions import open_source
from carefund.sync.claims.checking import Checker
from carefund.sync.claims.preparing import NothingToClaim, prepare_batch
from carefund.sync.claims.sending import Sender, Stopped
from tests.claim_world import Backup, ClaimWorld, Died, DyingDatabase

WRITES = ("invoice_create", "invoice_item_add", "invoice_submit", "invoice_delete", "claim_create")
READS = ("invoices", "invoice_details", "claims", "claim_details")
UNFINISHED = ("prepared", "sending", "cancelled")

faults = st.one_of(
    st.fixed_dictionaries({
        "kind": st.sampled_from(["denial", "status"]), "status": st.sampled_from([400, 401, 403, 404, 409, 500, 503]),
        "operation": st.sampled_from(WRITES),
    }),
    st.fixed_dictionaries({
        "kind": st.sampled_from(["truncate", "drop", "not-json", "blank"]), "operation": st.sampled_from(WRITES),
    }),
    st.fixed_dictionaries({
        "kind": st.just("status"), "status": st.sampled_from([500, 503]), "operation": st.sampled_from(READS),
    }),
)  # fmt: skip


class ClaimMachine(RuleBasedStateMachine):
    """A provider, its funder, and everything that goes wrong between them."""

    claims: ClassVar[ClaimWorld]

    empty: ClassVar[Backup]

    @initialize(client=st.integers(0, 2), lines=st.integers(1, 3))
    def begin(self, client: int, lines: int) -> None:
        """A first batch, and a backup of before it was sent."""
        self.empty.restore()
        self.claims.sandbox.begin_anew()
        self.claims.sandbox.ask("POST", "/claim-rules", {"oneClaimPerDay": False})
        self.is_faulty = False
        self.delivered: list[tuple[int, int, int]] = []
        self.deliver(client, lines)
        self.prepare_open()
        self.backup = Backup()

    @rule(client=st.integers(0, 2), lines=st.integers(1, 3), only_yesterday=st.none() | st.booleans())
    def deliver_and_prepare(self, client: int, lines: int, only_yesterday: bool | None) -> None:
        """Another invoice, and a batch of all open lines, or of yesterday's, which splits invoices."""
        self.deliver(client, lines)
        if only_yesterday is not None:
            self.prepare(only_yesterday)

    def deliver(self, client: int, lines: int) -> None:
        """An invoice with a price of its own, so that no line looks like another one."""
        self.delivered.append((len(self.delivered) + 1, client, lines))
        self.bring_in(self.delivered[-1])

    def bring_in(self, delivery: tuple[int, int, int]) -> None:
        number, client, lines = delivery
        self.claims.deliver(
            self.claims.clients[client], f"INV-{number}", lines=lines, quantity="1.00", price=f"{number}.00"
        )

    @rule(only_yesterday=st.booleans())
    def prepare(self, only_yesterday: bool) -> None:
        """A batch of all open lines, or of yesterday's, which splits invoices."""
        with suppress(NothingToClaim, BatchMoved):
            self.prepare_open(only_yesterday)

    def prepare_open(self, only_yesterday: bool = False) -> None:
        choice = self.claims.choice()
        if only_yesterday:
            choice = replace(choice, from_date=business_today() - timedelta(days=1))
        prepare_batch(choice, business_today())

    @precondition(lambda self: ClaimBatch.objects.filter(state="prepared").exists())
    @rule(which=st.integers(0, 9))
    def withdraw(self, which: int) -> None:
        prepared = list(ClaimBatch.objects.filter(state="prepared").order_by("pk"))
        with suppress(BatchMoved):
            withdraw_batch(prepared[which % len(prepared)])

    @precondition(lambda self: ClaimBatch.objects.filter(state__in=UNFINISHED).exists())
    @rule(which=st.integers(0, 9), steps=st.none() | st.integers(0, 40), after=st.booleans())
    def send(self, which: int, steps: int | None, after: bool) -> None:
        """Send a batch, or be killed at one of the words to the database, before or just after it was written."""
        unfinished = list(ClaimBatch.objects.filter(state__in=UNFINISHED).order_by("pk"))
        with suppress(Stopped, FunderError, Died):
            self.send_batch(unfinished[which % len(unfinished)].pk, steps, after)

    def send_batch(self, batch_id: int, steps: int | None = None, after: bool = False) -> None:
        Claim.objects.update(made_at=timezone.now() - timedelta(days=2))  # each sending is on a day of its own
        database = DatabaseThreads() if steps is None else DyingDatabase(steps, after=after)

        async def work() -> None:
            try:
                async with open_source() as source:
                    await Sender(source, database, keep_nothing).send(batch_id)
            finally:
                await database.close()

        asyncio.run(work())

    @rule(fault=faults, after=st.integers(0, 3), times=st.integers(1, 2))
    def let_the_funder_fail(self, fault: dict, after: int, times: int) -> None:
        self.claims.sandbox.fault(**fault, after=after, times=times)
        self.is_faulty = True

    @precondition(lambda self: self.is_faulty)
    @rule()
    def mend_the_funder(self) -> None:
        self.claims.sandbox.ask("DELETE", "/faults")
        self.is_faulty = False

    @rule(sent_since=st.booleans())
    def back_up(self, sent_since: bool) -> None:
        """Keep a backup for later; or lose at once all that is sent after it."""
        self.backup = Backup()
        if sent_since:
            self.send_all()
            self.backup.restore()

    @rule(again=st.booleans())
    def restore(self, again: bool) -> None:
        """The backup comes back; the provider's own system may send what was brought in since once more."""
        self.backup.restore()
        if again:
            self.bring_in_again()

    def send_all(self) -> None:
        for batch in ClaimBatch.objects.filter(state__in=UNFINISHED).order_by("pk"):
            with suppress(Stopped, FunderError):
                self.send_batch(batch.pk)

    def bring_in_again(self) -> None:
        for delivery in self.delivered:
            self.bring_in(delivery)

    @rule(hours=st.sampled_from([5, 30, 60]), cancelled=st.none() | st.integers(0, 9))
    def let_time_pass(self, hours: int, cancelled: int | None) -> None:
        """Claims go on at the funder's and are checked; one that is cancelled gives its invoices back."""
        living = [claim for claim in self.claims.claims() if claim["status"] in ("BeingCalculated", "PendingApproval")]
        if living and cancelled is not None:
            self.claims.steer(living[cancelled % len(living)]["claimId"], cancel=True)
        self.claims.turn(advanceSeconds=hours * 3600)
        with suppress(FunderError):
            self.check_all()

    def check_all(self) -> None:
        async def work() -> None:
            database = DatabaseThreads()
            try:
                async with open_source() as source:
                    checker = Checker(source, database)
                    await checker.find_foreign()
                    for claim in await database.do(lambda: list(list_unsettled_claims())):
                        await checker.check(claim)
            finally:
                await database.close()

        asyncio.run(work())

    @invariant()
    def the_funder_never_holds_a_line_twice(self) -> None:
        twice = [reference for reference, number in self.held().items() if number > 1]
        assert not twice, twice
        claimed = Counter(
            invoice_id
            for claim in self.claims.claims()
            if claim["status"] != "Cancelled"
            for invoice_id in claim["invoiceIds"]
        )
        assert all(number == 1 for number in claimed.values()), claimed

    def held(self) -> "Counter[str]":
        return Counter(
            item["externalReferenceId"]
            for invoice in self.claims.invoices()
            if invoice["status"] != "DELETED"
            for item in invoice["items"]
        )

    def teardown(self) -> None:
        """Nothing is wrong any more, and everything is sent: both sides agree."""
        if not hasattr(self, "delivered"):
            return
        self.claims.sandbox.ask("DELETE", "/faults")
        self.bring_in_again()
        for _ in range(6):
            self.check_all()
            self.send_all()
            with suppress(NothingToClaim):
                self.prepare_open()
        self.the_funder_never_holds_a_line_twice()
        self.both_sides_agree()

    def both_sides_agree(self) -> None:
        assert not list_open_lines().exists()
        lines = InvoiceLineItem.objects.select_related("invoice")
        ours = {line.external_reference_id: (line.invoice.invoice_id, line.item_id) for line in lines}
        living = [invoice for invoice in self.claims.invoices() if invoice["status"] != "DELETED" and invoice["items"]]
        theirs = {
            item["externalReferenceId"]: (invoice["invoiceId"], item["itemId"])
            for invoice in living
            for item in invoice["items"]
        }
        assert ours == theirs
        assert {invoice["status"] for invoice in living} <= {"CLAIMED", "COMPLETED"}
        standing = {claim["claimId"] for claim in self.claims.claims() if claim["status"] != "Cancelled"}
        assert standing == set(Claim.objects.exclude(status="Cancelled").values_list("claim_id", flat=True))


async def keep_nothing() -> None:
    """No lease to renew."""


@pytest.mark.slow
def test_the_funder_never_holds_a_line_twice(claims: ClaimWorld):
    ClaimMachine.claims, ClaimMachine.empty = claims, Backup()
    examples = os.environ.get("MACHINE_EXAMPLES", "")
    run_machine(
        ClaimMachine,
        settings=settings(
            max_examples=int(examples or 5),
            stateful_step_count=25 if examples else 14,
            derandomize=not examples,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
