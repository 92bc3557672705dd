"""What stands between a client and a contract from PACE, apart from a funder's errors, as one tree.

    PaceProblem
    ├── PaceApiOff            the organisation does not use the PACE API
    ├── ClientNotEnabled      the client is not marked as a PACE participant with API access
    ├── IdentityIncomplete    NDIS number, surname or date of birth is missing or malformed
    ├── NotOnPace             the NDIA says that this participant's plan is not on PACE
    ├── PlanMissing           the NDIA lists no PACE plan with a start date
    ├── BudgetsMissing        the plan has no budgets yet
    ├── NothingChosen         nothing was ticked
    ├── HourUsed              this hour's number of budgets is used up
    ├── ContractExists        the client has a contract for this plan
    ├── PreviewUnknown        the preview is used up, too old, or somebody else's
    └── PlanMoved             plan or contract changed since they were shown

A message names no person and no number, so it may go to a log. docs/ndis-pace.md lists every leaf; a test compares.
"""

from typing import ClassVar


class PaceProblem(Exception):
    """A question about PACE could not be asked, or its answer not be used; nothing was written."""

    code: ClassVar[str] = "pace-problem"
    advice: ClassVar[str] = ""

    def __init__(self, message: str = "") -> None:
        self.message = message or str(type(self).__doc__)
        super().__init__(self.message)


class PaceApiOff(PaceProblem):
    """The PACE API is turned off for this organisation."""

    code = "pace-api-off"
    advice = "An administrator can turn it on under Settings, NDIS SyncPro."


class ClientNotEnabled(PaceProblem):
    """This client is not marked as an NDIS PACE participant with API access."""

    code = "pace-client-off"
    advice = "Edit the client's NDIS details: select NDIS PACE participant, then API access, and save."


class IdentityIncomplete(PaceProblem):
    """The NDIA needs an NDIS number of 9 digits, a surname and a date of birth, and one of them is missing."""

    code = "pace-identity-incomplete"
    advice = "Complete the client's NDIS details as they stand in the participant's plan."


class NotOnPace(PaceProblem):
    """The NDIA says that this participant's plan is not on PACE."""

    code = "pace-not-on-pace"
    advice = "The plan is still in the previous system. Clear NDIS PACE participant until it has moved."


class PlanMissing(PaceProblem):
    """The NDIA lists no PACE plan with a start date for this participant."""

    code = "pace-plan-missing"
    advice = "A new plan can take up to 48 hours to appear. Try again then."


class BudgetsMissing(PaceProblem):
    """The NDIA lists the plan, and no budgets in it yet."""

    code = "pace-budgets-missing"
    advice = "Budgets of a new plan can take up to 48 hours to appear. Try again then."


class HourUsed(PaceProblem):
    """This hour's limit on budgets (CAREFUND_NDIA_BUDGETS_PER_HOUR) has been reached."""

    code = "pace-hour-used"
    advice = "The NDIA was not asked. Try again when the oldest request is an hour old."


class NothingChosen(PaceProblem):
    """Nothing was selected, so there is nothing to do."""

    code = "pace-nothing-chosen"
    advice = "Select at least one line, or close the dialog."


class ContractExists(PaceProblem):
    """This client already has a service contract for this plan."""

    code = "pace-contract-exists"
    advice = "Open that contract and sync plan and budgets again instead."

    def __init__(self, contract_id: int | None = None) -> None:
        self.contract_id = contract_id
        super().__init__()


class PreviewUnknown(PaceProblem):
    """This preview was already used, is too old, or belongs to another client."""

    code = "pace-preview-unknown"
    advice = "Retrieve the plan again and review it before continuing."


class PlanMoved(PaceProblem):
    """Plan or contract changed since they were shown, so nothing was saved."""

    code = "pace-plan-moved"
    advice = "Review the new figures and decide again."
