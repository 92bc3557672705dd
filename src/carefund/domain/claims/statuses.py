"""How far a claim or an invoice is, whatever the funder's spelling, and never backwards. No storing.

Source: rule CLAIM-02.
"""

BEING_CALCULATED = "BeingCalculated"
PENDING_APPROVAL = "PendingApproval"
APPROVED = "Approved"
COMPLETED = "Completed"
CANCELLED = "Cancelled"
CLAIM_STATUSES = (BEING_CALCULATED, PENDING_APPROVAL, APPROVED, COMPLETED, CANCELLED)
FINAL_CLAIM_STATUSES = frozenset({COMPLETED, CANCELLED})
PAID_CLAIM_STATUSES = frozenset({APPROVED, COMPLETED})

OPEN = "OPEN"
SUBMITTED = "SUBMITTED"
HELD = "HELD"
DELETED = "DELETED"
CLAIMED = "CLAIMED"

_IN_WORDS = {BEING_CALCULATED: "Being calculated", PENDING_APPROVAL: "Pending approval"}
_KNOWN = {status.lower(): status for status in CLAIM_STATUSES}
_ORDER = {status: place for place, status in enumerate((BEING_CALCULATED, PENDING_APPROVAL, APPROVED, COMPLETED))}
_SEPARATORS = str.maketrans("", "", " _-\u00a0\t")


def claim_status(text: str) -> str:
    """The funder's word for a claim's state in one spelling; a word that nobody knows stays as it came."""
    return _KNOWN.get(text.translate(_SEPARATORS).lower(), text.strip())


def write_claim_status(status: str) -> str:
    """Return a claim's status in words that people read."""
    return _IN_WORDS.get(status, status)


def is_known(status: str) -> bool:
    """Whether a normalised claim status is one of the five that the funder is known to use."""
    return status in CLAIM_STATUSES


def later_claim_status(held: str, reported: str) -> str:
    """The status that holds after a report: a claim only goes forward, and its two ends are final.

    A word that nobody knows says nothing about how far the claim is, so what was held before stays in force.
    """
    new = claim_status(reported)
    if not held or not is_known(held):
        return new if is_known(new) or not held else held
    if not is_known(new) or held in FINAL_CLAIM_STATUSES:
        return held
    if new == CANCELLED:
        return CANCELLED
    return new if _ORDER[new] > _ORDER[held] else held


def invoice_status(text: str) -> str:
    """The funder's word for an invoice's state in capitals without spaces. The last word holds."""
    return text.translate(_SEPARATORS).upper()
