"""The funder does not know, or does not trust, this installation or its device."""

from carefund.funders.errors.root import FunderError


class NotAllowedIn(FunderError):
    """The funder's system did not accept this installation."""

    code = "not-allowed-in"
    advice = "Run `carefund check` to see which part of the access is missing."


class NotAuthenticated(NotAllowedIn):
    """The funder's system did not accept the access token."""

    code = "not-authenticated"
    advice = "Run `carefund check`. If the device works, compare the token audience with the integration pack."


class ClientIdRejected(NotAllowedIn):
    """The funder's system did not accept the application's client ID."""

    code = "client-id-rejected"
    advice = "Compare CAREFUND_CLIENT_ID with the ID that the developer portal issued for this environment."


class NotPermitted(NotAllowedIn):
    """This organisation does not have permission to do that at the funder."""

    code = "not-permitted"
    advice = "Ask the funder whether this organisation is linked to the person and entitled to this service."


class DeviceNotActivated(NotAllowedIn):
    """This installation has no active PRODA device."""

    code = "device-not-activated"
    advice = "Register a B2B device in PRODA, set its name in CAREFUND_DEVICE_NAME, and run `carefund device activate`."


class DeviceInactive(NotAllowedIn):
    """PRODA says that the device or its organisation is not active."""

    code = "device-inactive"
    advice = "Open the organisation's B2B devices in PRODA and extend or reactivate this device."


class DeviceUnknown(NotAllowedIn):
    """PRODA does not know this device or organisation."""

    code = "device-unknown"
    advice = "Compare CAREFUND_ORGANISATION_ID and CAREFUND_DEVICE_NAME with the organisation's B2B devices in PRODA."


class DeviceKeyExpired(NotAllowedIn):
    """The PRODA device's key has expired."""

    code = "device-key-expired"
    advice = "Get a new activation code for the device in PRODA and run `carefund device activate`."


class DeviceKeyRejected(NotAllowedIn):
    """PRODA did not accept the device's new key."""

    code = "device-key-rejected"
    advice = "Run `carefund device refresh` again. It makes a new key each time."


class DeviceKeyTooYoung(NotAllowedIn):
    """The PRODA device's key is less than half-way through its life, too early to renew it."""

    code = "device-key-too-young"
    advice = "No action needed. The key is renewed automatically when it is due."


class DeviceBusy(NotAllowedIn):
    """Another process is using the PRODA device."""

    code = "device-busy"
    advice = "Try again in a minute. Only one process at a time can renew a device's key or token."


class ActivationCodeRejected(NotAllowedIn):
    """PRODA did not accept the activation code."""

    code = "activation-code-rejected"
    advice = "A code works once, for a short time, and is case-sensitive. Get a new code in PRODA and try again."


class AssertionRejected(NotAllowedIn):
    """PRODA did not accept the signed request for a token."""

    code = "assertion-rejected"
    advice = "Compare the organisation ID, device name, PRODA client ID and token audience with the integration pack."


class ClockSkewed(NotAllowedIn):
    """This machine's clock differs too much from PRODA's clock."""

    code = "clock-skewed"
    advice = "Set this machine's clock, preferably with NTP, and try again."
