"""The second factor: a time-based code from an authenticator app (TOTP), by django-otp.

An account with a confirmed device must give a code at each sign-in. Who loses the device asks an administrator, who
takes it off the account; recovery codes would be one more secret to keep.
"""

from base64 import b32encode
from math import ceil
from typing import Any

import qrcode
import qrcode.image.svg
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django_otp import login as otp_login
from django_otp.models import Device, ThrottlingMixin, TimestampMixin
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from carefund.access.failed_attempts import note_failure
from carefund.funders.errors.configuring import NotConfigured
from carefund.records.encryption import Cipher

NAME = "Authenticator app"
_SECRET_BYTES = 20
_LONGEST_WAIT_SECONDS = 900
_MOST_COUNTED = 20


class Authenticator(TimestampMixin, ThrottlingMixin, Device):  # type: ignore[misc]  # the package has no types
    """An authenticator app: django-otp's own device, but that its secret is encrypted in the database."""

    encrypted_secret = models.BinaryField()
    drift = models.SmallIntegerField(default=0, help_text="Steps by which the app's clock was ahead.")
    last_t = models.BigIntegerField(
        default=-1, help_text="The step of the last code that was used; none is used twice."
    )
    step, t0, digits, tolerance = 30, 0, 6, 1

    class Meta:
        verbose_name = "authenticator app"

    def __str__(self) -> str:
        return f"authenticator {self.pk}"

    @property
    def bin_key(self) -> bytes:
        """The secret. Raises NotConfigured when no encryption key fits it."""
        return Cipher(settings.ENCRYPTION_KEYS).decrypt(bytes(self.encrypted_secret))

    def get_throttle_factor(self) -> float:
        """Wait 1, 2, 4, 8… seconds after wrong codes, as django-otp does, but at most a quarter of an hour."""
        usual: float = 2 ** (self.throttling_failure_count - 1)
        return min(1.0, _LONGEST_WAIT_SECONDS / usual)

    def throttle_increment(self, commit: bool = True) -> None:
        """Count a wrong code, up to a number whose wait is the longest anyway: the power of two stays a number."""
        super().throttle_increment(commit=False)
        counted: int = self.throttling_failure_count  # type: ignore[has-type]  # the package has no types
        self.throttling_failure_count = min(counted, _MOST_COUNTED)
        if commit:
            self.save()

    verify_token = TOTPDevice.verify_token
    config_url = TOTPDevice.config_url
    _read_str_from_settings = TOTPDevice._read_str_from_settings


def find_device(user: User) -> Authenticator | None:
    """The confirmed device of an account, None if it signs in with the password alone."""
    device: Authenticator | None = Authenticator.objects.filter(user=user, confirmed=True).first()
    return device


def is_awaited(user: User | AnonymousUser) -> bool:
    """Whether this session still owes its second factor."""
    if not isinstance(user, User):
        return False
    verified = getattr(user, "is_verified", None)
    return not (verified is not None and verified()) and find_device(user) is not None


def begin_set_up(user: User) -> Authenticator:
    """The device being set up, not in force until its first code was confirmed. Its secret stays the same meanwhile.

    Raises NotConfigured when there is no key to encrypt it with.
    """
    found: Authenticator | None = Authenticator.objects.filter(user=user, confirmed=False).first()
    secret = Cipher(settings.ENCRYPTION_KEYS).encrypt(bytes.fromhex(random_hex(_SECRET_BYTES)))
    if found is not None and not _can_be_read(found):
        found.delete()
        found = None
    return found or Authenticator.objects.create(user=user, name=NAME, confirmed=False, encrypted_secret=secret)


def _can_be_read(device: Authenticator) -> bool:
    try:
        return bool(device.bin_key)
    except NotConfigured:  # encrypted under a key that is gone: of use to nobody
        return False


def read_secret(device: Authenticator) -> str:
    """The secret in the letters that people type where no camera is at hand (base32)."""
    return b32encode(device.bin_key).decode()


def seconds_to_wait(device: Authenticator) -> int:
    """Return for how long no code of this device is looked at, after wrong ones; 0 if one may be given now."""
    device.refresh_from_db()
    is_allowed, why = device.verify_is_allowed()
    if is_allowed:
        return 0
    until = (why or {}).get("locked_until")
    return max(1, ceil((until - timezone.now()).total_seconds())) if until else 1


def confirm(request: HttpRequest, device: Authenticator, code: str) -> bool:
    """Check a code; if it is right the device is in force and this session has given its second factor."""
    with transaction.atomic():
        held = Authenticator.objects.select_for_update().get(pk=device.pk)  # no code counts twice at the same moment
        is_right = bool(held.verify_token(code))
        if is_right and not held.confirmed:
            Authenticator.objects.filter(user=held.user, confirmed=True).delete()
            held.confirmed = True
            held.save(update_fields=["confirmed"])
    if is_right:
        otp_login(request, held)
    else:
        note_failure(request)
    return is_right


def is_proven(request: HttpRequest, user: User, proof: str) -> bool:
    """Whether what somebody typed is the account's password, or a code of its device; wrong ones are slowed."""
    device = find_device(user)
    code = "".join(proof.split())
    if device is not None and code.isascii() and code.isdecimal() and len(code) == Authenticator.digits:
        return _can_be_read(device) and not seconds_to_wait(device) and confirm(request, device, code)
    given: dict[str, Any] = {"username": user.get_username(), "password": proof}
    return authenticate(request, **given) is not None


def remove(user: User) -> None:
    """Take every device off an account."""
    Authenticator.objects.filter(user=user).delete()


def draw_qr_code(device: Authenticator) -> SafeString:
    """The device's secret as an SVG drawing that an authenticator app can read from the screen."""
    image = qrcode.make(device.config_url, image_factory=qrcode.image.svg.SvgPathImage, border=2)
    drawing: str = image.to_string(encoding="unicode")
    return mark_safe(drawing)  # noqa: S308 - drawn here, from no one's input
