"""What a digital partner's gateway sends, as a type. No network, no rules.

Source: rules NDIS-03 and NDIS-06; docs/decisions/0010-pace.md.
"""

from datetime import date
from decimal import Decimal

from msgspec import Struct

from carefund.funders.bounds import Code, Money, Name

OPERATION = "ndia_partner_budget"
PATHS = {OPERATION: "/paceBudget/{ndisNumber}"}
ORGANISATION_HEADER, KEY_HEADER = "org-id", "x-api-key"


class PartnerBudget(Struct, frozen=True, kw_only=True, rename="camel"):
    """One row of the gateway's list: the money for one category, with names old and new.

    `is_deleted` is 1 for a row that the gateway keeps and no longer means.
    """

    type: Code = ""
    start_date: date | None = None
    end_date: date | None = None
    management: Code = ""
    support: Code = ""
    support_category_pace: Name = ""
    support_category_api: Name = ""
    budget_type: Code = ""
    allocated_amount: Money | None = None
    approved_amount: Money | None = None
    spent_amount: Money | None = None
    remaining_amount: Money | None = None
    is_deleted: bool | int | Code | None = None

    @property
    def counts(self) -> bool:
        return str(self.is_deleted).strip().casefold() not in ("1", "true")

    @property
    def released_amount(self) -> Decimal | None:
        """What was released; None where the gateway's 0 means that nobody set it.

        A true 0 leaves nothing that could be spent or remain; in the gateway's own sample 0 stands beside 78,000 left.
        """
        is_all_told = self.spent_amount is not None and self.remaining_amount is not None
        comes_to_nothing = is_all_told and not (self.spent_amount or 0) + (self.remaining_amount or 0)
        return None if self.allocated_amount == 0 and not comes_to_nothing else self.allocated_amount
