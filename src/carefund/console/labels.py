"""The ledger's stored values as people read them, and whose advice a failure's advice is. One word for one thing."""

from carefund.runs.models import Run, RunItem

PARTS = {
    Run.Parts.SURVEY.value: "Survey: read the lists, then clients with changes and some of the others",
    Run.Parts.EVERYTHING.value: "Everything: all records of each selected client",
    Run.Parts.CONTRIBUTIONS.value: "Individual contributions only",
    Run.Parts.BUDGETS_AND_USAGE.value: "Budgets, entitlements and usage",
    Run.Parts.BUDGETS.value: "Budgets only, without usage",
    Run.Parts.UNREAD_BUDGETS.value: "Budgets not read yet: entitlements and usage",
}
LABELS = PARTS | {RunItem.Outcome.SUPERSEDED.value: "Superseded by a newer sync"}

ASK_ADMINISTRATOR = "Nothing was changed. Tell your administrator."
_LATER = "Nothing was changed. Try again in a few minutes. If it keeps happening, tell your administrator."
# What only somebody at the machine or in PRODA can correct, in words for whoever is neither.
FOR_OTHERS = {
    "timed-out": _LATER,
    "throttled": _LATER,
    "device-busy": _LATER,
} | dict.fromkeys(
    (
        "not-configured", "connection-failed", "wrong-address", "repeated-page", "not-authenticated",
        "client-id-rejected", "device-not-activated", "device-inactive", "device-unknown", "device-key-expired",
        "device-key-rejected", "assertion-rejected", "clock-skewed", "wrong-type", "wrong-person",
    ),
    ASK_ADMINISTRATOR,
)  # fmt: skip


def name_value(value: str) -> str:
    """A stored value in words: "on demand" is On demand."""
    return LABELS.get(value, value.replace("_", " ").capitalize())


def advise(error_code: str, advice: str, *, may_administer: bool) -> str:
    """What this reader can do about a failure: an administrator the thing itself, anybody else what is theirs."""
    return advice if may_administer else FOR_OTHERS.get(error_code, advice)
