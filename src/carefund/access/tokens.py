"""Tokens with which a machine comes in through the API: shown once, kept as a digest, at most what their account may.

A token is long and random, so a plain SHA-256 is enough to keep it; a slow hash is for passwords that people choose.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from django.conf import settings
from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from carefund.records.not_found import find_one

PREFIX = "cft_"
_USE_NOTED_EVERY = timedelta(minutes=5)


class TokenScope(StrEnum):
    """What a token may do, of what its account may do."""

    READ = "read"
    SYNC = "sync"
    CLAIMS = "claims"
    ADMINISTRATION = "administration"
    MONITORING = "monitoring"


SCOPES = {
    TokenScope.READ: "Read clients, funding, contracts, runs and changes",
    TokenScope.SYNC: "Add and edit clients; start, pause and cancel runs",
    TokenScope.CLAIMS: "Invoices and claims",
    TokenScope.ADMINISTRATION: "Administration",
    TokenScope.MONITORING: "Metrics for monitoring, without clients",
}


def all_scopes() -> list[str]:
    """Return every scope: the token may do whatever its account may."""
    return [scope.value for scope in TokenScope]


class ApiToken(models.Model):
    """One machine's way in, in the name of an account. Ends with its time, by revoking, or with the account.

    `scopes` are values of TokenScope. `service_provider_ids` narrows it to these branches; empty: all of its account.
    """

    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="api_tokens")
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True, help_text="Empty: only when it is revoked.")
    scopes = models.JSONField(default=all_scopes)
    service_provider_ids = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"api token {self.pk}"

    @property
    def state(self) -> str:
        """ "in force", "revoked" or "expired"; an account that may not sign in is another matter."""
        if self.revoked_at:
            return "revoked"
        return "expired" if self.expires_at and self.expires_at <= timezone.now() else "in force"

    @property
    def permissions(self) -> dict[str, object]:
        """What it may do and until when, for the audit log and the list of tokens."""
        return {
            "scopes": self.scopes,
            "Service Provider IDs": self.service_provider_ids or "all of the account",
            "expires": self.expires_at,
        }


def create_token(
    user: User,
    name: str,
    lifetime: timedelta | None = None,
    *,
    scopes: Iterable[str] = tuple(TokenScope),
    service_provider_ids: Iterable[str] = (),
) -> tuple[ApiToken, str]:
    """A new token of an account, and its text, which is nowhere else and cannot be shown again."""
    text = PREFIX + secrets.token_urlsafe(32)
    wanted = set(scopes)
    token = ApiToken.objects.create(
        user=user,
        name=name[:80],
        digest=_digest(text),
        expires_at=timezone.now() + lifetime if lifetime else None,
        scopes=[scope.value for scope in TokenScope if scope in wanted],
        service_provider_ids=sorted(set(service_provider_ids)),
    )
    return token, text


def find_token(text: str) -> ApiToken | None:
    """The token behind a text, if it is in force; its use is noted now and then."""
    found = ApiToken.objects.select_related("user").filter(digest=_digest(text), revoked_at__isnull=True).first()
    if found is None or not found.user.is_active or found.state != "in force":
        return None
    now = timezone.now()
    if found.last_used_at is None or now - found.last_used_at > _USE_NOTED_EVERY:
        ApiToken.objects.filter(pk=found.pk).update(last_used_at=now)
    return found


@dataclass(slots=True)
class TokenUse:
    """One call with a token; `is_logged`: the access log has an entry of it."""

    token: ApiToken
    is_logged: bool = False


def begin_use(user: User, token: ApiToken) -> TokenUse:
    """Let this account object stand for a token, so that both logs name it."""
    use = TokenUse(token)
    user.__dict__["_carefund_token_use"] = use
    return use


def find_use(user: User) -> TokenUse | None:
    """The call that an account object stands for; None for a person."""
    return user.__dict__.get("_carefund_token_use")


def name_account(user: User) -> str:
    """Return what both logs call an account: its name, and the token by which it came."""
    use = find_use(user)
    name = user.get_username()
    return f"{name[:50]} (token {use.token.pk}, {use.token.name})" if use else name


def list_tokens(user: User | None = None) -> QuerySet[ApiToken]:
    """The tokens of everybody or of one account, newest first."""
    tokens = ApiToken.objects.select_related("user").order_by("-id")
    return tokens if user is None else tokens.filter(user=user)


def holds_token_in_force(user: User) -> bool:
    """Whether an account has a token that neither was revoked nor has expired."""
    kept = list_tokens(user).filter(revoked_at__isnull=True)
    return kept.filter(Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())).exists()


def list_expiring_tokens(now: datetime, before: datetime) -> QuerySet[ApiToken]:
    """The tokens in force that expire before a time, of accounts that may sign in, the first to expire first."""
    expiring = list_tokens().filter(revoked_at__isnull=True, user__is_active=True)
    return expiring.filter(expires_at__gt=now, expires_at__lt=before).order_by("expires_at", "id")


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
