"""What is wrong in the settings of this installation."""

from carefund.funders.errors.root import FunderError


class NotConfigured(FunderError):
    """A required setting is missing."""

    code = "not-configured"
    advice = "Set the values named here in the environment. Then run `carefund check`."


class WrongAddress(FunderError):
    """The configured address is not the funder's API."""

    code = "wrong-address"
    advice = "Compare the configured address and paths with the funder's API documents."
