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

PREFIX = "cft_"
_USE_NOTED_EVERY = timedelta(minutes=5)


class ApiToken(models.Model):
    """One machine's way in, in the name of an account. Ends when it is revoked or the account may not log in."""

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"api token {self.pk}"


def create_token(user: User, name: str) -> tuple[ApiToken, str]:
    """A new token of an account, and its text, which is nowhere else and cannot be shown again."""
    text = PREFIX + secrets.token_urlsafe(32)
    return ApiToken.objects.create(user=user, name=name[:80], digest=_digest(text)), text


def find_token(text: str) -> ApiToken | None:
    """The token behind a text, if it is in force; its use is noted now and then."""
    found = ApiToken.objects.select_related("user").filter(digest=_digest(text), revoked_at__isnull=True).first()
    if found is None or not found.user.is_active:
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


def list_tokens() -> QuerySet[ApiToken]:
    """All tokens, newest first."""
    return ApiToken.objects.select_related("user").order_by("-id")


def revoke_token(token: ApiToken) -> None:
    """End a token at once; one that has ended stays as it is."""
    ApiToken.objects.filter(pk=token.pk, revoked_at__isnull=True).update(revoked_at=timezone.now())


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
