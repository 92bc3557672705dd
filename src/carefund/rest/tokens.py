"""Who calls: the token in the Authorization header, the account that it stands for, and what both may do."""

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser, User
from django.http import HttpRequest
from ninja.security import HttpBearer

from carefund.access.failed_attempts import note_failure, seconds_refused
from carefund.access.gate import reads_every_branch, require
from carefund.access.roles import may_enter, narrow_rights
from carefund.access.token_call_limit import Allowance, count_call
from carefund.access.tokens import begin_use, find_token
from carefund.rest.problems import ApiProblem


class AuthenticatedRequest(HttpRequest):
    """A request whose token was found to be in force: `auth` is its account, narrowed to what the token may do."""

    auth: User
    allowance: Allowance | None


def nobody(user: User | AnonymousUser) -> bool:
    """The right that an operation asks for which names none."""
    return False


def of_every_branch(may: Callable[[User | AnonymousUser], bool]) -> Callable[[User | AnonymousUser], bool]:
    """Return the same right, for those who have all branches: what it is about cannot be told apart by branch."""
    return lambda user: may(user) and isinstance(user, User) and reads_every_branch(user)


class BearerToken(HttpBearer):
    """Let in whoever has a token in force with a right, as its account. Without a token the answer is 401, without the
    right 403; after many wrong tokens, or too many calls with a right one, 429."""

    def __init__(self, may: Callable[[User | AnonymousUser], bool] = nobody) -> None:
        super().__init__()
        self.may = may

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return the account, or None."""
        found = find_token(token)
        if found is None or not may_enter(found.user):
            seconds = seconds_refused(request)
            if seconds:
                raise ApiProblem("too-many-attempts", retry_after=seconds)
            note_failure(request)
            return None
        account: User = found.user
        narrow_rights(account, found)
        begin_use(account, found)
        allowance = count_call(found.pk)
        request.__dict__.update(auth=account, allowance=allowance)
        if allowance is not None and allowance.remaining < 0:
            raise ApiProblem("too-many-calls", retry_after=allowance.seconds_left)
        require(account, self.may)
        return account
