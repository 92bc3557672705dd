"""The second factor: a time-based code from an authenticator app (TOTP), by django-otp.

An account with a confirmed device must give a code at each sign-in. Who loses the device asks an administrator, who
takes it off the account; recovery codes would be one more secret to keep.
"""

from base64 import b32encode

import qrcode
import qrcode.image.svg
from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from django.utils.safestring import SafeString, mark_safe
from django_otp import login as otp_login
from django_otp.plugins.otp_totp.models import TOTPDevice

NAME = "Authenticator app"


def find_device(user: User) -> TOTPDevice | None:
    """The confirmed device of an account, None if it logs in with the password alone."""
    device: TOTPDevice | None = TOTPDevice.objects.filter(user=user, confirmed=True).first()
    return device


def is_awaited(user: User | AnonymousUser) -> bool:
    """Whether this session still owes its second factor."""
    if not isinstance(user, User):
        return False
    verified = getattr(user, "is_verified", None)
    return not (verified is not None and verified()) and find_device(user) is not None


def begin_set_up(user: User) -> TOTPDevice:
    """The device being set up, not in force until its first code was confirmed. Its secret stays the same meanwhile."""
    device: TOTPDevice
    device, _ = TOTPDevice.objects.get_or_create(user=user, confirmed=False, defaults={"name": NAME})
    return device


def read_secret(device: TOTPDevice) -> str:
    """The secret in the letters that people type where no camera is at hand (base32)."""
    return b32encode(device.bin_key).decode()


def confirm(request: HttpRequest, device: TOTPDevice, code: str) -> bool:
    """Check a code; if it is right the device is in force and this session has given its second factor."""
    if not device.verify_is_allowed()[0] or not device.verify_token(code):
        return False
    if not device.confirmed:
        TOTPDevice.objects.filter(user=device.user, confirmed=True).delete()
        device.confirmed = True
        device.save(update_fields=["confirmed"])
    otp_login(request, device)
    return True


def remove(user: User) -> None:
    """Take every device off an account."""
    TOTPDevice.objects.filter(user=user).delete()


def draw_qr_code(device: TOTPDevice) -> SafeString:
    """The device's secret as an SVG drawing that an authenticator app can read from the screen."""
    image = qrcode.make(device.config_url, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    drawing: str = image.to_string(encoding="unicode")
    return mark_safe(drawing)  # noqa: S308 - drawn here, from no one's input
