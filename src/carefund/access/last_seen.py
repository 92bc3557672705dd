"""How far each account has read the change log."""

from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.models import LastSeen


def find_last_seen(user: User) -> LastSeen | None:
    """When and how far somebody last read, None if they never did."""
    return LastSeen.objects.filter(user=user).first()


def store_last_seen(user: User, change_id: int) -> None:
    """Somebody has read the change log up to and including this entry."""
    LastSeen.objects.update_or_create(user=user, defaults={"change_id": change_id, "seen_at": timezone.now()})
