"""The audit log: what administrators, finance and the terminal changed, with before and after. No secret is ever in it.

An act and its entry are one transaction of the caller: what cannot be logged does not happen.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from django.contrib.auth.models import AnonymousUser, User
from django.db import DatabaseError, transaction
from django.db.models import QuerySet

from carefund.access.log_writing import name_terminal, write
from carefund.access.models import AuditEntry
from carefund.access.tokens import name_account
from carefund.records.versions import find_version_problem

CAREFUND = "Carefund"


@contextmanager
def one_act() -> Iterator[None]:
    """An act and its entry: both are kept, or neither."""
    with transaction.atomic():
        yield


def store_act(
    actor: User | AnonymousUser | str | None,
    act: str,
    subject: str = "",
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note that an account (None: somebody at the terminal) did something; of before and after only what differs.

    `subject` names a thing of ours (an account, a run, a batch), never a client. Raises DatabaseError.
    """
    before, after = before or {}, after or {}
    names = [field for field in {**before, **after} if before.get(field) != after.get(field)]
    account = actor if isinstance(actor, User) else None
    name = actor if isinstance(actor, str) else name_account(account) if account else name_terminal()
    write(
        AuditEntry(
            user=account,
            user_name=name,
            act=act[:80],
            subject=subject[:150],
            before={field: _plain(before[field]) for field in names if field in before},
            after={field: _plain(after[field]) for field in names if field in after},
        )
    )


def try_to_store_act(actor: User | None, act: str, subject: str) -> None:
    """Note an act that must not depend on the log, if the database is there and of this version."""
    with suppress(DatabaseError):
        if find_version_problem() is None:
            store_act(actor, act, subject)


def store_refusal(user: User, route: str) -> None:
    """Note that a page or call was refused because the account has no permission. Raises DatabaseError."""
    store_act(user, "Refused: no permission", route)


def list_acts(*, user_name: str = "", words: str = "", before_id: int = 0) -> QuerySet[AuditEntry]:
    """The log, newest first, of everybody or of one account; `words` are looked for in what was done and to what."""
    acts = AuditEntry.objects.order_by("-id")
    if before_id:
        acts = acts.filter(pk__lt=before_id)
    if user_name:
        acts = acts.filter(user_name__icontains=user_name)
    for word in words.split():
        acts = acts.filter(act__icontains=word) | acts.filter(subject__icontains=word)
    return acts


def _plain(value: Any) -> Any:
    """A value as JSON keeps it on every database: texts, whole numbers, booleans, lists of those."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in (sorted(value) if isinstance(value, set | frozenset) else value)]
    return str(value)
