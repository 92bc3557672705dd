"""Who calls: the token in the Authorization header, and the account that it stands for."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from carefund.access.tokens import find_token


class AuthenticatedRequest(HttpRequest):
    """A request whose token was found to be in force: `auth` is its account."""

    auth: User


class BearerToken(HttpBearer):
    """Let in whoever has a token in force, as its account. Without one the answer is 401."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the account, or None."""
        found = find_token(token)
        return found.user if found else None
