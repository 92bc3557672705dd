"""Who calls: the token in the Authorization header, and the account that it stands for."""

from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.security import HttpBearer

from carefund.access.attempts import note_failure, seconds_refused
from carefund.access.roles import may_enter
from carefund.access.tokens import find_token
from carefund.rest.problems import ApiProblem


class AuthenticatedRequest(HttpRequest):
    """A request whose token was found to be in force: `auth` is its account."""

    auth: User


class BearerToken(HttpBearer):
    """Let in whoever has a token in force, as its account. Without one the answer is 401; after many of them, 429."""

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the account, or None."""
        found = find_token(token)
        if found is not None and may_enter(found.user):
            return found.user
        seconds = seconds_refused(request)
        if seconds:
            raise ApiProblem("too-many-attempts", retry_after=seconds)
        note_failure(request)
        return None
