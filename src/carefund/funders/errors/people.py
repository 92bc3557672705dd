"""What the funder says, or must not say, about the person or record that was asked for."""

from carefund.funders.errors.root import FunderError


class ConsentMissing(FunderError):
    """The person has not agreed to share this with the provider."""

    code = "consent-missing"
    advice = "Ask the client to give consent in My Aged Care. The last known details are kept."


class AuthorityMissing(FunderError):
    """This organisation does not have permission to see the participant's plan."""

    code = "authority-missing"
    advice = (
        "Check three things with the participant and in the NDIS portal: consent to view plan and budget, an active "
        "endorsement as the participant's provider, and an active endorsement as plan manager."
    )


class IdentityNotMatched(FunderError):
    """The NDIA has no participant with this surname, NDIS number and date of birth."""

    code = "identity-not-matched"
    advice = (
        "Surname, NDIS number and date of birth must all match the NDIA's records. Compare all three with the "
        "participant's plan."
    )


class NotFound(FunderError):
    """The funder has no record with this ID."""

    code = "not-found"
    advice = "Compare the ID with the funder's letter or portal."


class MalformedId(FunderError):
    """The ID has characters or a length that the funder does not use."""

    code = "malformed-id"
    advice = "Correct the ID. It can have up to 40 letters, digits, hyphens and underscores."
