"""What a write through the API was answered, so that the same call again is answered the same and done once.

The answer is stored in the transaction of the write itself: a process that dies leaves both or neither, and whoever
calls again with the same key learns which by being answered. Refusals are not kept, since nothing was stored.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from threading import Lock
from typing import Any

from django.db import connection, models, transaction
from django.utils import timezone

from carefund.access.tokens import ApiToken

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255
_in_progress: set[tuple[int, str]] = set()
_lock = Lock()


class KeyInUse(Exception):
    """A call with this key is being carried out just now."""


class AnsweredCall(models.Model):
    """A write that was carried out, by the key that its caller gave it. `answer` is None once it may not be kept."""

    token = models.ForeignKey(ApiToken, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=LONGEST_KEY)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(null=True)
    answered_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=("token", "key"), name="answered_call_once")]

    def __str__(self) -> str:
        return f"answered call {self.pk}"


@dataclass(frozen=True, slots=True)
class CallKey:
    """A call as its caller named it: the token, the key, and what was asked (`request_digest`)."""

    token_id: int
    key: str
    request_digest: str

    def find_answer(self) -> AnsweredCall | None:
        """Return the call that was answered under this key within the last day, whatever it asked."""
        found = AnsweredCall.objects.filter(token_id=self.token_id, key=self.key)
        found.filter(answered_at__lt=timezone.now() - KEPT_FOR).delete()
        return found.first()

    def store_answer(self, status: int, answer: Any) -> None:
        """Keep an answer, of JSON alone."""
        AnsweredCall.objects.create(
            token_id=self.token_id, key=self.key, request_digest=self.request_digest, status=status, answer=answer
        )


@contextmanager
def only_once(call: CallKey) -> Iterator[None]:
    """Hold a key while its call is carried out, in one transaction. Raise KeyInUse if somebody else holds it."""
    held = (call.token_id, call.key)
    with _lock:
        if held in _in_progress:
            raise KeyInUse
        _in_progress.add(held)
    try:
        with transaction.atomic():
            _hold_for_all_processes(call)
            yield
    finally:
        with _lock:
            _in_progress.discard(held)


def _hold_for_all_processes(call: CallKey) -> None:
    """Beside SQLite one process serves, and whoever writes is alone."""
    if connection.vendor != "postgresql":
        return
    digest = sha256(f"{call.token_id} {call.key}".encode()).digest()
    numbers = [int.from_bytes(digest[start : start + 4], "big", signed=True) for start in (0, 4)]
    with connection.cursor() as cursor:  # of two numbers, unlike the locks that mark the order of changes
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s::integer, %s::integer)", numbers)
        if not cursor.fetchone()[0]:
            raise KeyInUse


def forget_answers() -> None:
    """Remove the answers, which may name a person who is erased; that the calls were carried out stays known."""
    AnsweredCall.objects.update(answer=None)
