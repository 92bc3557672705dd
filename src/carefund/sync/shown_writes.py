"""What a write would send, and where, for somebody to confirm: nothing is sent here, and nothing asked.

Only where nothing real can be reached. Source: rules CLAIM-01 and SAH-19.
"""

import hashlib
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.conf import settings

from carefund.domain.quarters import quarter_of
from carefund.domain.wording import write_money
from carefund.funders.configuration import FunderConfiguration, is_for_tests
from carefund.funders.dialect import write as write_body
from carefund.funders.services_australia.claim_payloads import NewInvoiceItem
from carefund.funders.services_australia.operations import PATHS
from carefund.records.care_recipient.quarter_close import ClosingRow, list_closing_rows
from carefund.records.models import Client, PlanBudget, Rollover
from carefund.records.trials import find_service_to_try
from carefund.sync.write_trials import (
    ADD,
    ATTACH,
    ATTACHMENT,
    CLAIM,
    CREATE,
    ROLL_OVER,
    WRITES,
    TrialInvoice,
    name_trial_invoice,
)

_SOME_INVOICE = "{invoiceId}"
_PRICE = Decimal("1.00")
_MOST_ENDED = 10
PRODUCTION = "Writes are tried only in the vendor environment or the sandbox. This installation reaches another one."


class CannotTry(Exception):
    """A write cannot be tried, here, now, or with this client; message and advice may go to a log."""

    def __init__(self, message: str, advice: str = "") -> None:
        self.message, self.advice = message, advice
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class ShownWrite:
    """What a write would send, and where, for somebody to confirm. What stands in braces is read before it is sent."""

    operation: str
    words: str
    environment: str
    address: str
    body: str
    invoice: TrialInvoice | None = None
    budget: PlanBudget | None = None

    @property
    def digest(self) -> str:
        """What a confirmation of exactly this holds for."""
        shown = "\n".join((self.operation, self.words, self.environment, self.address, self.body))
        return hashlib.sha256(shown.encode()).hexdigest()


def find_obstacle_to_writing() -> str:
    """Return why no write may be tried here, in a sentence; "" where it may."""
    return "" if is_for_tests(settings.SERVICES_AUSTRALIA) else PRODUCTION


def show_write(client: Client, operation: str, today: date) -> ShownWrite:
    """What would be sent. Raises CannotTry where writes are not tried, or something of the client is missing."""
    configuration: FunderConfiguration = settings.SERVICES_AUSTRALIA
    if obstacle := find_obstacle_to_writing():
        raise CannotTry(obstacle, "Use an installation of its own for the vendor environment.")
    if operation not in WRITES:
        raise CannotTry("There is no such write.")
    address = configuration.base_url.rstrip("/") + configuration.paths.get(operation, PATHS[operation])
    environment, words = configuration.environment, WRITES[operation]
    if operation == ROLL_OVER:
        row = find_row_to_close(client, today)
        assert row.projection is not None
        rolls_over, is_lost = write_money(row.projection.rollover), write_money(row.projection.loss)
        words = f"{words}: by estimate {rolls_over} rolls over and {is_lost} is lost. It cannot be undone"
        address = address.replace("{budgetId}", row.budget.budget_id)
        return ShownWrite(operation, words, environment, address, "{}", budget=row.budget)
    invoice = _make_invoice(client, today)
    sent = {
        CREATE: invoice.new_invoice,
        ADD: invoice.item,
        ATTACH: ATTACHMENT,
        CLAIM: invoice.claim(_SOME_INVOICE),
    }.get(operation)
    body = write_body(sent, configuration.interfaces.dialect).decode() if sent else "{}"
    return ShownWrite(operation, words, environment, address, body, invoice=invoice)


def _make_invoice(client: Client, today: date) -> TrialInvoice:
    """The trial invoice of a client: an hour of a service, delivered yesterday, for a dollar."""
    day = today - timedelta(days=1)
    service_id = find_service_to_try(client.pk, day)
    if not service_id or not client.service_provider_id or not client.care_recipient_id:
        raise CannotTry(
            "No approved service or Service Provider ID of this client is known.", "Synchronise them first."
        )
    item = NewInvoiceItem(
        external_reference_id=f"{name_trial_invoice(client.care_recipient_id)}-1",
        care_recipient_id=client.care_recipient_id,
        service_id=service_id,
        delivery_date=day,
        quantity=Decimal(1),
        price_per_unit=_PRICE,
        funding_source="ON",
    )
    return TrialInvoice(client.service_provider_id, item)


def find_row_to_close(client: Client, today: date) -> ClosingRow:
    """The row of Quarter close whose budget ended last, of those that are ready. Raises CannotTry."""
    ended = PlanBudget.objects.filter(client=client, end_date__lt=today).order_by("-end_date", "pk")
    for key, end_date in ended.values_list("pk", "end_date")[:_MOST_ENDED]:
        for row in list_closing_rows(quarter_of(end_date or today), today, budget_keys=[key]):
            is_done = row.rollover is not None and row.rollover.state == Rollover.State.DONE
            if row.can_be_asked_for and row.projection and not is_done:
                return row
    raise CannotTry("No budget of this client is ready to be rolled over.", "See Quarter close.")
