"""The first visit to a console that nobody can enter yet: a link in the log lets its reader add the administrator.

The link is signed with the installation's secret key and needs no row: it works while there is no account at all, for
a day. Whoever can read the log of the server could add an account by command anyway.
"""

from django.contrib.auth.models import User
from django.core import signing

from carefund.access.accounts import add_user
from carefund.access.audit_log import one_act, store_act
from carefund.access.roles import Role
from carefund.records.set_up_lock import only_set_up

HOURS = 24
_SALT = "carefund.access.first_visit"
_TEXT = "first visit"


class NotTheFirst(Exception):
    """There is an account already; the link is used up."""


def is_awaited() -> bool:
    """Whether nobody has an account yet."""
    return not User.objects.exists()


def make_key() -> str:
    """Return the key of a link for the first visit."""
    return signing.dumps(_TEXT, salt=_SALT)


def is_valid(key: str) -> bool:
    """Whether a link's key is of this installation, of the last day, and not used up."""
    try:
        return signing.loads(key, salt=_SALT, max_age=HOURS * 3600) == _TEXT and is_awaited()
    except signing.BadSignature:
        return False


def add_administrator(username: str, password: str, **names: str) -> User:
    """Add the first account. Raise NotTheFirst when somebody else was quicker."""
    with only_set_up(lambda: None), one_act():
        if not is_awaited():
            raise NotTheFirst
        user = add_user(username, password, Role.ADMINISTRATOR, **names)
        store_act(user, "Account added", f"account {username}", after={"role": Role.ADMINISTRATOR.value})
    return user
