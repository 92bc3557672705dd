"""How far each account has read the change log."""

from django.contrib.auth.models import User
from django.utils import timezone

from carefund.access.models import LastLook


def find_last_seen(user: User) -> LastLook | None:
    """When and how far somebody last read, None if they never did."""
    return LastLook.objects.filter(user=user).first()


def store_last_seen(user: User, change_id: int) -> None:
    """Somebody has read the change log up to and including this entry."""
    LastLook.objects.update_or_create(user=user, defaults={"change_id": change_id, "looked_at": timezone.now()})
