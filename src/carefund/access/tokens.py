"""Tokens with which a machine comes in through the API: shown once, kept as a digest, no more than their account.

A token is long and random, so a plain SHA-256 is enough to keep it; a slow hash is for passwords that people choose.
"""

import secrets
from datetime import timedelta
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import QuerySet
from django.utils import timezone

from carefund.records.finding import find_one

PREFIX = "cft_"
_USE_NOTED_EVERY = timedelta(minutes=5)


class ApiToken(models.Model):
    """One machine's way in, in the name of an account. Ends with its time, by revoking, or with the account."""

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Empty: only when it is revoked.")

    def __str__(self) -> str:
        return f"api token {self.pk}"

    @property
    def state(self) -> str:
        """ "in force", "revoked" or "expired"; an account that may not sign in is another matter."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "in force"


def create_token(user: User, name: str, lifetime: timedelta | None = None) -> tuple[ApiToken, str]:
    """A new token of an account, and its text, which is nowhere else and cannot be shown again."""
    text = PREFIX + secrets.token_urlsafe(32)
    expires_at = timezone.now() + lifetime if lifetime else None
    return ApiToken.objects.create(user=user, name=name[:80], digest=_digest(text), expires_at=expires_at), text


def find_token(text: str) -> ApiToken | None:
    """The token behind a text, if it is in force; its use is noted now and then."""
    found = ApiToken.objects.select_related("user").filter(digest=_digest(text), revoked_at__isnull=True).first()
    if found is None or not found.user.is_active or found.state != "in force":
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


def list_tokens(user: User | None = None) -> QuerySet[ApiToken]:
    """The tokens of everybody or of one account, newest first."""
    tokens = ApiToken.objects.select_related("user").order_by("-id")
    return tokens if user is None else tokens.filter(user=user)


def find_token_by_number(number: int, *, of: User | None = None) -> ApiToken:
    """A token by its number, of one account or of anybody. Raises NotHere."""
    tokens = ApiToken.objects.filter(pk=number)
    return find_one(tokens if of is None else tokens.filter(user=of), "There is no token with this number.")


def name_token(token: ApiToken) -> str:
    """Return what the audit log calls a token: its number, name and account, never its text."""
    return f"token {token.pk}, {token.name}, of account {token.user.get_username()}"


def revoke_token(token: ApiToken) -> None:
    """End a token at once; one that has ended stays as it is."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def end_tokens(user: User) -> None:
    """End all tokens of an account at once: it lost its rights, or its password was changed."""
    ApiToken.objects.filter(user=user, revoked_at__isnull=True).update(revoked_at=timezone.now())


class TokensEndWithPassword:
    """Among the password validators, since Django tells these of every change of a password, by whatever way."""

    def validate(self, password: str, user: User | None = None) -> None:
        """Find nothing wrong."""

    def password_changed(self, password: str, user: User | None = None) -> None:
        """End what the old password let in; sessions end by themselves, since they carry its digest."""
        if user is not None and user.pk:
            end_tokens(user)

    def get_help_text(self) -> str:
        """Return what people read before they change it."""
        return "A new password ends your other sessions and all your API tokens."


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
